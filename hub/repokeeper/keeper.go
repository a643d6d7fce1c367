// Package repokeeper keeps build repositories fresh. It is what Koji's daemon
// kojira does, inside of the hub and without its polling.
//
// One hub of several is the leader. It is woken by changes of tags, by requests
// for repositories and by the end of tasks (NOTIFY):
//
//	tag changed   -> its repository, and those of tags that inherit from it, are
//	                 requested anew once the changes have settled
//	request       -> a newRepo task, so many at once, one for each tag, those first
//	                 that somebody waits for
//	task failed   -> tried again, so many times, then given up
//
// From time to time it looks for what no change tells of: external repositories,
// tags whose requests were given up, old repositories and their files, and requests
// that are over.
package repokeeper

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// leaderLock is the advisory lock of the leader ("tojirepo").
const leaderLock = 0x746f6a697265706f

// Options are the keeper's settings.
type Options struct {
	// Settle is how long a tag has to be quiet before its repository is made
	// anew; default 0.1 s, which is longer than from one call of a client to its next.
	// Several builds of one update thus make one repository; what comes later waits
	// for it and makes one more. A repository that somebody asks for does not wait.
	Settle time.Duration
	// SettleMax is how long a tag's first change waits at most; default 10 s.
	SettleMax time.Duration
}

// Keeper makes repositories.
type Keeper struct {
	hub    *hub.Hub
	log    *slog.Logger
	opts   Options
	client *http.Client // for external repositories
}

// New makes a keeper for the repositories of h.
func New(h *hub.Hub, log *slog.Logger, o Options) *Keeper {
	o.Settle, o.SettleMax = cmp.Or(o.Settle, 100*time.Millisecond), cmp.Or(o.SettleMax, 10*time.Second)
	return &Keeper{hub: h, log: log, opts: o, client: newClient()}
}

// Run keeps repositories while it is the leader, until ctx is done.
func (k *Keeper) Run(ctx context.Context) error {
	return k.hub.Store.Lead(ctx, leaderLock, k.lead)
}

func (k *Keeper) lead(ctx context.Context) error {
	tags, queue := make(chan struct{}, 1), make(chan struct{}, 1)
	go k.rounds(ctx, tags, queue)
	return k.hub.Store.Listen(ctx, func(channel, _ string) {
		if channel != "toji_sched" && channel != "toji_repos" { // a tag, or all that may have been missed
			poke(tags)
		}
		poke(queue)
	}, "toji_tags", "toji_repos", "toji_sched")
}

func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// sweep is how often the keeper looks without being told to. It is also how soon a
// request that was given up is made again.
const sweep = 10 * time.Minute

func (k *Keeper) rounds(ctx context.Context, tags, queue <-chan struct{}) {
	settle := time.NewTimer(0)
	tick := time.NewTicker(sweep)
	external, stop := every(k.hub.Repo.ExternalCheck.Std())
	defer stop()
	defer settle.Stop()
	defer tick.Stop()
	var latest time.Time // when changes that are settling are looked at at last
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-tags:
			if latest.IsZero() {
				latest = time.Now().Add(k.opts.SettleMax)
			}
			settle.Reset(min(k.opts.Settle, time.Until(latest)))
		case <-settle.C:
			latest = time.Time{}
			// How long old repositories were right can be found out last.
			err = errors.Join(k.RequestStale(ctx), k.ServeQueue(ctx), k.hub.UpdateRepoEnds(ctx))
		case <-external:
			err = k.CheckExternal(ctx)
		case <-queue:
			err = k.ServeQueue(ctx)
		case <-tick.C:
			err = k.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			k.log.WarnContext(ctx, "repository keeper: the next sweep tries again", "error", err)
		}
	}
}

// every returns a channel that ticks, one that never does if d is 0.
func every(d time.Duration) (<-chan time.Time, func()) {
	if d <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(d)
	return t.C, t.Stop
}

// Sweep asks for repositories that are still wanted and removes what nobody
// needs any more.
func (k *Keeper) Sweep(ctx context.Context) error {
	st := k.hub.Store
	return errors.Join(
		k.RequestStale(ctx),
		k.ServeQueue(ctx),
		k.hub.UpdateRepoEnds(ctx),
		k.hub.RetireRepos(ctx),
		k.hub.RemoveOldRepos(ctx),
		st.ForgetPending(ctx),
		st.CleanRequests(ctx, k.hub.Repo.RequestCleanTime.Std().Seconds()),
	)
}

// RequestStale asks for new repositories of the tags whose latest one does not
// show them any more, and has the tasks that wait for builds look again.
func (k *Keeper) RequestStale(ctx context.Context) error {
	if err := k.hub.Store.WakeWaitrepo(ctx); err != nil {
		return err
	}
	stale, err := k.hub.Store.StaleRepos(ctx)
	if err != nil || len(stale) == 0 {
		return err
	}
	owner, err := k.hub.Store.EnsureUser(ctx, k.hub.Repo.QueueUser)
	if err != nil {
		return err
	}
	for _, s := range stale {
		w := store.WantedRepo{TagID: s.TagID, MinEvent: &s.Event, Opts: "{}", OwnerID: owner, Priority: hub.PriorityAuto, UnlessReady: true}
		if _, _, err := k.hub.Store.RequestRepo(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// ServeQueue makes newRepo tasks for requests that have none, and gives up those
// that failed too often.
func (k *Keeper) ServeQueue(ctx context.Context) error {
	requests, err := k.hub.Store.OpenRequests(ctx)
	if err != nil || len(requests) == 0 {
		return err
	}
	running, busy := 0, map[int64]bool{}
	for _, r := range requests {
		if r.TaskState != nil && !koji.TaskState(*r.TaskState).Finished() {
			busy[r.TagID] = true
			running++
		}
	}
	for _, r := range requests {
		if r.TaskID != nil && !koji.TaskState(*r.TaskState).Finished() {
			continue
		}
		if r.Tries > k.hub.Repo.Retries {
			if err := k.giveUp(ctx, r); err != nil {
				return err
			}
			continue
		}
		if busy[r.TagID] || running >= k.hub.Repo.MaxTasks {
			continue
		}
		if err := k.serve(ctx, r); err != nil {
			return err
		}
		busy[r.TagID] = true
		running++
	}
	return nil
}

func (k *Keeper) giveUp(ctx context.Context, r api.RepoRequest) error {
	k.log.WarnContext(ctx, "repository request given up", "request", r.ID, "tag", r.TagName, "tries", r.Tries, "task", r.TaskID)
	return k.hub.Store.InTx(ctx, func(ctx context.Context) error {
		if err := k.hub.Store.DropRequest(ctx, r.ID); err != nil {
			return err
		}
		return k.hub.Store.WakeWaitrepo(ctx)
	})
}

// taskPriority is the one of newRepo tasks: above that of builds, which wait for
// them. Which request is served first is decided before.
const taskPriority = 15

func (k *Keeper) serve(ctx context.Context, r api.RepoRequest) error {
	return k.hub.Store.InTx(ctx, func(ctx context.Context) error {
		kw := map[string]any{"__starstar": true}
		if r.AtEvent != nil {
			kw["event"] = *r.AtEvent
		}
		if len(r.Opts) > 0 {
			kw["opts"] = map[string]any(r.Opts)
		}
		args := []any{r.TagName}
		if len(kw) > 1 {
			args = append(args, kw)
		}
		task, err := k.hub.MakeTask(ctx, "newRepo", args, hub.TaskOpts{OwnerID: r.Owner, Priority: new(taskPriority), Channel: "createrepo"})
		if err != nil {
			return err
		}
		k.log.InfoContext(ctx, "repository requested", "tag", r.TagName, "request", r.ID, "task", task)
		return k.hub.Store.GiveRequestTask(ctx, r.ID, task)
	})
}
