package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"

	"go.temporal.io/sdk/activity"

	"github.com/toji-build/toji/activities/builder/buildroot"
	rpcclient "github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// job is one activity at work.
type job struct {
	*Activities
	task    task.Task
	attempt attempt
	dir     string // the task's folder; it outlives the daemon
	upload  string // the task's folder on the hub, below work/
	hub     *rpcclient.Client
	steps   *step.Runner
	logs    *logStream
	log     *slog.Logger
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when nothing of it is left
}

// do runs f in a job's frame. Its error is Temporal's.
func do[R any](ctx context.Context, a *Activities, t task.Task, f func(context.Context, *job) (R, error)) (R, error) {
	var none R
	j, work, err := a.begin(ctx, t)
	if err != nil {
		return none, answer(err)
	}
	if result, err, ok := recall[R](j); ok {
		j.end(nil)
		j.log.Info("task was done before, which Temporal was not told")
		return result, err
	}
	result, err := guarded(work, j, f)
	err = causeOf(work, err)
	keep(j, result, err)
	j.end(err)
	if err != nil {
		j.log.Info("task ended", "error", err)
		return none, answer(err)
	}
	j.log.Info("task done")
	return result, nil
}

// guarded is f, whose panic is trouble of this host: the frame is taken down all
// the same.
func guarded[R any](ctx context.Context, j *job, f func(context.Context, *job) (R, error)) (result R, err error) {
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("task panicked", "panic", p, "stack", string(debug.Stack()))
			err = infrastructure(fmt.Errorf("the builder daemon failed: %v", p))
		}
	}()
	return f(ctx, j)
}

// begin makes the frame: folder, record for a later daemon, heartbeat, session,
// cgroup. The returned context ends when the work is to end.
func (a *Activities) begin(ctx context.Context, t task.Task) (*job, context.Context, error) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	info := activity.GetInfo(ctx)
	j := &job{
		Activities: a, task: t, attempt: attemptOf(info), cancel: cancel, done: make(chan struct{}), log: a.log.With("task", t.ID),
		dir: a.taskDir(t.ID), upload: koji.PathInfo{}.TaskRel(t.ID),
	}
	go a.heartbeat(work, j.attempt, info.TaskToken, cancel)
	if err := a.down.enter(work, j); err != nil {
		cancel(err)
		return nil, nil, err
	}
	if err := j.prepare(work); err != nil {
		j.end(err)
		return nil, nil, err
	}
	j.logs.start()
	return j, work, nil
}

func (j *job) prepare(ctx context.Context) error {
	if err := j.checkSpace(); err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o711); err != nil {
		return infrastructure(err)
	}
	if err := j.record(); err != nil {
		return infrastructure(err)
	}
	hub, err := j.Activities.hub.Subsession(ctx)
	if err != nil {
		return infrastructure(fmt.Errorf("open a session at the hub: %w", err))
	}
	j.hub = hub
	j.steps = &step.Runner{Dir: filepath.Join(j.dir, "steps"), Lifeline: j.lifeline}
	if j.groups != nil && j.groups.Supported() {
		if j.steps.Group, err = j.groups.Task(strconv.FormatInt(j.task.ID, 10), step.Limits{}); err != nil {
			return infrastructure(err)
		}
	}
	j.logs = newLogStream(hub, j.upload, filepath.Join(j.dir, "streamed.json"), j.log)
	return nil
}

// end takes the frame down. When the daemon goes, the steps and the folder stay
// for the next one.
func (j *job) end(err error) {
	defer j.down.remove(j)
	j.cancel(err)
	detached := errors.Is(err, step.ErrDetach)
	if j.logs != nil {
		// The hub takes nothing more of a task that was cancelled.
		j.logs.stop(!detached && !errors.Is(err, errCanceled))
	}
	if err != nil && !detached {
		j.giveUpRoot(err)
	}
	if j.hub != nil {
		// The session may be gone with the hub; nothing depends on it any more.
		if err := j.hub.Logout(context.Background()); err != nil {
			j.log.Debug("cannot close the session", "error", err)
		}
	}
	if !detached {
		j.remove()
	}
}

// remove ends what may be left of the task's processes and removes its files.
func (j *job) remove() {
	if err := j.removeTask(strconv.FormatInt(j.task.ID, 10)); err != nil {
		j.log.Warn("files of the task are left", "error", err)
	}
}

func (a *Activities) taskDir(id int64) string {
	return filepath.Join(a.cfg.WorkDir, "tasks", strconv.FormatInt(id, 10))
}

// attempt is what the next daemon needs to know of an activity under way.
type attempt struct {
	Namespace  string `json:"namespace"`
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	ActivityID string `json:"activity_id"`
}

const attemptFile = "attempt.json"

func attemptOf(info activity.Info) attempt {
	return attempt{
		Namespace: info.Namespace, WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID, ActivityID: info.ActivityID,
	}
}

func (j *job) record() error {
	text, err := json.Marshal(j.attempt)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(j.dir, attemptFile), text)
}

// remember keeps a small value of the task on disk: made by the first attempt,
// read by the later ones.
func remember[T any](j *job, name string, make func() (T, error)) (v T, err error) {
	path := filepath.Join(j.dir, name+".json")
	text, err := os.ReadFile(path)
	if err == nil {
		return v, json.Unmarshal(text, &v)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if v, err = make(); err != nil {
		return v, err
	}
	if text, err = json.Marshal(v); err != nil {
		return v, err
	}
	return v, replaceFile(path, text)
}

// replaceFile writes a file so that a crash leaves the old one or the new one.
func replaceFile(path string, text []byte) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// checkSpace refuses a task for which there is no room. Work that an earlier
// attempt has begun takes some of it and goes on.
func (j *job) checkSpace() error {
	if _, err := os.Stat(filepath.Join(j.dir, attemptFile)); err == nil {
		return nil
	}
	free, err := buildroot.DiskFree(j.cfg.WorkDir)
	if err != nil {
		return infrastructure(err)
	}
	if free < j.cfg.MinSpace {
		return refused("only %d MiB are free in %s, %d are wanted", free>>20, j.cfg.WorkDir, j.cfg.MinSpace>>20)
	}
	return nil
}
