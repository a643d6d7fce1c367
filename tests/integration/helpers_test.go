package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

// patience is how long a test waits for anything: far longer than it takes, as
// the machine may have other work.
const patience = 90 * time.Second

// await asks again and again until ok, and fails the test when patience is over.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	awaitFor(t, patience, what, ok)
}

func awaitFor(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	if !within(limit, ok) {
		require.FailNow(t, what+" did not happen", "within %v", limit)
	}
}

// within asks again and again until ok, and returns false when the time is over.
func within(limit time.Duration, ok func() bool) bool {
	over := time.After(limit)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-over:
			return false
		}
	}
	return true
}

// call calls a method as the admin.
func call[P, R any](t *testing.T, l *lab, m rpc.Method[P, R], p P) R {
	t.Helper()
	r, err := rpc.Invoke(t.Context(), l.Client, m, p)
	require.NoError(t, err, m.Name)
	return r
}

// source is a source package.
type source struct {
	file    string
	nvr     string
	marker  string // the argument of slow-build's sleeps, which no other build's have
	release string
}

// srpm makes a source package of a spec in testdata, with a release of its own.
// seconds is how long slow-build sleeps.
func (l *lab) srpm(t *testing.T, name string, seconds int) source {
	t.Helper()
	return l.srpmOf(t, name, fmt.Sprint(l.serial.Add(1)), seconds)
}

func (l *lab) srpmOf(t *testing.T, name, release string, seconds int) source {
	t.Helper()
	dir := t.TempDir()
	s := source{release: release, marker: fmt.Sprintf("%d.%06d", seconds, l.serial.Add(1))}
	spec := filepath.Join(dir, name+".spec")
	require.NoError(t, os.WriteFile(spec, s.spec(t, name), 0o644))
	// Debian's rpm would use ~/.rpmdb.
	out, err := exec.Command("rpmbuild", "-bs", "--quiet", "--nodeps", "--define", "_topdir "+dir, "--define", "_dbpath "+dir+"/rpmdb",
		"--define", "_srcrpmdir "+dir, spec).CombinedOutput()
	require.NoError(t, err, "%s", out)
	files, err := filepath.Glob(filepath.Join(dir, "*.src.rpm"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	s.file, s.nvr = files[0], strings.TrimSuffix(filepath.Base(files[0]), ".src.rpm")
	return s
}

// spec is the spec file of the package.
func (s source) spec(t *testing.T, name string) []byte {
	t.Helper()
	return fill(t, name, map[string]any{"Release": s.release, "Seconds": s.marker})
}

// fill fills a spec file of testdata in.
func fill(t *testing.T, name string, with map[string]any) []byte {
	t.Helper()
	parsed, err := template.ParseFiles(filepath.Join("testdata", name+".spec"))
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, parsed.Execute(&text, with))
	return text.Bytes()
}

// upload sends a file to the hub and returns its path below work/.
func (l *lab) upload(t *testing.T, file string) string {
	t.Helper()
	dir := fmt.Sprintf("cli-build/%d", l.serial.Add(1))
	require.NoError(t, l.Client.UploadFile(t.Context(), file, dir, "", client.UploadOptions{}))
	return dir + "/" + filepath.Base(file)
}

// build makes a build task of an uploaded source package.
func (l *lab) build(t *testing.T, s source, target string, opts map[string]any) int64 {
	t.Helper()
	return call(t, l, api.BuildTask, api.BuildTaskParams{Src: l.upload(t, s.file), Target: target, Opts: opts})
}

// slow makes a build task that sleeps in the middle of rpmbuild, and returns when
// it does, with its buildArch task.
func (l *lab) slow(t *testing.T, seconds int) (s source, build, arch int64) {
	t.Helper()
	s = l.srpm(t, "slow-build", seconds)
	build = l.build(t, s, "plain", nil)
	arch = l.child(t, build, "buildArch").ID
	l.awaitSleep(t, s)
	return s, build, arch
}

// awaitSleep waits until a slow-build sleeps, in all of its processes.
func (l *lab) awaitSleep(t *testing.T, s source) {
	t.Helper()
	await(t, s.nvr+" sleeping", func() bool { return len(l.asleep(t, s)) >= 4 })
}

// asleep lists the sleeps of a slow-build.
func (l *lab) asleep(t *testing.T, s source) []stack.Process {
	t.Helper()
	found, err := stack.Mentioning("sleep " + s.marker)
	require.NoError(t, err)
	return found
}

// task returns a task's row.
func (l *lab) task(t *testing.T, id int64) api.Task {
	t.Helper()
	row, err := l.Task(t.Context(), id)
	require.NoError(t, err)
	return row
}

func (l *lab) state(t *testing.T, id int64) koji.TaskState {
	t.Helper()
	return koji.TaskState(l.task(t, id).State)
}

// awaitState waits until a task is in the state.
func (l *lab) awaitState(t *testing.T, id int64, want koji.TaskState) {
	t.Helper()
	await(t, fmt.Sprintf("task %d being %s", id, want), func() bool {
		state := l.state(t, id)
		if state != want && state.Finished() {
			require.FailNow(t, "wrong end", "task %d is %s, not %s: %v", id, state, want, l.result(t, id))
		}
		return state == want
	})
}

// closed waits for a task to end well.
func (l *lab) closed(t *testing.T, id int64) {
	t.Helper()
	l.awaitState(t, id, koji.TaskClosed)
}

// failed waits for a task to fail and returns its fault.
func (l *lab) failed(t *testing.T, id int64) *koji.Error {
	t.Helper()
	l.awaitState(t, id, koji.TaskFailed)
	_, err := rpc.Invoke(t.Context(), l.Client, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true})
	var fault *koji.Error
	require.ErrorAs(t, err, &fault)
	return fault
}

// result is a task's result, or what is known in its place.
func (l *lab) result(t *testing.T, id int64) any {
	t.Helper()
	v, err := rpc.Invoke(t.Context(), l.Client, api.GetTaskResult, api.TaskResultParams{TaskID: id})
	if err != nil {
		return err
	}
	return v
}

// children lists the subtasks of a task by method.
func (l *lab) children(t *testing.T, id int64) map[string][]api.TaskInfo {
	t.Helper()
	byMethod := map[string][]api.TaskInfo{}
	for _, c := range call(t, l, api.GetTaskChildren, api.TaskChildrenParams{TaskID: id}) {
		byMethod[c.Method] = append(byMethod[c.Method], c)
	}
	return byMethod
}

// child waits for a task to have a subtask of the method, and returns the latest.
func (l *lab) child(t *testing.T, id int64, method string) api.TaskInfo {
	t.Helper()
	var found api.TaskInfo
	await(t, fmt.Sprintf("%s of task %d", method, id), func() bool {
		ended := l.state(t, id).Finished()
		for _, c := range l.children(t, id)[method] {
			if c.ID > found.ID {
				found = c
			}
		}
		if found.ID == 0 && ended {
			require.FailNow(t, "no such subtask", "task %d ended without a %s: %v", id, method, l.result(t, id))
		}
		return found.ID != 0
	})
	return found
}

// status is what Toji knows of a task beyond Koji's row.
func (l *lab) status(t *testing.T, id int64) *api.TaskStatus {
	t.Helper()
	return call(t, l, api.GetTaskStatus, api.TaskIDParams{TaskID: id})
}

// outcomes are the ends of a task's attempts, in order.
func (l *lab) outcomes(t *testing.T, id int64) []string {
	t.Helper()
	var list []string
	for _, a := range l.status(t, id).Attempts {
		outcome := "under way"
		if a.Outcome != nil {
			outcome = *a.Outcome
		}
		list = append(list, outcome)
	}
	return list
}

// buildOf returns the build that has the NVR.
func (l *lab) buildOf(t *testing.T, nvr string) *api.Build {
	t.Helper()
	return call(t, l, api.GetBuild, api.BuildParams{BuildInfo: nvr})
}

// count asks the database for a number.
func (l *lab) count(t *testing.T, query string, args ...any) int64 {
	t.Helper()
	n, err := database.One[int64](t.Context(), l.db, query, args...)
	require.NoError(t, err)
	return n
}

// file reads a file below the top directory.
func (l *lab) file(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{l.Env["TOJI_TOPDIR"]}, elem...)...))
	require.NoError(t, err)
	return string(text)
}

// completed holds that an NVR is built once: one build, COMPLETE, with as many
// RPMs, and tagged.
func (l *lab) completed(t *testing.T, nvr, tag string, rpms int64) *api.Build {
	t.Helper()
	b := l.buildOf(t, nvr)
	require.NotNil(t, b, nvr)
	require.Equal(t, koji.BuildComplete, b.State)
	require.Equal(t, rpms, l.count(t, `SELECT count(*) FROM rpminfo WHERE build_id = $1`, b.ID))
	require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM tag_listing l JOIN tag t ON t.id = l.tag_id
		WHERE build_id = $1 AND t.name = $2 AND active`, b.ID, tag))
	return b
}

// login returns a client of another user.
func (l *lab) login(t *testing.T, user string) *client.Client {
	t.Helper()
	c, err := l.Login(t.Context(), user, client.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Logout(context.Background()) })
	return c
}

// resume returns a client that goes on with a session at another hub.
func resume(ctx context.Context, url string, id int64, key string) (*client.Client, error) {
	c, err := client.New(client.Options{Server: url, MaxRetries: -1})
	if err != nil {
		return nil, err
	}
	c.Resume(id, key)
	_, err = rpc.Invoke(ctx, c, api.GetLoggedInUser, api.NoParams{})
	return c, err
}
