package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
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
	dropped, err := h.Store.DropMessages(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, int64(1), dropped)
}

func TestMessageExtraLimit(t *testing.T) {
	h := newTestHub(t)
	h.Messages = config.Messages{Enabled: true, ExtraLimit: 10}
	require.NotEmpty(t, h.about(&api.Build{BuildTimes: api.BuildTimes{Extra: api.DocumentOf(map[string]any{"a": "b"})}}).Extra)
	require.Empty(t, h.about(&api.Build{BuildTimes: api.BuildTimes{Extra: api.DocumentOf(map[string]any{"a": "a long text"})}}).Extra)
}
