package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// sending makes a hub send messages.
func sending(t *testing.T) func(*Options) {
	return func(o *Options) {
		o.Config.Messages.Enabled = true
		for name, value := range o.Config.Messages.Settings() {
			_, err := o.DB.Exec(t.Context(), fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s = %%L', current_database(), '%s'); END $$`, name, value))
			require.NoError(t, err)
		}
		o.DB.SQL().SetMaxIdleConns(0) // new connections have the setting
		o.DB.SQL().SetMaxIdleConns(5)
	}
}

// message is one as it is queued.
type message struct {
	Address     string
	Props, Body map[string]any
}

// messages returns those since the last call.
func messages(t *testing.T, h *Hub) (list []message) {
	t.Helper()
	rows, err := h.Store.MessagesAfter(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, row := range rows {
		m := message{Address: row.Address}
		require.NoError(t, json.Unmarshal([]byte(row.Props), &m.Props))
		require.NoError(t, json.Unmarshal([]byte(row.Body), &m.Body))
		list = append(list, m)
		require.NoError(t, h.Store.DeleteMessages(t.Context(), row.ID))
	}
	return list
}

func addresses(list []message) (names []string) {
	for _, m := range list {
		names = append(names, m.Address)
	}
	return names
}

func TestMessages(t *testing.T) {
	l := newLifeOf(t, newTestHub(t, sending(t)))
	user := asLabuser(t)
	messages(t, l.Hub)

	id, err := l.MakeTask(user, "sleep", []any{int64(1)}, TaskOpts{})
	require.NoError(t, err)
	l.exec(`UPDATE task SET state = 4, host_id = 1 WHERE method = 'sleep'; UPDATE task SET state = 1 WHERE method = 'sleep'; UPDATE task SET weight = 2`)
	require.NoError(t, l.CancelTaskFull(asAdmin(t), id))
	list := messages(t, l.Hub)
	require.Equal(t, []string{"task.free", "task.assigned", "task.open", "task.canceled"}, addresses(list))
	require.Equal(t, map[string]any{
		"type": "TaskStateChange", "id": float64(id), "parent": nil, "method": "sleep", "attribute": "state", "old": "FREE", "new": "ASSIGNED",
	}, list[1].Props)
	require.Equal(t, "FREE", list[1].Body["old"])
	require.Equal(t, float64(4), list[1].Body["info"].(map[string]any)["state"])
	require.Contains(t, list[0].Body["info"].(map[string]any)["request"], "<methodName>sleep</methodName>")
	require.Equal(t, []any{float64(1)}, list[2].Body["info"].(map[string]any)["request"])
	require.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$`, list[1].Body["info"].(map[string]any)["create_time"])

	require.NoError(t, l.CompleteBuild(l.ctx, l.begun()))
	list = messages(t, l.Hub)
	require.Equal(t, []string{"build.building", "build.complete", "import.rpm", "import.rpm", "import.rpm", "import.build"}, addresses(list))
	require.Equal(t, map[string]any{
		"type": "BuildStateChange", "name": "foo", "version": "1.0", "release": "1", "attribute": "state", "old": "BUILDING", "new": "COMPLETE",
	}, list[1].Props)
	info := list[1].Body["info"].(map[string]any)
	require.Equal(t, []any{"foo-1.0-1", "labuser", "DEFAULT"}, []any{info["nvr"], info["owner_name"], info["volume_name"]})
	require.Equal(t, []any{float64(0), float64(1)}, []any{list[1].Body["old"], list[1].Body["new"]})

	require.NoError(t, l.TagBuild(t.Context(), TagBuildRequest{UserID: 2, Tag: "dest", BuildID: int64(info["id"].(float64))}))
	require.NoError(t, l.UntagBuild(t.Context(), UntagBuildRequest{UserID: 2, Tag: "dest", Build: "foo-1.0-1", Strict: true}))
	list = messages(t, l.Hub)
	require.Equal(t, []string{"build.tag", "build.untag"}, addresses(list))
	require.Equal(t, map[string]any{"type": "Tag", "tag": "dest", "name": "foo", "version": "1.0", "release": "1", "user": "labuser"}, list[0].Props)
	require.Equal(t, "foo-1.0-1", list[0].Body["build"].(map[string]any)["nvr"])
	require.Equal(t, "labuser", list[0].Body["user"].(map[string]any)["name"])
	require.Equal(t, true, list[1].Body["strict"])

	must(t, asAdmin(t), l.Hub, api.PackageListBlock, api.PackageListParams{TagInfo: "dest", PkgInfo: "foo"})
	must(t, asAdmin(t), l.Hub, api.PackageListUnblock, api.PackageListParams{TagInfo: "dest", PkgInfo: "foo"})
	must(t, asAdmin(t), l.Hub, api.PackageListRemove, api.PackageListParams{TagInfo: "dest", PkgInfo: "foo"})
	list = messages(t, l.Hub)
	require.Equal(t, []string{"package.block", "package.unblock", "package.remove"}, addresses(list))
	require.Equal(t, map[string]any{"type": "PackageListChange", "tag": "dest", "package": "foo", "action": "block", "user": "kojiadmin"}, list[0].Props)

	l.exec(`INSERT INTO repo (id, tag_id, state) VALUES (50, 1, 0); UPDATE repo SET state = 1 WHERE id = 50; UPDATE repo SET state = 2 WHERE id = 50`)
	list = messages(t, l.Hub)
	require.Equal(t, []string{"repo.init", "repo.done"}, addresses(list))
	require.Equal(t, map[string]any{"type": "RepoDone", "tag": "dest", "repo_id": float64(50), "task_id": nil, "expire": false}, list[1].Props)
	require.Equal(t, map[string]any{
		"id": float64(1), "name": "dest", "arches": nil, "locked": false, "perm": nil, "perm_id": nil,
		"maven_support": false, "maven_include_all": false, "extra": map[string]any{},
	}, list[0].Body["tag"])
}

// What a task asks for and comes to is told as values.
func TestMessageOfClosedTask(t *testing.T) {
	h := newTestHub(t, sending(t))
	id, err := h.MakeTask(asLabuser(t), "sleep", []any{[]any{"a<b", nil, true, 1.5}, map[string]any{"k": []any{}}}, TaskOpts{})
	require.NoError(t, err)
	messages(t, h)
	result, err := xmlrpc.MarshalResult(map[string]any{"brootid": 9999999999, "srpms": []string{"é.src.rpm"}, "text": "  "})
	require.NoError(t, err)
	for text, want := range map[string]any{
		result:     map[string]any{"brootid": float64(9999999999), "srpms": []any{"é.src.rpm"}, "text": "  "},
		"PD94bWwg": nil, // Koji: very old tasks have base64
	} {
		_, err = h.Store.Exec(t.Context(), `UPDATE task SET state = 0 WHERE id = $1`, id)
		require.NoError(t, err)
		messages(t, h)
		_, err = h.Store.Exec(t.Context(), `UPDATE task SET state = 2, result = $2 WHERE id = $1`, id, text)
		require.NoError(t, err)
		info := messages(t, h)[0].Body["info"].(map[string]any)
		require.Equal(t, []any{[]any{"a<b", nil, true, 1.5}, map[string]any{"k": []any{}}}, info["request"])
		require.Equal(t, want, info["result"])
	}
}

func TestMessagesOfImports(t *testing.T) {
	l := newLifeOf(t, newTestHub(t, sending(t)))
	must(t, l.ctx, l.Hub, api.GrantCGAccess, api.GrantCGAccessParams{User: "kojiadmin", CG: "lab", Create: true})
	image := map[string]any{"arch": "x86_64"}
	l.uploadText("in", "disk.qcow2", "disk")
	rpm, err := os.ReadFile("testdata/rpms/foo-1.0-1.src.rpm")
	require.NoError(t, err)
	l.uploadText("in", "foo-1.0-1.src.rpm", string(rpm))
	meta := cgMeta(map[string]any{"image": map[string]any{}, "rpm": map[string]any{}},
		cgOf("disk.qcow2", "disk", "qcow2", map[string]any{"image": image}), cgOf("foo-1.0-1.src.rpm", string(rpm), "rpm", nil))
	meta["build"].(map[string]any)["name"], meta["build"].(map[string]any)["version"] = "foo", "1.0"
	messages(t, l.Hub)
	b := must(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Metadata: meta, Directory: "in"})
	list := messages(t, l.Hub)
	require.Equal(t, []string{"build.complete", "import.rpm", "import.archive", "import.cg"}, addresses(list))
	require.Equal(t, map[string]any{"type": "Import", "importType": "archive", "name": "foo", "version": "1.0", "release": "1"}, list[2].Props)

	ofRPM := list[1].Body["rpm"].(map[string]any)
	require.Equal(t, "src", ofRPM["arch"])
	require.Equal(t, float64(1), ofRPM["sourcepackage"])
	require.Equal(t, float64(len(rpm)), ofRPM["size"])
	require.Equal(t, "foo-1.0-1.src.rpm", list[1].Body["fileinfo"].(map[string]any)["filename"])
	require.Equal(t, l.Paths.Work("")+"/in/foo-1.0-1.src.rpm", list[1].Body["filepath"])
	archive := list[2].Body["archive"].(map[string]any)
	require.Equal(t, []any{"qcow2", "x86_64", float64(b.ID)}, []any{archive["type_name"], archive["arch"], archive["build_id"]})
	require.Equal(t, "image", list[2].Body["build_type"])
	require.Equal(t, "in", list[3].Body["directory"])
	require.Len(t, list[3].Body["metadata"].(map[string]any)["output"], 2)
	require.Equal(t, "foo-1.0-1", list[3].Body["build"].(map[string]any)["nvr"])
}

func TestMessageOfPromotion(t *testing.T) {
	l := newLifeOf(t, newTestHub(t, sending(t)))
	req := l.begunDraft()
	id := req.BuildID
	require.NoError(t, l.CompleteBuild(l.ctx, req))
	messages(t, l.Hub)
	must(t, l.ctx, l.Hub, api.PromoteBuild, api.PromoteBuildParams{Build: id, Force: true})
	list := messages(t, l.Hub)
	require.Equal(t, []string{"build.promote"}, addresses(list))
	draft := fmt.Sprintf("1,draft_%d", id)
	require.Equal(t, map[string]any{
		"type": "BuildPromote", "build_id": float64(id), "name": "foo", "version": "1.0", "release": "1",
		"draft_release": draft, "target_release": "1", "user": "kojiadmin",
	}, list[0].Props)
	require.Equal(t, draft, list[0].Body["draft_release"])
}

// A change that is taken back leaves no message, and a hub that is not told to
// send any leaves none at all.
func TestNoMessages(t *testing.T) {
	h := newTestHub(t, sending(t))
	messages(t, h)
	err := h.Store.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, h.publish(ctx, "x", data{}, data{}))
		return errors.New("no")
	})
	require.Error(t, err)
	require.Empty(t, messages(t, h))

	h = newTestHub(t)
	_, err = h.MakeTask(asLabuser(t), "sleep", []any{int64(1)}, TaskOpts{})
	require.NoError(t, err)
	require.NoError(t, h.publish(t.Context(), "x", data{}, data{}))
	n, err := database.One[int](t.Context(), h.Store.DB, `SELECT count(*) FROM proton_queue`)
	require.NoError(t, err)
	require.Zero(t, n)
}

// A message of a transaction that is still open holds back those with higher
// ids: a reader that has passed them would miss it.
func TestMessageOrder(t *testing.T) {
	h := newTestHub(t, sending(t))
	messages(t, h)
	err := h.Store.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, h.publish(ctx, "first", data{}, data{}))
		require.NoError(t, h.publish(t.Context(), "second", data{}, data{}))
		rows, err := h.Store.MessagesAfter(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, rows)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, addresses(messages(t, h)))
	require.NoError(t, h.publish(t.Context(), "old", data{}, data{}))
	dropped, _, err := h.Store.Sweep(t.Context(), store.SweepMessages[0], false, 0)
	require.NoError(t, err)
	require.Equal(t, int64(1), dropped)
}

func TestMessageExtraLimit(t *testing.T) {
	h := newTestHub(t)
	h.Messages = config.Messages{Enabled: true, ExtraLimit: 10}
	require.NotEmpty(t, h.about(&api.Build{BuildTimes: api.BuildTimes{Extra: api.DocumentOf(map[string]any{"a": "b"})}}).Extra)
	require.Empty(t, h.about(&api.Build{BuildTimes: api.BuildTimes{Extra: api.DocumentOf(map[string]any{"a": "a long text"})}}).Extra)
}
