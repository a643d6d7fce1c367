package web

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// follower sends the events of one task to one browser.
type follower struct {
	site   *Site
	r      *http.Request
	out    *stream
	task   int64
	log    string // the log that is followed; "" for none
	offset int64  // of it has been sent

	dir      string // of the task's output
	watched  string // dir, or a directory above it while there is no dir
	files    <-chan struct{}
	unwatch  func()
	names    []string // of the files in dir
	seen     uint64   // what the task looked like when its page was told last
	finished bool
}

func (s *Site) newFollower(r *http.Request) (*follower, error) {
	id, err := idOf(r.PathValue("id"), "task")
	if err != nil {
		return nil, err
	}
	f := &follower{site: s, r: r, task: id, log: r.URL.Query().Get("log"), dir: koji.PathInfo{TopDir: s.opts.TopDir}.Task("", id)}
	if f.log != "" && !isLog(f.log) {
		return nil, badRequest("Names of logs end in .log.", "%q is not a log.", f.log)
	}
	if f.offset, err = logOffset(r); err != nil {
		return nil, err
	}
	if f.seen, err = f.look(); err != nil {
		return nil, err
	}
	if err := f.rewatch(); err != nil {
		return nil, err
	}
	f.names = f.list()
	return f, nil
}

func (f *follower) close() {
	if f.unwatch != nil {
		f.unwatch()
	}
}

// run sends events until the task has ended or nobody reads them any more.
func (f *follower) run() error {
	changes, stop := f.site.changes.listen()
	defer stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	// What happened since the page was made, and before we listened.
	changed := true
	for {
		if err := f.sendLog(); err != nil {
			return err
		}
		if err := f.sendState(changed); err != nil || f.finished {
			return err
		}
		changed = false
		select {
		case <-f.r.Context().Done():
			return nil
		case <-f.site.done:
			return nil
		case <-f.files:
			if err := f.rewatch(); err != nil {
				return err
			}
		case <-changes:
			// A task that ends makes several changes at once.
			if !f.site.pause(f.r) {
				return nil
			}
			changed = true
		case <-beat.C:
			changed = true
			if err := f.out.write(": still here\n\n"); err != nil {
				return nil // the browser is gone
			}
		}
	}
}

// sendState tells the page to load itself again if the task looks different or
// has new files, and ends the stream when the task has ended.
func (f *follower) sendState(look bool) error {
	changed := false
	if names := f.list(); !slices.Equal(names, f.names) {
		f.names, changed = names, true
	}
	if look {
		seen, err := f.look()
		if err != nil {
			return err
		}
		changed = changed || seen != f.seen
		f.seen = seen
	}
	if f.finished {
		if err := f.sendLog(); err != nil { // the last of it came before the end
			return err
		}
		return f.out.send("end", "", nil)
	}
	if changed {
		return f.out.send("change", "", nil)
	}
	return nil
}

// look asks the hub for what the page shows and returns a number that is another
// one when that has changed.
func (f *follower) look() (uint64, error) {
	var b rpc.Batch
	info := rpc.Add(&b, api.GetTaskInfo, api.TaskInfoParams{TaskID: f.task})
	below := rpc.Add(&b, api.GetTaskDescendents, api.TaskDescendentsParams{TaskID: f.task})
	status := rpc.Add(&b, api.GetTaskStatus, api.TaskIDParams{TaskID: f.task})
	if err := f.site.do(f.r, &b); err != nil {
		return 0, err
	}
	if err := firstError(info.Err, below.Err, status.Err); err != nil {
		return 0, err
	}
	var t *api.TaskInfo
	if err := rpc.Into(info.Value, &t); err != nil {
		return 0, err
	}
	if t == nil {
		return 0, notFound("Only tasks that there are can be followed.", "There is no task %d.", f.task)
	}
	f.finished = koji.TaskState(t.State).Finished()
	h := fnv.New64a()
	fmt.Fprint(h, t.State, deref(t.HostID), deref(t.Waiting))
	for _, id := range slices.Sorted(maps.Keys(below.Value)) {
		for _, child := range below.Value[id] {
			fmt.Fprint(h, child.ID, child.State, deref(child.HostID))
		}
	}
	if st := status.Value; st != nil {
		fmt.Fprint(h, len(st.Attempts), len(st.Failures), deref(st.Wait).Reason)
	}
	return h.Sum64(), nil
}

// rewatch watches the task's directory, or what is there on the way to it.
func (f *follower) rewatch() error {
	if f.watched == f.dir {
		return nil
	}
	watched, files, unwatch, err := f.site.dirs.watchNearest(f.dir)
	if err != nil {
		return err
	}
	f.close()
	f.watched, f.files, f.unwatch = watched, files, unwatch
	return nil
}

// list lists the task's files; there may be none yet.
func (f *follower) list() (names []string) {
	if f.watched != f.dir {
		return nil
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}
