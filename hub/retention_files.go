package hub

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji"
)

// dirBatch is how many directories a batch looks at.
const dirBatch = 500

// dirSweep removes directories of one kind.
type dirSweep struct {
	ok    func(parent string) bool
	which func(ctx context.Context, p *place, entries []string) (doomed map[string]string, err error) // with reasons
}

// sweepDirs does a batch of a sweep over some places. The position is the place's
// number and the last entry.
func (h *Hub) sweepDirs(ctx context.Context, b *retentionBatch, dirs []string, s dirSweep) (next string, err error) {
	number, after, _ := strings.Cut(b.run.Position, " ")
	n, _ := strconv.Atoi(number) // "" is 0
	if n >= len(dirs) {
		return "", nil
	}
	p, err := h.openPlace(dirs[n])
	if err != nil {
		return "", err
	}
	var entries []string
	if p != nil {
		defer p.root.Close()
		if entries, err = p.entries(s.ok, after, dirBatch); err != nil {
			return "", err
		}
		doomed, err := s.which(ctx, p, entries)
		if err != nil {
			return "", err
		}
		for _, rel := range entries {
			if why, ok := doomed[rel]; ok {
				b.doom(p, rel, why)
			}
		}
	}
	switch {
	case len(entries) == dirBatch:
		return fmt.Sprintf("%d %s", n, entries[len(entries)-1]), nil
	case n+1 < len(dirs):
		return fmt.Sprintf("%d ", n+1), nil
	}
	return "", nil
}

// doom adds a directory to the report, and to what is to be removed.
func (b *retentionBatch) doom(p *place, rel, why string) {
	item := store.RetentionItem{Action: "remove", Subject: p.name + "/" + rel, Reason: why}
	u, err := p.measure(rel)
	if item.Rows, item.Bytes = u.files, u.bytes; err != nil {
		item.Action, item.Reason = "failed", err.Error()
	} else {
		b.removals = append(b.removals, store.Removal{Place: p.name, Rel: rel, RunID: &b.run.ID})
	}
	b.add(item)
}

// onVolumes returns a directory on each volume, below the top directory.
func (h *Hub) onVolumes(ctx context.Context, dir func(volume string) string) ([]string, error) {
	volumes, err := h.Store.Volumes(ctx)
	var dirs []string
	for _, v := range volumes {
		dirs = append(dirs, h.belowTop(dir(v.Name)))
	}
	return dirs, err
}

func anything(string) bool { return true }

// sweepUploads removes what was uploaded, has not changed for long and is named by
// no task that has not ended.
func (h *Hub) sweepUploads(ctx context.Context, b *retentionBatch) (string, error) {
	dirs, err := h.onVolumes(ctx, h.Paths.Work)
	if err != nil {
		return "", err
	}
	age := h.Retention.Uploads
	return h.sweepDirs(ctx, b, dirs, dirSweep{
		ok: func(parent string) bool { return parent != "tasks" },
		which: func(ctx context.Context, p *place, entries []string) (map[string]string, error) {
			old, err := h.unchanged(p, entries, age)
			if err != nil {
				return nil, err
			}
			wanted, err := h.Store.NamedByTasks(ctx, old)
			return because(old, wanted, "not changed for "+days(age)), err
		},
	})
}

// unchanged returns the entries in which nothing has changed for so long.
func (h *Hub) unchanged(p *place, entries []string, age config.Duration) (old []string, err error) {
	for _, rel := range entries {
		u, err := p.measure(rel)
		if err != nil {
			return nil, err
		}
		if h.Now().Sub(u.newest) > age.Std() {
			old = append(old, rel)
		}
	}
	return old, nil
}

// because gives each of a list, but some, the same reason.
func because(list, but []string, why string) map[string]string {
	by := map[string]string{}
	for _, rel := range list {
		if !slices.Contains(but, rel) {
			by[rel] = why
		}
	}
	return by
}

func (h *Hub) sweepFailedTasks(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepTaskOutput(ctx, b, h.Retention.FailedTasks, koji.TaskFailed, koji.TaskCanceled)
}

func (h *Hub) sweepClosedTasks(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepTaskOutput(ctx, b, h.Retention.ClosedTasks, koji.TaskClosed)
}

// sweepTaskOutput removes the output of tasks that came to some states. Output of
// tasks that there are not any more counts as failed.
func (h *Hub) sweepTaskOutput(ctx context.Context, b *retentionBatch, age config.Duration, states ...koji.TaskState) (string, error) {
	dirs, err := h.onVolumes(ctx, func(volume string) string { return h.Paths.Work(volume) + "/tasks" })
	if err != nil {
		return "", err
	}
	taskOf := func(rel string) (int64, bool) {
		id, err := strconv.ParseInt(path.Base(rel), 10, 64)
		return id, err == nil && koji.PathInfo{}.TaskRel(id) == "tasks/"+rel
	}
	return h.sweepDirs(ctx, b, dirs, dirSweep{
		ok: anything,
		which: func(ctx context.Context, p *place, entries []string) (map[string]string, error) {
			return h.endedOutput(ctx, p, entries, taskOf, age, states...)
		},
	})
}

// sweepScratch removes scratch builds.
func (h *Hub) sweepScratch(ctx context.Context, b *retentionBatch) (string, error) {
	taskOf := func(rel string) (int64, bool) {
		number, ok := strings.CutPrefix(path.Base(rel), "task_")
		id, err := strconv.ParseInt(number, 10, 64)
		return id, ok && err == nil
	}
	return h.sweepDirs(ctx, b, []string{h.belowTop(h.Paths.Scratch())}, dirSweep{
		ok: anything,
		which: func(ctx context.Context, p *place, entries []string) (map[string]string, error) {
			return h.endedOutput(ctx, p, entries, taskOf, h.Retention.Scratch, koji.TaskClosed, koji.TaskFailed, koji.TaskCanceled)
		},
	})
}

// endedOutput finds the directories of tasks that have come to one of the states
// for so long. Those of no task at all are told by their own age, unless only
// tasks that ended well count.
func (h *Hub) endedOutput(ctx context.Context, p *place, entries []string, taskOf func(string) (int64, bool), age config.Duration,
	states ...koji.TaskState) (map[string]string, error) {
	dirs, ids := map[int64]string{}, []int64{}
	for _, rel := range entries {
		if id, ok := taskOf(rel); ok {
			dirs[id] = rel
			ids = append(ids, id)
		}
	}
	ended, err := h.Store.EndedTasks(ctx, ids, states, age.Std().Seconds())
	if err != nil {
		return nil, err
	}
	doomed := map[string]string{}
	for id, t := range ended {
		doomed[dirs[id]] = fmt.Sprintf("%s of %s, %s more than %s ago", t.Method, t.Owner, strings.ToLower(t.State.String()), days(age))
	}
	if !slices.Contains(states, koji.TaskFailed) {
		return doomed, nil
	}
	unknown, err := h.Store.UnknownTasks(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range unknown {
		u, err := p.measure(dirs[id])
		if err != nil {
			return nil, err
		}
		if h.Now().Sub(u.newest) > age.Std() {
			doomed[dirs[id]] = "of no task, not changed for " + days(age)
		}
	}
	return doomed, nil
}

// leftoverAge is how many seconds those who decide that files go have to remove
// them.
const leftoverAge = 600

// sweepLeftovers removes what others should have removed, but died or could not.
func (h *Hub) sweepLeftovers(ctx context.Context, b *retentionBatch) (string, error) {
	late, err := h.Store.LateRemovals(ctx, leftoverAge)
	if err != nil {
		return "", err
	}
	if b.run.DryRun {
		if len(late) > 0 {
			b.add(store.RetentionItem{Action: "remove", Subject: "directories", Reason: "their removal had begun", Rows: int64(len(late))})
		}
		return "", nil
	}
	return "", h.removeAll(ctx, late, func(r store.Removal, err error) {
		item := store.RetentionItem{Action: "remove", Subject: r.Place + "/" + r.Rel, Reason: "its removal had begun", Rows: 1}
		if err != nil {
			item.Action, item.Reason = "failed", err.Error()
		}
		b.add(item)
	})
}
