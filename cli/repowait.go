package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// repoWaiter waits for a repository of a tag.
type repoWaiter struct {
	*app
	hub     *hub
	tag     *api.Tag
	builds  []koji.NVR     // that have to be in it
	opts    map[string]any // of the repository; nil for the tag's own
	atEvent *int64         // that it has to show; nil for any
	verbose bool
	start   time.Time
	timeout time.Duration
}

func (a *app) newRepoWaiter(h *hub, tag *api.Tag, minutes int, verbose bool) *repoWaiter {
	return &repoWaiter{app: a, hub: h, tag: tag, verbose: verbose, start: a.Now(), timeout: time.Duration(minutes) * time.Minute}
}

func (w *repoWaiter) info(format string, args ...any) {
	if w.verbose && !w.global.quiet {
		printf(w.Stdout, format+"\n", args...)
	}
}

// lastChange returns the event that changed the tag last.
func (w *repoWaiter) lastChange(ctx context.Context) (*int64, error) {
	return rpc.Invoke(ctx, w.hub, api.TagLastChangeEvent, api.TagLastChangeEventParams{Tag: w.tag.ID, Inherit: true})
}

// request asks the hub for a repository not older than an event.
func (w *repoWaiter) request(ctx context.Context, minEvent *int64) (api.RepoAnswer, error) {
	w.info("Requesting a repo")
	p := api.RepoRequestParams{Tag: w.tag.ID, AtEvent: w.atEvent, Opts: w.opts}
	if minEvent != nil {
		p.MinEvent = *minEvent
	}
	return rpc.Invoke(ctx, w.hub, api.RepoRequestMethod, p)
}

// wait waits for a repository that is not older than an event and has the
// builds. With makeRequest it asks for one, else it waits until there is one.
func (w *repoWaiter) wait(ctx context.Context, minEvent *int64, makeRequest bool) (*api.Repo, error) {
	w.info("Waiting on repo for %s", w.tag.Name)
	for {
		if !makeRequest {
			repo, err := rpc.Invoke(ctx, w.hub, api.RepoGet, api.RepoGetParams{Tag: w.tag.ID, MinEvent: minEvent, Opts: w.opts})
			if err != nil {
				return nil, err
			}
			if ok, err := w.fits(ctx, repo); ok || err != nil {
				return repo, err
			}
		}
		if len(w.builds) > 0 {
			// A repository of a tag that lacks the builds would be of no use.
			if err := w.waitBuilds(ctx); err != nil {
				return nil, err
			}
			last, err := w.lastChange(ctx)
			if err != nil {
				return nil, err
			}
			minEvent = last
		}
		if makeRequest {
			repo, err := w.requested(ctx, minEvent)
			if err != nil {
				return nil, err
			}
			if ok, err := w.fits(ctx, repo); ok || err != nil {
				return repo, err
			}
			if minEvent, err = w.lastChange(ctx); err != nil {
				return nil, err
			}
		}
		if err := w.pause(ctx, "a new "+w.tag.Name+" repo"); err != nil {
			return nil, err
		}
	}
}

// requested makes a request and waits for its repository.
func (w *repoWaiter) requested(ctx context.Context, minEvent *int64) (*api.Repo, error) {
	answer, err := w.request(ctx, minEvent)
	if err != nil || answer.Repo != nil || answer.Request == nil {
		return answer.Repo, err
	}
	w.info("Got request: %d", answer.Request.ID)
	return w.waitRequest(ctx, answer.Request)
}

// waitRequest waits until a request is fulfilled.
func (w *repoWaiter) waitRequest(ctx context.Context, r *api.RepoRequest) (*api.Repo, error) {
	for {
		answer, err := rpc.Invoke(ctx, w.hub, api.RepoCheckRequest, api.RepoCheckParams{ReqID: r.ID})
		if err != nil || answer.Repo != nil {
			return answer.Repo, err
		}
		now := answer.Request
		if now == nil || !now.Active {
			return nil, w.endedRequest(now)
		}
		if deref(now.TaskID) != deref(r.TaskID) || now.Tries != r.Tries {
			w.info("Request updated: task %s, attempt %d", orNone(now.TaskID), now.Tries)
		}
		r = now
		if err := w.pause(ctx, "a new "+w.tag.Name+" repo"); err != nil {
			return nil, err
		}
	}
}

// endedRequest is the error for a request that ended without a repository.
func (w *repoWaiter) endedRequest(r *api.RepoRequest) error {
	if r != nil && r.TaskID != nil && r.TaskState != nil {
		printf(w.Stdout, "Task %d state is %s\n", *r.TaskID, koji.TaskState(*r.TaskState))
	}
	return koji.GenericErrorf("Repo request no longer active")
}

// waitBuilds waits until all builds are in the tag.
func (w *repoWaiter) waitBuilds(ctx context.Context) error {
	names := make([]string, len(w.builds))
	for i, b := range w.builds {
		names[i] = b.String()
	}
	list := strings.Join(names, ", ")
	w.info("Waiting for nvrs %s in tag %s", list, w.tag.Name)
	for {
		ok, err := w.tagged(ctx, nil)
		if ok || err != nil {
			return err
		}
		if err := w.pause(ctx, list+" to appear in the "+w.tag.Name+" repo"); err != nil {
			return err
		}
	}
}

// tagged reports whether the tag has all the builds, now or at an event.
func (w *repoWaiter) tagged(ctx context.Context, event *int64) (bool, error) {
	for _, b := range w.builds {
		p := api.ListTaggedParams{Tag: w.tag.ID, Event: event, Package: &b.Name, Inherit: true, Latest: false, Strict: true}
		builds, err := rpc.Invoke(ctx, w.hub, api.ListTagged, p)
		if err != nil {
			return false, err
		}
		found := false
		for _, t := range builds {
			found = found || t.Version == b.Version && t.Release == b.Release
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}

// fits reports whether a repository is there and has the builds.
func (w *repoWaiter) fits(ctx context.Context, repo *api.Repo) (bool, error) {
	if repo == nil || repo.TagID != w.tag.ID {
		return false, nil
	}
	return w.tagged(ctx, &repo.CreateEvent)
}

// pause waits before the next look, unless the time is over.
func (w *repoWaiter) pause(ctx context.Context, what string) error {
	if took := w.Now().Sub(w.start); took >= w.timeout {
		s := int(took.Seconds())
		return koji.GenericErrorf("Unsuccessfully waited %s for %s", fmt.Sprintf("%d:%02d", s/60, s%60), what)
	}
	return sleep(ctx, w.hub.profile.PollInterval)
}
