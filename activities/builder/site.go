package builder

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
	"github.com/toji-build/toji/workers/step"
)

// SiteRequest is a task of a type that a site has added.
type SiteRequest struct {
	Task    task.Task `json:"task"`
	Request string    `json:"request"` // XML-RPC text
}

// SiteType is a type that a site has added, with what does its tasks.
type SiteType struct {
	task.Spec
	// Run does a task; args and kw are its request, the result is encoded as any
	// other. A koji.Error fails the task, unless it is of koji.KindInfrastructure;
	// that and any other error gives the task to another host.
	Run func(ctx context.Context, j *SiteJob, args []any, kw map[string]any) (any, error)
}

// Site returns the activity that serves a site's type, in the frame of all
// activities.
func (c Control) Site(t SiteType) func(context.Context, SiteRequest) (task.SiteResult, error) {
	return func(ctx context.Context, req SiteRequest) (task.SiteResult, error) {
		return do(ctx, c.activities, req.Task, func(ctx context.Context, j *job) (result task.SiteResult, err error) {
			_, params, err := xmlrpc.UnmarshalRequest(req.Request)
			if err != nil {
				return result, koji.ParameterErrorf("%s: %v", req.Task.Method, err)
			}
			s, err := newSiteJob(j)
			if err != nil {
				return result, err
			}
			defer s.log.Close()
			args, kw := xmlrpc.SplitKeywords(params)
			v, err := t.Run(ctx, s, args, kw)
			if err != nil {
				return result, err
			}
			result.Text, err = xmlrpc.MarshalResult(v)
			return result, err
		})
	}
}

// SiteJob is a task of a site's type at work, as the code of the site sees it.
type SiteJob struct {
	ID      int64
	Method  string
	Owner   string // name of the user whose task it is
	Arch    string
	Channel string
	// Dir is a folder for the task's files. It stays until the task has ended,
	// whatever becomes of the daemon: a task that is tried again finds what it has.
	Dir string

	job *job
	log *os.File
}

func newSiteJob(j *job) (*SiteJob, error) {
	dir := filepath.Join(j.dir, "files")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, infrastructure(err)
	}
	log, err := os.OpenFile(filepath.Join(j.dir, "task.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, infrastructure(err)
	}
	j.logs.watch(log.Name(), filepath.Join(j.dir, "logs", "*.log"))
	t := j.task
	return &SiteJob{ID: t.ID, Method: t.Method, Owner: t.Owner, Arch: t.Arch, Channel: t.Channel, Dir: dir, job: j, log: log}, nil
}

// Log is the task's log, task.log, which users see grow.
func (s *SiteJob) Log() io.Writer { return s.log }

// Fetch brings a file that was uploaded, by its path below the hub's work/, and
// returns where it is now. That nobody has uploaded it fails the task.
func (s *SiteJob) Fetch(ctx context.Context, path string) (string, error) {
	if !filepath.IsLocal(path) {
		return "", koji.ParameterErrorf("%s is no path below work/", path)
	}
	return s.job.fetchWork(ctx, path)
}

// Upload leaves a file of Dir, such as a result, in the task's output and returns
// its path below the hub's work/.
func (s *SiteJob) Upload(ctx context.Context, name string) (string, error) {
	return s.job.uploadResult(ctx, s.Dir, name)
}

// Run runs a command in Dir and waits for its end. What it prints goes into
// NAME.log, which users see grow, and of which the path is returned. The command
// lives in a process, and a cgroup, of its own: it goes on when the daemon is
// restarted, and the same call of the next daemon waits for it, or returns at once
// if it has ended. A name stands for one command in a task.
//
// A command that ends otherwise than with status 0 fails the task.
func (s *SiteJob) Run(ctx context.Context, name string, argv ...string) (log string, err error) {
	if !rpc.IsName(name) || len(argv) == 0 {
		return "", fmt.Errorf("step %q of task %d: a name is letters, digits and _, and a command is needed", name, s.ID)
	}
	logs := filepath.Join(s.job.dir, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return "", infrastructure(err)
	}
	log = filepath.Join(logs, name+".log")
	exit, err := s.job.steps.Run(ctx, name, step.Spec{Argv: argv, Dir: s.Dir, Log: log})
	if err == nil && !exit.OK() {
		err = koji.GenericErrorf("%s: %s, see %s.log", name, exit, name)
	}
	return log, err
}

// subtaskEvery is how often a task looks whether its subtask has ended, as Koji's
// builder does.
const subtaskEvery = 2 * time.Second

// Subtask makes another task as a part of this one, waits for its end and returns
// its result, as Call does; its fault is the error. The label names it among the
// parts of this task: a task that is tried again finds the part that it has. With
// this task the part is cancelled; while it waits, this task is no load.
func (s *SiteJob) Subtask(ctx context.Context, label, method string, args ...any) (any, error) {
	p := api.SubtaskParams{Method: method, ArgList: args, Parent: s.ID, Opts: map[string]any{"label": label}}
	id, err := rpc.Invoke(ctx, s.job.hub, api.HostSubtask, p)
	if err != nil {
		return nil, err
	}
	parts := []int64{id}
	if _, err := rpc.Invoke(ctx, s.job.hub, api.HostTaskSetWait, api.TaskSetWaitParams{Parent: s.ID, Tasks: &parts}); err != nil {
		return nil, err
	}
	tick := time.NewTicker(subtaskEvery)
	defer tick.Stop()
	for {
		ended, err := rpc.Invoke(ctx, s.job.hub, api.TaskFinished, api.TaskParams{TaskID: id})
		if err != nil {
			return nil, err
		}
		if ended {
			break
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
	results, err := rpc.Invoke(ctx, s.job.hub, api.HostTaskWaitResults, api.TaskWaitResultsParams{Parent: s.ID, Tasks: &parts})
	if err != nil {
		return nil, err
	}
	return results[0][1], nil
}

// Call calls a method of the hub as this host, which may do what hosts may with
// tasks of their own (host.subtask, host.taskWait ...) and ask what anyone may.
// The result is as decoded: nil, bool, int64, float64, string, []byte, time.Time,
// []any or map[string]any. Faults are of type *koji.Error.
func (s *SiteJob) Call(ctx context.Context, method string, args ...any) (any, error) {
	return s.job.hub.Call(ctx, method, args)
}
