package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/mail/mailtest"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// The world before each scenario: labuser builds foo for the target tgt, from the
// tag build into dest, in task 100, which is open; its subtask 110 has been done by
// host 1, which has 111 open.
const furniture = `
	INSERT INTO users (id, name, status, usertype) VALUES (1, 'kojiadmin', 0, 0), (2, 'labuser', 0, 0), (3, 'builder1', 0, 1);
	INSERT INTO user_perms (user_id, perm_id, creator_id) SELECT u, id, 1 FROM permissions, (VALUES (1), (2)) AS v (u) WHERE name = 'admin';
	INSERT INTO host (id, user_id, name, ready, update_time) VALUES (1, 3, 'builder1', true, now());
	INSERT INTO host_config (host_id, creator_id, arches) VALUES (1, 1, 'x86_64');
	INSERT INTO tag (id, name) VALUES (1, 'dest'), (2, 'build');
	INSERT INTO tag_config (tag_id, arches, creator_id) VALUES (1, 'x86_64', 1), (2, 'x86_64', 1);
	INSERT INTO tag_inheritance (tag_id, parent_id, priority, creator_id) VALUES (2, 1, 0, 1);
	INSERT INTO build_target (id, name) VALUES (1, 'tgt');
	INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, creator_id) VALUES (1, 2, 1, 1);
	INSERT INTO package (id, name) VALUES (1, 'foo'), (2, 'baz');
	INSERT INTO tag_packages (tag_id, package_id, blocked, creator_id) VALUES (1, 1, false, 1), (1, 2, false, 1);
	INSERT INTO tag_package_owners (tag_id, package_id, owner, creator_id) VALUES (1, 1, 2, 1), (1, 2, 2, 1);
	INSERT INTO repo (id, tag_id, state) VALUES (1, 2, 1);
	INSERT INTO task (id, state, owner, method, request, arch, channel_id, host_id, weight, parent, label, awaited) VALUES
		(100, 1, 2, 'build', '', 'noarch', 1, NULL, 1, NULL, NULL, NULL),
		(110, 2, 2, 'buildArch', '', 'x86_64', 1, 1, 1, 100, 'x86_64', false),
		(111, 1, 2, 'buildArch', '', 'x86_64', 1, 1, 1, 100, 'i686', true),
		(120, 0, 2, 'build', '', 'noarch', 1, NULL, 1, NULL, NULL, NULL);
	INSERT INTO toji.task_attempt (task_id, attempt, host_id) VALUES (100, 1, NULL), (111, 1, 1);
	INSERT INTO scheduler_task_runs (task_id, host_id) VALUES (111, 1);
	INSERT INTO buildroot (id, br_type) VALUES (7, 0), (8, 0);
	INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, create_event, state)
		SELECT b, 1, 1, 110, max(e.id), 3 FROM events e, (VALUES (7), (8)) AS v (b) GROUP BY b;`

var labuser = task.Task{ID: 100, Method: "build", Arch: "noarch", OwnerID: 2, Owner: "labuser"}

// scenario is an activity with what it is about.
type scenario struct {
	activity string
	about    string
	prepare  func(*maker) any // returns the request
}

var scenarios = []scenario{
	{"OpenTask", "without a host", func(m *maker) any { return system.OpenRequest{TaskID: 120, Attempt: 1, Weight: 0.2} }},
	{"OpenTask", "on its host", func(m *maker) any {
		m.exec(`UPDATE task SET state = 4, start_time = NULL WHERE id = 111; UPDATE toji.task_attempt SET ended = now(), outcome = 'freed' WHERE task_id = 111`)
		return system.OpenRequest{TaskID: 111, NeedsHost: true, Attempt: 2, Weight: 1.5}
	}},
	{"HoldsTask", "", func(m *maker) any { return system.HoldsRequest{TaskID: 100, Attempt: 1} }},
	{"CloseTask", "the last of its parent's", func(m *maker) any {
		m.exec(`UPDATE task SET waiting = true WHERE id = 100`)
		return system.CloseRequest{TaskID: 111, Attempt: 1, Result: "<params/>"}
	}},
	{"FailTask", "with its build", func(m *maker) any {
		m.foo()
		return system.FailRequest{TaskID: 100, Attempt: 1, Failure: task.Failure{Fault: koji.FaultBuild, Kind: koji.KindPackage, Msg: "no"}}
	}},
	{"FailTask", "for its host", func(m *maker) any {
		return system.FailRequest{TaskID: 111, Attempt: 1, Failure: task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: "no"}}
	}},
	{"CancelTask", "with its subtasks and its build", func(m *maker) any {
		m.foo()
		return system.CancelRequest{TaskID: 100}
	}},
	{"ReleaseTask", "after trouble", func(m *maker) any { return system.ReleaseRequest{TaskID: 111, HostID: 1, Attempt: 1, Reason: "fire"} }},
	{"ReleaseTask", "refused", func(m *maker) any {
		return system.ReleaseRequest{TaskID: 111, HostID: 1, Attempt: 1, Refused: true, Reason: "no room"}
	}},
	{"Subtask", "", func(m *maker) any {
		request, err := xmlrpc.MarshalRequest("sleep", 1)
		require.NoError(m.t, err)
		return system.SubtaskRequest{Parent: 100, Key: "1/sleep/x", Method: "sleep", Request: request, Label: "x"}
	}},
	{"SetWaiting", "", func(m *maker) any { return system.WaitingRequest{TaskID: 100, Code: "repo", Reason: "no repository"} }},
	{"FollowTasks", "", func(m *maker) any { return system.FollowRequest{TaskID: 100, Tasks: []int64{110, 111}} }},
	{"RestartableHosts", "", func(m *maker) any { return tasks.RestartHostsOpts{} }},
	{"PlanBuild", "", func(m *maker) any {
		return system.PlanRequest{Task: labuser, Params: tasks.BuildParams{Src: m.rpms("cli", "foo-1.0-1.src.rpm")[0], Target: tasks.Ref{Name: "tgt"}}}
	}},
	{"InitBuild", "", func(m *maker) any { return m.initBuild() }},
	{"InitBuild", "of what failed before", func(m *maker) any {
		m.foo()
		m.exec(`UPDATE build SET state = 3, task_id = 120, completion_time = now()`)
		return m.initBuild()
	}},
	{"CompleteBuild", "import", func(m *maker) any { return m.foo() }},
	{"CompleteBuild", "scratch", func(m *maker) any {
		made := m.foo()
		m.exec(`DELETE FROM build_types; DELETE FROM build`)
		made.BuildID, made.Roots = 0, nil
		return made
	}},
	{"ImportWrapperRPMs", "", func(m *maker) any { return m.wrapped() }},
	{"TagBuild", "", func(m *maker) any {
		return system.TagBuildRequest{Task: labuser, Params: tasks.TagBuildParams{Tag: tasks.Ref{ID: 1}, BuildID: m.built()}}
	}},
	{"TagBuild", "move", func(m *maker) any {
		id := m.built()
		call(m, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "dest", Build: id})
		m.exec(`INSERT INTO tag_packages (tag_id, package_id, blocked, creator_id) VALUES (2, 1, false, 1)`)
		return system.TagBuildRequest{Task: labuser, Params: tasks.TagBuildParams{Tag: tasks.Ref{ID: 2}, FromTag: tasks.Ref{ID: 1}, BuildID: id, Force: true}}
	}},
	{"FindRepo", "that is there", func(m *maker) any {
		return system.FindRepoRequest{TaskID: 100, Owner: 2, Want: tasks.WaitrepoParams{Tag: tasks.Ref{ID: 2}}}
	}},
	{"FindRepo", "that has to be asked for", func(m *maker) any {
		call(m, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "dest", Build: m.built()})
		return system.FindRepoRequest{TaskID: 100, Owner: 2, Want: tasks.WaitrepoParams{Tag: tasks.Ref{ID: 2}, MinEvent: "last", NVRs: []string{"foo-1.0-1"}}}
	}},
	{"GetRepo", "", func(m *maker) any { return int64(1) }},
	{"InitRepo", "", func(m *maker) any { return m.newRepo() }},
	{"FinishRepo", "", func(m *maker) any { return m.repo() }},
	{"AbandonRepo", "", func(m *maker) any {
		made := m.repo()
		result, err := xmlrpc.MarshalResult(made.Arches["x86_64"])
		require.NoError(m.t, err)
		request, err := xmlrpc.MarshalRequest("createrepo", made.RepoID, "x86_64", nil)
		require.NoError(m.t, err)
		_, err = m.hub.Store.Exec(m.ctx, `UPDATE task SET method = 'createrepo', result = $1, request = $2 WHERE id = 110`, result, request)
		require.NoError(m.t, err)
		return made.RepoID
	}},
	{"PlanChain", "", func(m *maker) any {
		return system.ChainRequest{TaskID: 100, Params: tasks.ChainBuildParams{Srcs: [][]string{{"git://example.com/foo#1"}}, Target: tasks.Ref{Name: "tgt"}}}
	}},
	{"BuildsOfTasks", "", func(m *maker) any {
		m.built()
		return []int64{100}
	}},
	{"PlanDistRepo", "", func(m *maker) any {
		return system.DistRepoRequest{TaskID: 100, Params: tasks.DistRepoParams{Tag: tasks.Ref{ID: 1}}}
	}},
	{"PlanDistRepo", "of one that was given up", func(m *maker) any {
		id := m.distRepo().RepoID
		m.exec(fmt.Sprintf(`UPDATE repo SET state = %d WHERE id = %d`, koji.RepoProblem, id))
		return system.DistRepoRequest{TaskID: 100, Params: tasks.DistRepoParams{Tag: tasks.Ref{ID: 1}, RepoID: id, Opts: tasks.DistRepoOpts{Arch: []string{"x86_64"}}}}
	}},
	{"MoveDistRepo", "", func(m *maker) any { return m.distRepo() }},
	{"FinishRepo", "dist", func(m *maker) any { return system.FinishRepoRequest{TaskID: 100, RepoID: m.distRepo().RepoID} }},
	{"SendMail", "about a build", func(m *maker) any {
		build := tasks.NotifiedBuild{ID: m.built(), Name: "foo", Version: "1.0", Release: "1", Owner: "labuser", State: koji.BuildComplete, TaskID: 100, Volume: "DEFAULT"}
		return system.MailRequest{TaskID: 100, OwnerID: 2, To: []string{"a@example.org", "b@example.org"},
			Build: &tasks.BuildNotificationParams{Build: build, WebURL: "http://koji.example.org"}}
	}},
	{"SendMail", "about a tag", func(m *maker) any {
		return system.MailRequest{TaskID: 100, OwnerID: 2, To: []string{"a@example.org"}, Tagging: &tasks.TagNotificationParams{
			IsSuccessful: true, Tag: tasks.Ref{ID: 1}, Build: tasks.Ref{ID: m.built()}, User: tasks.Ref{ID: 2}}}
	}},
	{"BeginRetention", "", func(*maker) any { return system.BeginRetentionRequest{Kind: "sweep", Workflow: "x"} }},
	{"RetentionBatch", "delete", func(m *maker) any {
		call(m, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "dest", Build: m.built()})
		m.exec(`UPDATE tag SET name = 'trashcan' WHERE id = 1; UPDATE events SET time = now() - interval '60 days'`)
		return m.retention("gc", "delete")
	}},
	{"RetentionBatch", "trash", func(m *maker) any {
		m.built()
		m.exec(`INSERT INTO tag (id, name) VALUES (3, 'trashcan'); INSERT INTO tag_config (tag_id, creator_id) VALUES (3, 1);
			UPDATE events SET time = now() - interval '60 days'`)
		return m.retention("gc", "trash")
	}},
	{"RetentionBatch", "uploads", func(m *maker) any {
		m.upload("cli-build/1", "x.src.rpm", "x")
		m.upload("cli-build/1/deep", "y", "y")
		old := time.Now().Add(-30 * 24 * time.Hour)
		for _, name := range []string{"deep/y", "deep", "x.src.rpm", ""} {
			require.NoError(m.t, os.Chtimes(filepath.Join(m.hub.Paths.Work(""), "cli-build/1", name), old, old))
		}
		return m.retention("sweep", "uploads")
	}},
	{"RetentionStep", "", func(m *maker) any { return m.retention("sweep", "uploads") }},
	{"SkipRetention", "", func(m *maker) any {
		return system.SkipRetentionRequest{Run: m.retention("sweep", "uploads", "scratch"), Step: "uploads", Why: "no"}
	}},
}

// retention begins a clean-up.
func (m *maker) retention(kind string, steps ...string) int64 {
	id, err := m.hub.Store.AddRetentionRun(m.ctx, store.NewRetentionRun{Kind: kind, Steps: steps})
	require.NoError(m.t, err)
	return id
}

func (m *maker) initBuild() system.InitBuildRequest {
	srpm := m.rpms("tasks/110/110", "foo-1.0-1.src.rpm")[0]
	return system.InitBuildRequest{
		Task: labuser, Params: tasks.BuildParams{Src: srpm, Target: tasks.Ref{Name: "tgt"}}, SRPM: srpm,
		Plan: system.BuildPlan{Target: "tgt", BuildTag: 2, DestTag: 1, DestName: "dest", SRPMArch: "noarch"},
	}
}

// foo begins foo-1.0-1 in task 100 and uploads what task 110 has made of it.
func (m *maker) foo() system.CompleteBuildRequest {
	id, err := m.hub.InitBuild(m.ctx, hub.InitBuildRequest{TaskID: 100, Owner: 2, Name: "foo", Version: "1.0", Release: "1", Source: "git://x#1"})
	require.NoError(m.t, err)
	files := m.rpms("tasks/110/110", "foo-1.0-1.src.rpm", "foo-1.0-1.x86_64.rpm", "foo-devel-1.0-1.x86_64.rpm")
	return system.CompleteBuildRequest{
		TaskID: 100, BuildID: id, SRPM: files[0], RPMs: files[1:], Roots: map[string]int64{files[0]: 7, files[1]: 8, files[2]: 8},
		Logs: map[string][]string{"x86_64": {m.upload("tasks/110/110", "build.log", "all is well"), m.upload("tasks/110/110", "root.log", "as well")}},
	}
}

// built has foo-1.0-1 complete and returns its id.
func (m *maker) built() int64 {
	r := m.foo()
	require.NoError(m.t, m.hub.CompleteBuild(m.ctx, hub.CompleteBuildRequest{
		TaskID: r.TaskID, BuildID: r.BuildID, SRPM: r.SRPM, RPMs: r.RPMs, BuildrootOf: r.Roots, Logs: r.Logs}))
	return r.BuildID
}

// wrapped has a build without RPMs, for which task 110 has made some.
func (m *maker) wrapped() any {
	m.exec(`INSERT INTO build (id, pkg_id, version, release, state, owner, volume_id, completion_time) VALUES (9, 2, '0.9', '1', 1, 2, 0, now())`)
	m.rpms("tasks/110/110", "baz-0.9-1.src.rpm", "baz-0.9-1.noarch.rpm")
	m.upload("tasks/110/110", "root.log", "as well")
	return map[string]any{"task": 110, "build_id": 9, "result": tasks.WrapperRPMResult{
		BuildrootID: 7, SRPM: "baz-0.9-1.src.rpm", RPMs: []string{"baz-0.9-1.noarch.rpm"}, Logs: []string{"root.log"}}}
}

// newRepo is the request for a repository with foo in it.
func (m *maker) newRepo() system.InitRepoRequest {
	call(m, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "dest", Build: m.built()})
	call(m, api.GroupListAdd, api.GroupListAddParams{TagInfo: "build", GrpInfo: "build"})
	call(m, api.GroupPackageListAdd, api.GroupPackageListAddParams{TagInfo: "build", GrpInfo: "build", PkgName: "foo"})
	m.exec(`UPDATE task SET method = 'newRepo' WHERE id = 100`)
	return system.InitRepoRequest{Task: labuser, Params: tasks.NewRepoParams{Tag: tasks.Ref{ID: 2}}}
}

// repo begins a repository, whose metadata task 110 has made.
func (m *maker) repo() system.FinishRepoRequest {
	made, err := m.hub.InitRepo(m.ctx, 100, m.newRepo().Params)
	require.NoError(m.t, err)
	files := []string{"repomd.xml", "primary.xml.gz", "pkglist"}
	for _, name := range files {
		m.upload("tasks/110/110", name, "content of "+name)
	}
	return system.FinishRepoRequest{TaskID: 100, RepoID: made.RepoID,
		Arches: map[string]tasks.CreaterepoResult{"x86_64": {UploadPath: "tasks/110/110", Files: files}}}
}

// distRepo begins a dist repo of dest, of which task 110 has made an arch.
func (m *maker) distRepo() system.MoveDistRepoRequest {
	call(m, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "dest", Build: m.built()})
	taskID := call(m, api.DistRepo, api.DistRepoParams{Tag: "dest", Keys: []any{}, TaskOpts: map[string]any{"arch": []any{"x86_64"}}})
	repo := call(m, api.GetTaskRequest, api.TaskParams{TaskID: taskID})[1].(int64)
	listed := map[string]hub.ListedRPM{}
	for _, r := range call(m, api.ListRPMs, api.ListRPMsParams{Arches: "x86_64"}).List {
		listed[r.NVR+".x86_64.rpm"] = hub.ListedRPM{ID: r.ID, Name: r.Name, Version: r.Version, Release: r.Release, Arch: r.Arch,
			Epoch: r.Epoch, Size: r.Size, PayloadHash: r.PayloadHash, BuildID: *r.BuildID}
	}
	require.Len(m.t, listed, 2)
	manifest := []string{"kojipkgs", "repodata/repomd.xml", "repodata/primary.xml.gz"}
	for name, content := range map[string]any{"kojipkgs": listed, "repo_manifest": manifest, "repodata/repomd.xml": "", "repodata/primary.xml.gz": ""} {
		text, err := json.Marshal(content)
		require.NoError(m.t, err)
		m.upload("tasks/110/110", name, string(text))
	}
	return system.MoveDistRepoRequest{RepoID: repo, Arch: "x86_64", TaskID: 110}
}

// Every activity of the hub may be killed before any of its writes, and may run
// twice: when it has run to its end the rows and files are those of an undisturbed
// run, and so is its result.
func TestActivities(t *testing.T) {
	testenv.Need(t, trapsWork(), "seccomp's user notification (Linux 5.19)")
	base := newWorld(t)
	base.furnish(func(m *maker) {
		m.exec(furniture)
		request, err := xmlrpc.MarshalRequest("build", "git://x#1", "tgt", map[string]any{})
		require.NoError(t, err)
		part, err := xmlrpc.MarshalRequest("buildArch", "tasks/110/110/foo-1.0-1.src.rpm", 2, "x86_64", true, map[string]any{})
		require.NoError(t, err)
		_, err = m.hub.Store.Exec(m.ctx, `UPDATE task SET request = CASE method WHEN 'build' THEN $1 ELSE $2 END`, request, part)
		require.NoError(t, err)
	})
	results := make([]string, len(scenarios))
	t.Run("all", func(t *testing.T) {
		for i, s := range scenarios {
			t.Run(strings.TrimSuffix(s.activity+" "+s.about, " "), func(t *testing.T) {
				t.Parallel()
				results[i] = "FAILED"
				points := s.test(t, base)
				results[i] = fmt.Sprintf("equal after a second run and after kills before each of %d writes", points)
			})
		}
	})
	var table strings.Builder
	rows := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for i, s := range scenarios {
		fmt.Fprintf(rows, "%s\t%s\t%s\n", s.activity, s.about, results[i])
	}
	require.NoError(t, rows.Flush())
	t.Logf("rows, files and results:\n%s", table.String())
}

// test kills the activity at its first write, at its second, and so on, until it
// ends before that; it returns how many there are.
func (s scenario) test(t *testing.T, base *world) int {
	start, relay := base.copy(t), mailtest.Start(t, nil)
	start.mail = relay.Port
	var request any
	start.furnish(func(m *maker) { request = s.prepare(m) })
	undisturbed := start.copy(t)
	result, _ := undisturbed.run(s.activity, request, 0)
	require.Empty(t, result.Error)
	want, mails := undisturbed.state(), distinct(relay.Mails())

	again, _ := undisturbed.run(s.activity, request, 0)
	require.Equal(t, result, again, "the result of a second run")
	same(t, want, undisturbed.state(), "run twice")

	n := 0
	for done := false; !done; {
		n++
		w := start.copy(t)
		out, met := w.run(s.activity, request, n)
		when := "not killed at all"
		if done = out != nil; !done {
			when = fmt.Sprintf("killed before %d: %s", n, met[n-1])
			out, _ = w.run(s.activity, request, 0)
		}
		require.Equal(t, result, out, when)
		same(t, want, w.state(), when)
		require.Equal(t, mails, distinct(relay.Mails()), when)
	}
	return n - 1
}

// distinct lists recipients and ids of mails: who gets one twice sees it once.
func distinct(mails []mailtest.Mail) []string {
	var list []string
	for _, m := range mails {
		id := regexp.MustCompile(`(?m)^Message-I[Dd]: .*$`).FindString(m.Text)
		list = append(list, fmt.Sprint(m.To, id))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// same tells briefly what differs.
func same(t *testing.T, want, got []string, when string) {
	t.Helper()
	balance := map[string]int{}
	for _, line := range got {
		balance[line]++
	}
	for _, line := range want {
		balance[line]--
	}
	maps.DeleteFunc(balance, func(_ string, n int) bool { return n == 0 })
	require.Empty(t, balance, "%s: how often a line is there too much", when)
}

// No activity is forgotten.
func TestEveryActivityHasAScenario(t *testing.T) {
	for m := range reflect.TypeFor[*system.Activities]().Methods() {
		require.True(t, slices.ContainsFunc(scenarios, func(s scenario) bool { return s.activity == m.Name }), m.Name)
	}
}
