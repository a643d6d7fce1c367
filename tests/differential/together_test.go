package differential

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// together is a Koji hub and Toji's on one database and one top directory.
type together struct {
	*world
	t *testing.T
}

func newTogether(t *testing.T) *together {
	t.Helper()
	w := &together{&world{koji: side{url: peerEnv(t, "TOJI_PEER_WRITE_URL")}, topdir: peerEnv(t, "TOJI_PEER_WRITE_TOPDIR")}, t}
	admin := peerEnv(t, "TOJI_PEER_ADMIN_DSN")
	renew(t, admin)
	empty(t, w.topdir)
	dsn := named(admin, kojiWrite)
	w.toji = side{url: startToji(t, dsn, w.topdir)}
	db, err := sql.Open("postgres", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	w.db = db
	w.exec(hostWorld)
	return w
}

func (w *together) exec(statements string) {
	w.t.Helper()
	_, err := w.db.ExecContext(w.t.Context(), statements)
	require.NoError(w.t, err)
}

// value makes a call that has to succeed.
func (w *together) value(s *side, c call) any {
	w.t.Helper()
	a := s.call(w.t, c)
	require.Nil(w.t, a.fault, c.String())
	return a.value
}

// Sessions of one hub are good at the other, and end at both.
func TestSessionsTogether(t *testing.T) {
	w := newTogether(t)
	for _, hubs := range [][2]*side{{&w.koji, &w.toji}, {&w.toji, &w.koji}} {
		made, other := hubs[0], hubs[1]
		made.login(t, "alice", "alice")
		made.login(t, "builder1", "builder1")
		other.sessions = made.sessions
		require.Equal(t, w.value(made, as("alice", "getLoggedInUser")), w.value(other, as("alice", "getLoggedInUser")))
		sub := w.value(made, as("alice", "subsession")).(map[string]any)
		other.use("sub", sub)
		require.Equal(t, "alice", w.value(other, as("sub", "getLoggedInUser")).(map[string]any)["name"])

		w.value(made, as("builder1", "exclusiveSession", kw("force", true)))
		require.Equal(t, w.value(made, as("builder1", "host.getHost")), w.value(other, as("builder1", "host.getHost")))
		rival := &side{url: other.url}
		rival.login(t, "builder1", "builder1")
		a := rival.call(t, as("builder1", "getLoggedInUser"))
		require.NotNil(t, a.fault)
		require.Equal(t, 1006, a.fault.Code, a.fault.String)

		w.value(other, as("alice", "logout"))
		for _, s := range hubs {
			a := s.call(t, as("alice", "getLoggedInUser"))
			require.NotNil(t, a.fault)
			require.Equal(t, 1002, a.fault.Code, a.fault.String)
		}
		w.value(other, as("builder1", "logout"))
	}
}

// TestWritesTogether lets clients change the same things at both hubs at once.
// Then both have to see the same, and every table has to be as its constraints
// and its versions want it.
func TestWritesTogether(t *testing.T) {
	w := newTogether(t)
	w.koji.login(t, "kojiadmin", "labadmin")
	w.toji.sessions = w.koji.sessions // one made at Koji's
	w.value(&w.toji, as("kojiadmin", "createTag", "n-shared", kw("arches", "x86_64")))
	w.exec(`INSERT INTO repo (id, tag_id, create_event, state) SELECT 550000 + i, 500001, 200700, 0 FROM generate_series(1, 8) i`)
	tasks := make([]any, 8)
	for i := range tasks {
		s := []*side{&w.koji, &w.toji}[i%2]
		tasks[i] = w.value(s, as("kojiadmin", "makeTask", "sleep", []any{i}))
	}
	const clients, calls = 8, 120
	var mu sync.Mutex
	counts := map[string]int{}
	var g errgroup.Group
	for client := range clients {
		random := rand.New(rand.NewPCG(11, uint64(client)))
		g.Go(func() error {
			for range calls {
				c := change(random, tasks)
				name, s := "Koji", &w.koji
				if random.IntN(2) == 0 {
					name, s = "Toji", &w.toji
				}
				a := s.call(t, c)
				outcome := "done"
				if a.fault != nil {
					outcome = fmt.Sprintf("fault %d", a.fault.Code)
				}
				mu.Lock()
				counts[name+" "+outcome]++
				if name == "Toji" && a.fault != nil && a.fault.Code == 1 {
					t.Errorf("%s: %s", c, a.fault.String)
				}
				mu.Unlock()
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	t.Logf("%d calls: %v", clients*calls, counts)
	w.readAlike(tasks)
	w.checkVersions()
}

// change is a call that changes something that others change, too.
func change(random *rand.Rand, tasks []any) call {
	pick := func(list ...any) any { return list[random.IntN(len(list))] }
	pkg, build := pick("w-pkg-01", "w-pkg-02", "w-pkg-03"), pick("w-pkg-01-1-1", "w-pkg-02-1-1", "w-pkg-03-1-1")
	user, task, repo := pick("n-one", "n-two"), pick(tasks...), 550001+random.IntN(8)
	calls := [][]any{
		{"packageListAdd", "n-shared", pkg, pick("alice", "bob"), kw("force", true)}, {"packageListBlock", "n-shared", pkg}, {"packageListUnblock", "n-shared", pkg},
		{"packageListSetOwner", "n-shared", pkg, pick("alice", "bob")}, {"packageListRemove", "n-shared", pkg},
		{"tagBuildBypass", "n-shared", build, true}, {"untagBuildBypass", "n-shared", build, kw("strict", false)}, {"moveAllBuilds", "n-shared", "w-empty", pkg, true},
		{"createUser", user}, {"disableUser", user}, {"enableUser", user}, {"grantPermission", user, "build"}, {"revokePermission", user, "build"}, {"addGroupMember", "packagers", user}, {"dropGroupMember", "packagers", user},
		{"makeTask", "sleep", []any{1}}, {"cancelTask", task}, {"setTaskPriority", task, random.IntN(30)}, {"freeTask", task}, {"assignTask", task, "builder1", true},
		{"repo.setState", repo, random.IntN(4)}, {"repoExpire", repo},
		{"editTag2", "n-shared", kw("extra", map[string]any{"k": random.IntN(3)})}, {"editTag2", "n-shared", kw("remove_extra", []any{"k"})}, {"editTag2", "n-shared", kw("arches", pick("x86_64", "i686"))},
		{"groupListAdd", "n-shared", "n-group"}, {"groupPackageListAdd", "n-shared", "n-group", "bash", kw("force", true)}, {"groupListRemove", "n-shared", "n-group", kw("force", true)},
		{"addHostToChannel", "builder1", "w-empty"}, {"removeHostFromChannel", "builder1", "w-empty"}, {"editHost", "builder1", kw("capacity", random.IntN(9))},
	}
	c := calls[random.IntN(len(calls))]
	return as("kojiadmin", c[0].(string), c[1:]...)
}

// readAlike asks both hubs about all that was changed.
func (w *together) readAlike(tasks []any) {
	w.t.Helper()
	var calls []call
	ask := func(method string, args ...any) { calls = append(calls, as("kojiadmin", method, args...)) }
	for _, tag := range []any{"n-shared", "w-empty"} {
		for _, method := range []string{"listTagged", "getTag", "getTagGroups", "getBuildConfig", "getLatestBuilds"} {
			ask(method, tag)
		}
		ask("listPackages", kw("tagID", tag))
		ask("queryHistory", kw("tag", tag))
	}
	for _, user := range []any{"n-one", "n-two", "alice"} {
		for _, method := range []string{"getUser", "getUserPerms", "getUserGroups"} {
			ask(method, user)
		}
	}
	for _, task := range tasks {
		ask("getTaskInfo", task, true)
	}
	ask("listTasks", map[string]any{"method": "sleep"}, kw("queryOpts", map[string]any{"order": "id"}))
	for i := range 8 {
		ask("repoInfo", 550001+i)
	}
	ask("getHost", "builder1")
	ask("listChannels", "builder1")
	ask("getGroupMembers", "packagers")
	r := newReport()
	w.ask(w.t, r, calls)
	r.print(w.t)
}

// checkVersions checks all versioned tables: what is active is not revoked, what
// is not active is, and of each key at most one version is active.
func (w *together) checkVersions() {
	w.t.Helper()
	tables := column(w.t, w.db, `SELECT a.table_name::text FROM information_schema.columns a JOIN information_schema.columns r USING (table_schema, table_name)
		WHERE a.table_schema = 'public' AND a.column_name = 'active' AND r.column_name = 'revoke_event' ORDER BY 1`)
	require.NotEmpty(w.t, tables)
	for _, table := range tables {
		bad := column(w.t, w.db, fmt.Sprintf(`SELECT t::text FROM %q t WHERE (active IS TRUE) <> (revoke_event IS NULL) OR active IS FALSE OR revoke_event < create_event`, table))
		require.Empty(w.t, bad, table)
		for _, key := range column(w.t, w.db, fmt.Sprintf(`SELECT string_agg(a.attname, ', ') FROM pg_constraint c
			JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attname <> 'active'
			WHERE c.conrelid = '%s'::regclass AND c.contype = 'u' GROUP BY c.oid`, table)) {
			if strings.Contains(key.(string), "create_event") {
				continue
			}
			twice := column(w.t, w.db, fmt.Sprintf(`SELECT concat_ws(' ', %s) FROM %q WHERE active GROUP BY %[1]s HAVING count(*) > 1`, key, table))
			require.Empty(w.t, twice, "%s: %s", table, key)
		}
	}
}
