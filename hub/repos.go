package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindRepos(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.NewRepo, h.newRepo)
	rpc.Bind(r, api.GetRepo, h.getRepo)
	rpc.Bind(r, api.RepoInfo, h.repoInfo)
	rpc.Bind(r, api.RepoGet, h.repoGet)
	rpc.Bind(r, api.RepoRequestMethod, h.repoRequest)
	rpc.Bind(r, api.RepoCheckRequest, h.repoCheckRequest)
	bindRepoStates(r, h)
	bindHostRepos(r, h)
}

// newRepo makes a newRepo task for a client.
func (h *Hub) newRepo(ctx context.Context, p api.NewRepoParams) (int64, error) {
	if !h.Repo.AllowNewRepo && !session.From(ctx).HasPerm("admin") {
		return 0, koji.ActionNotAllowedf("The newRepo call is disabled. Request a repo with repo.request instead")
	}
	if _, err := h.Tag(ctx, p.Tag, TagOptions{Strict: true, Event: p.Event}); err != nil {
		return 0, err
	}
	kw := map[string]any{}
	for name, on := range map[string]bool{"src": p.Src, "debuginfo": p.Debuginfo, "separate_src": p.SeparateSrc} {
		if on {
			kw[name] = true
		}
	}
	if p.Event != nil {
		kw["event"] = *p.Event
	}
	args := []any{p.Tag}
	if len(kw) > 0 {
		args = append(args, xmlrpc.Keywords(kw))
	}
	return h.MakeTask(ctx, "newRepo", args, TaskOpts{Priority: new(15), Channel: "createrepo"})
}

func (h *Hub) getRepo(ctx context.Context, p api.GetRepoParams) (*api.Repo, error) {
	tagID, err := h.lookupID(ctx, store.Tags, p.Tag)
	if err != nil {
		return nil, err
	}
	f := store.RepoFilter{TagID: tagID, Dist: p.Dist, MinEvent: p.MinEvent}
	switch {
	case p.Event != nil && *p.Event != 0: // Koji: event 0 is none
		f.MaxEvent = p.Event
	case p.State != nil:
		f.State = new(int(*p.State))
	default:
		f.State = new(int(koji.RepoReady))
	}
	return h.Store.LatestRepo(ctx, f)
}

func (h *Hub) repoInfo(ctx context.Context, p api.RepoInfoParams) (*api.Repo, error) {
	r, err := h.Store.Repo(ctx, p.RepoID)
	if err == nil && r == nil && p.Strict {
		err = koji.GenericErrorf("query returned no rows")
	}
	return r, err
}

func (h *Hub) repoGet(ctx context.Context, p api.RepoGetParams) (*api.Repo, error) {
	tag, err := h.lookupID(ctx, store.Tags, p.Tag) // of a deleted one, too
	if err != nil {
		return nil, err
	}
	opts, err := repoOpts(p.Opts)
	if err != nil {
		return nil, err
	}
	f := readyRepo(tag, opts)
	f.AtEvent = p.AtEvent
	if p.AtEvent == nil {
		f.MinEvent = p.MinEvent
	}
	return h.Store.LatestRepo(ctx, f)
}

// readyRepo is the filter for repositories that have all of the options and no
// custom ones beside.
func readyRepo(tagID int64, opts map[string]bool) store.RepoFilter {
	return store.RepoFilter{TagID: tagID, State: new(int(koji.RepoReady)), Opts: asJSON(opts)}
}

func asJSON(v any) string {
	if m, ok := v.(map[string]bool); ok && m == nil {
		return "{}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("hub: %T is not JSON: %v", v, err)) // maps of strings and booleans are
	}
	return string(text)
}

func (h *Hub) repoRequest(ctx context.Context, p api.RepoRequestParams) (api.RepoAnswer, error) {
	var none api.RepoAnswer
	tag, err := h.Tag(ctx, p.Tag, TagOptions{Strict: true})
	if err != nil {
		return none, err
	}
	opts, err := repoOpts(p.Opts)
	if err != nil {
		return none, err
	}
	priority := PriorityDefault
	if p.Priority != nil {
		if *p.Priority < 0 && !session.From(ctx).HasPerm("admin") {
			return none, koji.ActionNotAllowedf("only admins may create high-priority requests")
		}
		priority += int(*p.Priority)
	}
	w := store.WantedRepo{TagID: tag.ID, AtEvent: p.AtEvent, Opts: asJSON(opts), OwnerID: session.From(ctx).UserID, Priority: priority}
	if w.MinEvent, err = h.requestedEvent(ctx, tag, p.MinEvent, p.AtEvent); err != nil {
		return none, err
	}
	if !p.Force {
		f := readyRepo(tag.ID, opts)
		f.AtEvent, f.MinEvent = w.AtEvent, w.MinEvent
		repo, err := h.Store.LatestRepo(ctx, f)
		if err != nil || repo != nil {
			return api.RepoAnswer{Repo: repo, Duplicate: new(false)}, err
		}
	}
	req, duplicate, err := h.Store.RequestRepo(ctx, w)
	return api.RepoAnswer{Request: req, Duplicate: &duplicate}, err
}

// requestedEvent checks the events of a request and resolves the minimal one;
// it is nil when the request is for a certain event.
func (h *Hub) requestedEvent(ctx context.Context, tag *api.Tag, min any, at *int64) (*int64, error) {
	if at != nil {
		if min != nil {
			return nil, koji.ParameterErrorf("The min_event and at_event options conflict")
		}
		return nil, h.checkEvent(ctx, *at)
	}
	switch min := min.(type) {
	case nil:
		return h.defaultMinEvent(ctx, tag)
	case int64:
		return &min, h.checkEvent(ctx, min)
	case string:
		if min == "last" {
			return h.TagLastChange(ctx, tag.ID, nil, true)
		}
	}
	return nil, koji.ParameterErrorf("Invalid value for min_event: %v", min)
}

func (h *Hub) checkEvent(ctx context.Context, id int64) error {
	e, err := h.Store.EventByID(ctx, id)
	if err == nil && e == nil {
		err = koji.ParameterErrorf("Invalid event: %d", id)
	}
	return err
}

// defaultMinEvent is the event that a request without one has: the tag's last
// change, or one that is older by no more than the lag that is configured, or
// that the tag's extra setting repo.lag gives in seconds.
func (h *Hub) defaultMinEvent(ctx context.Context, tag *api.Tag) (*int64, error) {
	lag := h.Repo.Lag.Std()
	if own, ok := tag.Extra["repo.lag"].(int64); ok {
		lag = time.Duration(own) * time.Second
	}
	return h.laggingEvent(ctx, tag.ID, lag)
}

// laggingEvent is a tag's last change, or an older event that happened so long
// ago. It is rounded down, so that requests that come soon after another want
// the same.
func (h *Hub) laggingEvent(ctx context.Context, tagID int64, lag time.Duration) (*int64, error) {
	last, err := h.TagLastChange(ctx, tagID, nil, true)
	if err != nil || last == nil {
		return last, err
	}
	base := float64(h.Now().Unix()) - lag.Seconds()
	if window := h.Repo.LagWindow.Std().Seconds(); window > 0 {
		base = float64(int64(base/window)) * window
	}
	e, err := h.Store.LastEvent(ctx, &base)
	if err != nil {
		return nil, err
	}
	if e == nil { // everything is newer
		first, err := h.TagFirstChange(ctx, tagID, nil, true)
		if err != nil || first == nil {
			return last, err
		}
		e = &api.Event{ID: *first}
	}
	return new(min(e.ID, *last)), nil
}

func (h *Hub) repoCheckRequest(ctx context.Context, p api.RepoCheckParams) (a api.RepoAnswer, err error) {
	if a.Request, err = h.Store.RepoRequest(ctx, p.ReqID); err != nil {
		return a, err
	}
	switch {
	case a.Request == nil:
		return a, koji.GenericErrorf("No such request")
	case a.Request.RepoID != nil:
		a.Repo, err = h.Store.Repo(ctx, *a.Request.RepoID)
	case a.Request.TaskID != nil:
		a.Task, err = h.Store.Task(ctx, *a.Request.TaskID)
	}
	return a, err
}

// repoOptNames are the options that a repository may have.
var repoOptNames = []string{"src", "debuginfo", "separate_src", "maven"}

// repoOpts checks a client's options. nil values count as not given.
func repoOpts(opts map[string]any) (map[string]bool, error) {
	checked := map[string]bool{}
	for name, v := range opts {
		if !slices.Contains(repoOptNames, name) {
			return nil, koji.ParameterErrorf("Invalid repo option: %s", name)
		}
		switch v := v.(type) {
		case nil:
		case bool:
			checked[name] = v
		case int64:
			checked[name] = v != 0
		default:
			return nil, koji.ParameterErrorf("Invalid type for value '%v': %T, expected type <class 'bool'>", v, v)
		}
	}
	return checked, nil
}

// effectiveRepoOpts are the options of a tag's repository, by configuration,
// the tag's extra setting repo.opts and the override; custom are those of the
// override that made a difference.
func (h *Hub) effectiveRepoOpts(tag *api.Tag, override map[string]bool) (opts, custom map[string]bool) {
	opts = map[string]bool{
		"src": matchAny(h.Repo.SourceTags, tag.Name), "debuginfo": matchAny(h.Repo.DebuginfoTags, tag.Name),
		"separate_src": matchAny(h.Repo.SeparateSourceTags, tag.Name), "maven": false,
	}
	own, _ := tag.Extra["repo.opts"].(map[string]any)
	if v, ok := tag.Extra["with_debuginfo"].(bool); ok && own == nil {
		opts["debuginfo"] = v
	}
	for _, name := range repoOptNames {
		if v, ok := own[name].(bool); ok {
			opts[name] = v
		}
	}
	custom = map[string]bool{}
	for name, v := range override {
		if opts[name] != v {
			opts[name], custom[name] = v, v
		}
	}
	return opts, custom
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}
