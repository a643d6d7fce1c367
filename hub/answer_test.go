package hub

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// listed makes n of everything that is listed in the calls of lists: packages
// with two builds of two RPMs each, in a tag with n parents, and tasks.
const listed = `
INSERT INTO package (id, name) SELECT i, 'pkg' || i FROM generate_series(1, $1::int) i;
INSERT INTO task (id, state, channel_id, parent, owner, method, request, result, arch)
SELECT i, 2, 1, nullif(1, i), 1, 'sleep', '<?xml version=''1.0''?><methodCall><methodName>sleep</methodName><params><param><value><int>1</int></value></param></params></methodCall>',
	NULL, 'noarch' FROM generate_series(1, $1::int) i;
INSERT INTO build (id, volume_id, pkg_id, version, release, draft, completion_time, state, task_id, owner, extra)
SELECT 2 * i - k, 0, i, k::text, '1', false, '2026-01-02 03:04:05.0678+00', 1, i, 1, CASE k WHEN 1 THEN '{"a": [1, null]}' END
FROM generate_series(1, $1::int) i, generate_series(0, 1) k;
INSERT INTO rpminfo (id, build_id, name, version, release, epoch, arch, draft, external_repo_id, payloadhash, size, buildtime)
SELECT 2 * b.id + k, b.id, 'a<b&' || b.id, k::text, '1', nullif(k, 0), 'noarch', false, 0, 'x', 1::int8 << 33, 1
FROM build b, generate_series(0, 1) k;
INSERT INTO tag (id, name) SELECT i, 'tag' || i FROM generate_series(1, $1::int + 1) i;
INSERT INTO tag_config (tag_id, arches, creator_id) SELECT id, 'noarch', 1 FROM tag;
INSERT INTO tag_inheritance (tag_id, parent_id, priority, intransitive, noconfig, creator_id)
SELECT 1, i + 1, i, false, false, 1 FROM generate_series(1, $1::int) i;
INSERT INTO tag_packages (package_id, tag_id, creator_id) SELECT p.id, t.id, 1 FROM package p, tag t;
INSERT INTO tag_package_owners (package_id, tag_id, owner, creator_id) SELECT p.id, t.id, 1, 1 FROM package p, tag t;
INSERT INTO tag_listing (build_id, tag_id, creator_id) SELECT id, 1 + id % 3, 1 FROM build WHERE id % 4 > 0;
INSERT INTO build_target (id, name) SELECT i, 'target' || i FROM generate_series(1, $1::int) i;
INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, creator_id) SELECT id, 1, 1, 1 FROM build_target;
INSERT INTO host (id, user_id, name) SELECT i, 2, 'host' || i FROM generate_series(1, $1::int) i;
INSERT INTO host_config (host_id, arches, creator_id) SELECT id, 'noarch', 1 FROM host;
INSERT INTO host_channels (host_id, channel_id, creator_id) SELECT id, 1, 1 FROM host;
INSERT INTO groups (id, name) SELECT i, 'group' || i FROM generate_series(1, $1::int) i;
INSERT INTO group_config (group_id, tag_id, exported, display_name, creator_id) SELECT id, 1, true, name, 1 FROM groups;
INSERT INTO group_package_listing (group_id, tag_id, package, type, creator_id) SELECT id, 1, 'bash', 'mandatory', 1 FROM groups;
INSERT INTO repo (id, create_event, tag_id, state) SELECT i, get_event(), 1, 1 FROM generate_series(1, $1::int) i;
INSERT INTO sessions (user_id, key, hostip) SELECT 1, 'x', '-' FROM generate_series(1, $1::int);
INSERT INTO users (id, name, status, usertype) SELECT 10 + i, 'user' || i, 0, 0 FROM generate_series(1, $1::int) i;
INSERT INTO permissions (id, name) SELECT 100 + i, 'perm' || i FROM generate_series(1, $1::int) i;
INSERT INTO user_perms (user_id, perm_id, creator_id) SELECT 1, 100 + i, 1 FROM generate_series(1, $1::int) i;
INSERT INTO channels (id, name) SELECT 100 + i, 'channel' || i FROM generate_series(1, $1::int) i;
INSERT INTO volume (id, name) SELECT i, 'volume' || i FROM generate_series(1, $1::int) i;
INSERT INTO content_generator (id, name) SELECT i, 'cg' || i FROM generate_series(1, $1::int) i;
INSERT INTO rpmsigs (rpm_id, sigkey, sighash) SELECT id, 'abc', md5(id::text) FROM rpminfo;
INSERT INTO external_repo (id, name) SELECT i, 'ext' || i FROM generate_series(1, $1::int) i;
INSERT INTO external_repo_config (external_repo_id, url, creator_id) SELECT id, 'http://example.com/' || id, 1 FROM external_repo WHERE id > 0;
INSERT INTO tag_external_repos (tag_id, external_repo_id, priority, merge_mode, creator_id) SELECT DISTINCT t, id, 10 * id + t, 'koji', 1 FROM external_repo, unnest(ARRAY[1, id]) t WHERE id > 0;
INSERT INTO buildroot (id, br_type) SELECT i, 0 FROM generate_series(1, $1::int) i;
INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, create_event, state) SELECT i, 1, i, i, 1, 1 FROM generate_series(1, $1::int) i;
INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update) SELECT 1, id, false FROM rpminfo;
INSERT INTO archiveinfo (id, type_id, btype_id, build_id, filename, size, checksum, checksum_type, extra)
SELECT i, 1, 2, i, i || '.jar', i, 'x', 0, '{"a": null}' FROM generate_series(1, $1::int) i;
INSERT INTO build_notifications (user_id, tag_id, email) SELECT 1, i, 'joe@example.com' FROM generate_series(1, $1::int) i;
INSERT INTO scheduler_host_data (host_id, data) SELECT id, '{}' FROM host;
INSERT INTO scheduler_task_runs (task_id, host_id) SELECT i, 1 FROM generate_series(1, $1::int) i`

// lists are calls whose answers grow with what there is.
var lists = []struct {
	method string
	params []any
}{
	{"listTags", nil},
	{"listTags", []any{kwargs("perms", false)}},
	{"listTags", []any{kwargs("package", "pkg1")}},
	{"listTags", []any{kwargs("queryOpts", map[string]any{"asList": true, "order": "-name"})}},
	{"listBuilds", nil},
	{"listBuilds", []any{kwargs("packageID", 1, "queryOpts", map[string]any{"asList": true})}},
	{"untaggedBuilds", nil},
	{"listPackages", []any{kwargs("tagID", 1, "inherited", true)}},
	{"listPackages", nil},
	{"listPackagesSimple", nil},
	{"listTagged", []any{"tag1"}},
	{"listTagged", []any{"tag1", kwargs("inherit", true, "latest", true, "extra", true)}},
	{"listTagged", []any{"tag1", kwargs("inherit", true, "prefix", "PKG")}},
	{"listTaggedRPMS", []any{"tag1", kwargs("inherit", true, "rpmsigs", true, "extra", true)}},
	{"listTaggedArchives", []any{"tag1", kwargs("inherit", true)}},
	{"getLatestBuilds", []any{"tag1"}},
	{"getLatestRPMS", []any{"tag1"}},
	{"listRPMs", nil},
	{"listTasks", []any{map[string]any{"decode": true}, map[string]any{"order": "id"}}},
	{"getTaskChildren", []any{1, true}},
	{"getTaskDescendents", []any{1, true}},
	{"getFullInheritance", []any{1}},
	{"getTagGroups", []any{1}},
	{"getBuildTargets", nil},
	{"listHosts", nil},
	{"getActiveRepos", nil},
	{"queryHistory", []any{kwargs("tag", "tag1")}},
	{"getBuildConfig", []any{"tag1"}},
	{"search", []any{"pkg*", "package", "glob"}},
	{"getAverageBuildDuration", []any{"pkg1"}},
	{"tagChangedSinceEvent", []any{1, []any{1, 2, 3}}},
	{"tagLastChangeEvent", []any{"tag1"}},
	{"listArchives", nil},
	{"listArchives", []any{kwargs("strict", true, "queryOpts", map[string]any{"asList": true, "order": "id"})}},
	{"listBuildroots", nil},
	{"getBuildrootListing", []any{1}},
	{"listRPMs", []any{kwargs("componentBuildrootID", 1)}},
	{"queryRPMSigs", nil},
	{"listTasks", []any{map[string]any{}, map[string]any{"asList": true, "order": "-id"}}},
	{"getTaskInfo", []any{[]any{1, 2}, true}},
	{"listUsers", nil},
	{"getUser", []any{"joe", kwargs("groups", true)}},
	{"getUserPerms", []any{1}},
	{"getUserPermsInheritance", []any{1}},
	{"getSessionInfo", nil},
	{"getAllPerms", nil},
	{"listChannels", nil},
	{"getHost", []any{1}},
	{"listVolumes", nil},
	{"listCGs", nil},
	{"listExternalRepos", nil},
	{"getTagExternalRepos", []any{"tag1"}},
	{"getExternalRepoList", []any{"tag1"}},
	{"getInheritanceData", []any{"tag1"}},
	{"getTag", []any{"tag1"}},
	{"getPackageConfig", []any{"tag1", "pkg1"}},
	{"getBuild", []any{1}},
	{"getBuildType", []any{1}},
	{"buildReferences", []any{1}},
	{"getBuildNotifications", []any{1}},
	{"repo.query", []any{[]any{}}},
	{"scheduler.getTaskRuns", nil},
	{"scheduler.getHostData", nil},
	{"queryHistory", []any{kwargs("user", "joe")}},
	{"count", []any{"listTasks"}},
	{"filterResults", []any{"listRPMs", kwargs("filterOpts", map[string]any{"order": "-id", "limit": 3})}},
}

func kwargs(pairs ...any) map[string]any {
	kw := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		kw[pairs[i].(string)] = pairs[i+1]
	}
	return xmlrpc.Keywords(kw)
}

// newListHub is a hub with n of everything, whose statements are counted.
func newListHub(t *testing.T, n int) (*Hub, *atomic.Int64) {
	var count atomic.Int64
	h := newTestHub(t, func(o *Options) {
		dsn := testenv.DSN(t)
		db, err := database.Open(t.Context(), dsn, database.Options{Name: "test", Seen: func(string) { count.Add(1) }})
		require.NoError(t, err)
		t.Cleanup(func() { db.Close() })
		_, err = db.Exec(t.Context(), `INSERT INTO users (id, name, status, usertype) VALUES (1, 'joe', 0, 0), (2, 'jane', 0, 1)`)
		require.NoError(t, err)
		for statement := range strings.SplitSeq(listed, ";\n") {
			args := []any{n}[:strings.Count(statement, "$1")&1]
			_, err := db.Exec(t.Context(), statement, args...)
			require.NoError(t, err, statement)
		}
		o.DB = db
	})
	return h, &count
}

// A list takes as many statements if it is long.
func TestListsTakeNoStatementPerRow(t *testing.T) {
	few, fewCount := newListHub(t, 2)
	many, manyCount := newListHub(t, 15)
	a, b := newCaller(t, newTestServer(t, few)), newCaller(t, newTestServer(t, many))
	for _, call := range lists {
		fewCount.Store(0)
		manyCount.Store(0)
		short, long := a.must(call.method, call.params...), b.must(call.method, call.params...)
		assert.Equal(t, fewCount.Load(), manyCount.Load(), "%s %v", call.method, call.params)
		if _, ok := long.([]any); ok {
			assert.NotEqual(t, fmt.Sprint(short), fmt.Sprint(long), "%s %v", call.method, call.params)
		}
	}
}

// What goes from the database to the client is what the same call in the hub's
// process, or in a multiCall, returns.
func TestStreamedIsAsLoaded(t *testing.T) {
	h, _ := newListHub(t, 5)
	c := newCaller(t, newTestServer(t, h))
	for _, call := range lists {
		streamed := c.must(call.method, call.params...)
		require.Equal(t, []any{streamed}, c.must("multiCall", []any{sub(call.method, call.params...)}).([]any)[0], call.method)
		loaded, err := h.Caller().Call(t.Context(), call.method, plainArgs(t, call.params))
		require.NoError(t, err)
		plain, err := xmlrpc.Plain(loaded)
		require.NoError(t, err)
		require.Equal(t, streamed, plain, call.method)
	}
}

func plainArgs(t *testing.T, params []any) []any {
	plain, err := xmlrpc.Plain(params)
	require.NoError(t, err)
	return plain.([]any)
}

func TestGzip(t *testing.T) {
	c := newCaller(t, newTestServer(t, newTestHub(t)))
	long := strings.Replace(echoX, ">x<", ">"+strings.Repeat("x", 100_000)+"<", 1)
	for _, test := range []struct {
		accept, body string
		packed       bool
	}{
		{"", long, false},
		{"gzip", long, true},
		{"deflate, gzip;q=0.5", long, true},
		{"gzip;q=0", long, false},
		{"gzip", echoX, false}, // too short to be worth it
	} {
		c.headers["Accept-Encoding"] = test.accept
		_, header, text := c.post("/kojihub", "text/xml", strings.NewReader(test.body))
		require.Equal(t, test.packed, header.Get("Content-Encoding") == "gzip", test.accept)
		if test.packed {
			r, err := gzip.NewReader(strings.NewReader(text))
			require.NoError(t, err)
			v, err := xmlrpc.DecodeResponse(r)
			require.NoError(t, err)
			require.Len(t, v.([]any)[0], 100_000)
		}
	}
}

// A statement that fails when the answer is written still ends in a fault.
func TestStreamFails(t *testing.T) {
	h, _ := newListHub(t, 2)
	c := newCaller(t, newTestServer(t, h))
	_, err := c.call("listBuilds", kwargs("createdBefore", "no time"))
	require.ErrorContains(t, err, "no time")

	_, err = h.Store.Exec(context.WithoutCancel(t.Context()), `ALTER TABLE volume RENAME TO gone`)
	require.NoError(t, err)
	_, err = c.call("listTagged", "tag1")
	requireFault(t, err, faultUnforeseen, errInternal.Msg)
	status, _, _ := c.post("/kojihub", "text/xml", strings.NewReader(echoX))
	require.Equal(t, http.StatusOK, status)
}
