package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// A package that does not build fails its tasks and its build, with the log to
// read; nothing is tried again.
func TestPackageFails(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, c := range []struct{ name, log, text string }{
		{"fail-build", "build.log", "about to fail on purpose"},
		{"bad-br", "root.log", "no-such-package-anywhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := l.srpm(t, c.name, 0)
			id := l.build(t, s, "plain", nil)
			fault := l.failed(t, id)
			require.Equal(t, koji.FaultBuild, fault.Fault)
			require.Contains(t, fault.Msg, "see "+c.log+" for more information")
			require.Equal(t, koji.BuildFailed, l.buildOf(t, s.nvr).State)
			require.NoDirExists(t, filepath.Join(l.Env["TOJI_TOPDIR"], "packages", c.name, "1.0", s.release))

			arch := l.child(t, id, "buildArch").ID
			require.Equal(t, fault.Msg, l.failed(t, arch).Msg)
			require.Contains(t, l.output(t, arch, c.log), c.text)
			for _, task := range []int64{id, arch} {
				failures := l.status(t, task).Failures
				require.Len(t, failures, 1)
				require.Equal(t, koji.KindPackage, failures[0].Class)
				require.Equal(t, fault.Msg, failures[0].Message)
				require.Equal(t, []string{"failed"}, l.outcomes(t, task))
			}
		})
	}
}

// output is a file that a task left.
func (l *lab) output(t *testing.T, task int64, name string) string {
	t.Helper()
	return l.file(t, "work", koji.PathInfo{}.TaskRel(task), name)
}

// What cannot be built is refused at once, or fails with the reason, and nothing
// of it is left half-done.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	l := start(t)
	good := l.srpm(t, "hello-noarch", 0)

	t.Run("no such target", func(t *testing.T) {
		t.Parallel()
		fault := l.failed(t, l.build(t, l.srpm(t, "hello-noarch", 0), "nowhere", nil))
		require.Contains(t, fault.Msg, "unknown build target: nowhere")
	})
	whole := readFile(t, good.file)
	for name, text := range map[string][]byte{
		"no RPM": []byte("just some text\n"), "header cut off": whole[:700], "payload cut off": whole[:len(whole)-60],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "hello-noarch-9-9.src.rpm")
			require.NoError(t, os.WriteFile(file, text, 0o644))
			id := l.build(t, source{file: file}, "plain", nil)
			fault := l.failed(t, id)
			require.Equal(t, koji.FaultBuild, fault.Fault)
			require.Regexp(t, "hello-noarch-9-9.src.rpm: .+|error building srpm, .* see root.log", fault.Msg)
			require.Equal(t, koji.KindPackage, l.status(t, id).Failures[0].Class)
			l.nothingLeft(t, id)
		})
	}
	t.Run("no such file", func(t *testing.T) {
		t.Parallel()
		id := call(t, l, api.BuildTask, api.BuildTaskParams{Src: "cli-build/none/x-1-1.src.rpm", Target: "plain"})
		require.Contains(t, l.failed(t, id).Msg, "x-1-1.src.rpm")
	})
	t.Run("not in the package list", func(t *testing.T) {
		t.Parallel()
		l.makeTag(t, "unlisted", "plain-build")
		s := l.srpm(t, "hello-noarch", 0)
		id := l.build(t, s, "unlisted", nil)
		require.Contains(t, l.failed(t, id).Msg, "package hello-noarch not in list for tag unlisted")
		l.nothingLeft(t, id)
	})
	t.Run("blocked", func(t *testing.T) {
		t.Parallel()
		l.makeTag(t, "blocking", "plain-build")
		call(t, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "blocking", PkgInfo: "hello-noarch", Owner: "admin", Block: true})
		id := l.build(t, l.srpm(t, "hello-noarch", 0), "blocking", nil)
		require.Contains(t, l.failed(t, id).Msg, "package hello-noarch is blocked for tag blocking")
		l.nothingLeft(t, id)
	})
	t.Run("built before", func(t *testing.T) {
		t.Parallel()
		l.closed(t, l.build(t, good, "plain", nil))
		again := l.srpmOf(t, "hello-noarch", good.release, 0)
		id := l.build(t, again, "plain", nil)
		fault := l.failed(t, id)
		require.Contains(t, fault.Msg, "Build already exists")
		l.completed(t, good.nvr, "plain", 2)
		l.nothingLeft(t, id)
	})
	t.Run("locked tag", func(t *testing.T) {
		t.Parallel()
		l.makeTag(t, "locked", "plain-build")
		require.NoError(t, l.listPackages(t.Context(), "locked"))
		call(t, l, api.EditTag2, api.EditTag2Params{TagInfo: "locked", Changes: map[string]any{"locked": true}})
		s := l.srpm(t, "hello-noarch", 0)
		id := l.build(t, s, "locked", nil)
		fault := l.failed(t, id)
		require.Contains(t, fault.Msg, "locked")
		require.Equal(t, koji.KindPolicy, l.status(t, id).Failures[0].Class)
		require.Zero(t, l.count(t, `SELECT count(*) FROM tag_listing l JOIN tag t ON t.id = l.tag_id WHERE t.name = 'locked'`))
	})
	t.Run("upload with a wrong checksum", func(t *testing.T) {
		t.Parallel()
		require.False(t, call(t, l, api.UploadFile, api.UploadFileParams{
			Path: "cli-build/sum", Name: "x", Size: 3, Offset: 0, Data: "YWJj", Checksum: []any{"md5", "00000000000000000000000000000000"},
		}))
		require.NoFileExists(t, filepath.Join(l.Env["TOJI_TOPDIR"], "work", "cli-build", "sum", "x"))
	})
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}

// makeTag makes a tag and a target of its name.
func (l *lab) makeTag(t *testing.T, name, buildTag string) {
	t.Helper()
	call(t, l, api.CreateTag, api.CreateTagParams{Name: name, Arches: "x86_64"})
	call(t, l, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: name, BuildTag: buildTag, DestTag: name})
}

// nothingLeft holds that a failed task left no build under way, no RPM and no
// buildroot in use.
func (l *lab) nothingLeft(t *testing.T, task int64) {
	t.Helper()
	require.Zero(t, l.count(t, `SELECT count(*) FROM build WHERE task_id = $1 AND state <> 3`, task))
	require.Zero(t, l.count(t, `SELECT count(*) FROM rpminfo r JOIN build b ON b.id = r.build_id WHERE b.task_id = $1`, task))
	require.Zero(t, l.count(t, `SELECT count(*) FROM task WHERE parent = $1 AND state IN (0, 1, 4)`, task))
}

// A user without permissions may build and look, and nothing else.
func TestPermissions(t *testing.T) {
	t.Parallel()
	l := start(t)
	user := l.login(t, "mallory")
	refused := func(t *testing.T, err error) {
		t.Helper()
		require.Equal(t, koji.FaultActionNotAllowed, koji.FaultOf(err), "%v", err)
	}
	_, err := rpc.Invoke(t.Context(), user, api.CreateTag, api.CreateTagParams{Name: "mallorys"})
	refused(t, err)
	_, err = rpc.Invoke(t.Context(), user, api.MakeTask, api.ArgsParams{Args: []any{"someMethod", []any{}}})
	refused(t, err)
	_, err = rpc.Invoke(t.Context(), user, api.DisableHost, api.HostnameParams{Hostname: "builder1"})
	refused(t, err)
	_, err = rpc.Invoke(t.Context(), user, api.BuildTask, api.BuildTaskParams{Src: "x", Target: "plain", Priority: ptr(int64(-5))})
	refused(t, err)

	others := l.idle(t, "mallorys-prey")
	_, err = rpc.Invoke(t.Context(), user, api.CancelTask, api.CancelTaskParams{TaskID: others, Recurse: true})
	refused(t, err)
	_, err = rpc.Invoke(t.Context(), user, api.FreeTask, api.TaskIDParams{TaskID: others})
	refused(t, err)
	require.Equal(t, koji.TaskFree, l.state(t, others))
	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: others, Recurse: true})
}

func ptr[T any](v T) *T { return &v }
