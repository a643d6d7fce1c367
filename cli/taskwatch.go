package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// watcher follows tasks and their descendants until all are finished, and tells
// what happens to them in the words of Koji's client.
type watcher struct {
	*app
	hub   *hub
	tasks []*watched // in the order in which they were found
	known map[int64]bool
	hosts map[int64]string
}

// watched is one task under watch.
type watched struct {
	id    int64
	level int // 0 for the tasks that the user named
	info  *api.TaskInfo
}

// watch follows tasks until all are finished. The error is errFailed unless all
// of them succeeded.
func (a *app) watch(ctx context.Context, h *hub, ids ...int64) error {
	w := &watcher{app: a, hub: h, known: map[int64]bool{}, hosts: map[int64]string{}}
	if len(ids) == 0 {
		return nil
	}
	w.say("Watching tasks (this may be safely interrupted)...\n")
	for _, id := range ids {
		w.add(id, 0)
	}
	err := w.run(ctx)
	if ctx.Err() != nil {
		w.interrupted(context.WithoutCancel(ctx))
		return context.Canceled
	}
	return err
}

// watchUnlessAlone watches new tasks if the user wants to, or does not say and
// sits at the terminal. The session ends before: watching may take long.
func (a *app) watchUnlessAlone(ctx context.Context, h *hub, wait *bool, ids ...int64) error {
	if wait == nil && a.Background() || wait != nil && !*wait {
		return nil
	}
	if err := h.Logout(ctx); err != nil && !isFault(err) {
		return err
	}
	return a.watch(ctx, h, ids...)
}

func (w *watcher) say(format string, args ...any) {
	if !w.global.quiet {
		printf(w.Stdout, format, args...)
	}
}

// add puts a task under watch, unless it is so already.
func (w *watcher) add(id int64, level int) *watched {
	if w.known[id] {
		return nil
	}
	w.known[id] = true
	t := &watched{id: id, level: level}
	w.tasks = append(w.tasks, t)
	return t
}

func (w *watcher) run(ctx context.Context) error {
	for {
		done, err := w.pass(ctx)
		if err != nil {
			return err
		}
		if done {
			return w.results()
		}
		if err := sleep(ctx, w.hub.profile.PollInterval); err != nil {
			return err
		}
	}
}

// pass looks at every task once and reports whether all are finished and none is
// new.
func (w *watcher) pass(ctx context.Context) (done bool, err error) {
	done = true
	for _, t := range w.tasks[:len(w.tasks):len(w.tasks)] {
		changed, err := w.update(ctx, t)
		if err != nil {
			return false, err
		}
		if !t.done() {
			done = false
		} else if changed {
			w.summary()
		}
		children, err := childrenOf(ctx, w.hub, t.id, false)
		if err != nil {
			return false, err
		}
		for _, child := range children {
			if found := w.add(child.ID, t.level+1); found != nil {
				if _, err := w.update(ctx, found); err != nil {
					return false, err
				}
				done = false
			}
		}
	}
	return done, nil
}

// update asks for the task's state and tells what is new. It reports whether the
// state has changed since the last look.
func (w *watcher) update(ctx context.Context, t *watched) (changed bool, err error) {
	if t.done() {
		return false, nil
	}
	last := t.info
	info, err := requestedTask(ctx, w.hub, t.id)
	if err != nil {
		return false, err
	}
	if info == nil {
		w.say("No such task id: %d\n", t.id)
		return false, errFailed
	}
	t.info = info
	switch {
	case last == nil && !w.global.quiet:
		state, err := w.state(ctx, info, t.level)
		w.say("%s: %s\n", t, state)
		return false, err
	case last == nil || last.State == info.State:
		return false, nil
	case w.global.quiet:
		return true, nil
	}
	before, err := w.state(ctx, last, 0)
	if err != nil {
		return true, err
	}
	now, err := w.state(ctx, info, 0)
	w.say("%s: %s -> %s\n", t, before, now)
	return true, err
}

func (t *watched) String() string {
	s := strings.Repeat("  ", t.level) + fmt.Sprint(t.id)
	if t.info != nil {
		s += " " + labelOf(t.info)
	}
	return s
}

func (t *watched) done() bool { return t.info != nil && koji.TaskState(t.info.State).Finished() }

// state describes a task's state: with its host, or with what went wrong.
func (w *watcher) state(ctx context.Context, t *api.TaskInfo, level int) (string, error) {
	state := koji.TaskState(t.State)
	name := strings.ToLower(state.String())
	switch {
	case state == koji.TaskFailed:
		return w.failure(ctx, t.ID, level+1)
	case (state == koji.TaskOpen || state == koji.TaskAssigned) && t.HostID != nil:
		host, err := w.hostName(ctx, *t.HostID)
		return name + " (" + host + ")", err
	}
	return name, nil
}

func (w *watcher) hostName(ctx context.Context, id int64) (string, error) {
	if name, ok := w.hosts[id]; ok {
		return name, nil
	}
	host, err := rpc.Invoke(ctx, w.hub, api.GetHost, api.GetHostParams{HostInfo: id})
	if err != nil || host == nil {
		return fmt.Sprint("host ", id), err
	}
	w.hosts[id] = host.Name
	return host.Name, nil
}

// failure describes why a task failed, and where its logs are.
func (w *watcher) failure(ctx context.Context, id int64, level int) (string, error) {
	text := "FAILED: "
	_, err := rpc.Invoke(ctx, w.hub, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true})
	fault, ok := errors.AsType[*koji.Error](err)
	switch {
	case ok:
		text += faultText(fault)
	case err != nil:
		return "", err
	}
	if w.hub.profile.TopURL == "" {
		return text, nil
	}
	files, err := outputOf(ctx, w.hub, id)
	if err != nil {
		return "", err
	}
	top := koji.PathInfo{TopDir: strings.TrimRight(w.hub.profile.TopURL, "/")}
	indent := "\n" + strings.Repeat("  ", level)
	heading := indent + "Relevant logs:"
	for _, f := range files {
		if strings.HasSuffix(f.name, "log") {
			text += heading + indent + top.Task(f.volume, id) + "/" + f.name
			heading = ""
		}
	}
	return text, nil
}

// faultText returns a fault as Python prints its exception.
func faultText(fault *koji.Error) string {
	class := koji.FaultName(fault.Fault)
	if class == "Fault" {
		return fmt.Sprintf("Fault: <Fault %d: %s>", fault.Fault, xmlrpc.Repr(fault.Error()))
	}
	return class + ": " + strings.TrimSpace(fault.Error())
}

// summary counts the watched tasks by state.
func (w *watcher) summary() {
	var free, open, done, failed int
	for _, t := range w.tasks {
		if t.info == nil {
			continue
		}
		switch koji.TaskState(t.info.State) {
		case koji.TaskFree:
			free++
		case koji.TaskOpen, koji.TaskAssigned:
			open++
		case koji.TaskFailed:
			failed++
		default:
			done++
		}
	}
	w.say("  %d free  %d open  %d done  %d failed\n", free, open, done, failed)
}

// results tells how the tasks of the user ended.
func (w *watcher) results() (err error) {
	w.say("\n")
	for _, t := range w.tasks {
		if t.level > 0 {
			continue
		}
		state := koji.TaskState(t.info.State)
		if state != koji.TaskClosed {
			err = errFailed
		}
		switch state {
		case koji.TaskClosed:
			w.say("%s completed successfully\n", t)
		case koji.TaskFailed:
			w.say("%s failed\n", t)
		case koji.TaskCanceled:
			w.say("%s was canceled\n", t)
		}
	}
	return err
}

// interrupted tells a user who stops watching what goes on without him.
func (w *watcher) interrupted(ctx context.Context) {
	var running []string
	for _, t := range w.tasks {
		if t.info == nil || t.done() {
			continue
		}
		state, err := w.state(ctx, t.info, t.level)
		if err != nil {
			state = strings.ToLower(koji.TaskState(t.info.State).String())
		}
		running = append(running, fmt.Sprintf("%s: %s", t, state))
	}
	w.say("Tasks still running. You can continue to watch with the '%s watch-task' command.\nRunning Tasks:\n%s\n",
		program(), strings.Join(running, "\n"))
}

// childrenOf lists the direct children of a task.
func childrenOf(ctx context.Context, c rpc.Caller, id int64, request bool) ([]api.TaskInfo, error) {
	return rpc.Invoke(ctx, c, api.GetTaskChildren, api.TaskChildrenParams{TaskID: id, Request: request})
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
