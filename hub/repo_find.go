package hub

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// RepoSearch is the answer of FindRepo.
type RepoSearch struct {
	Repo *tasks.RepoInfo // one that will do; nil if there is none yet
	// Want is the request with what "last" means resolved: asking with it again
	// asks for the same.
	Want   tasks.WaitrepoParams
	Reason string // why there is none
}

// FindRepo looks for a ready repository that satisfies what a task wants. If
// there is none it asks for one on the account of owner, unless builds that it
// is to hold are not even tagged. The hub wakes waitrepo tasks when that may
// have changed.
func (h *Hub) FindRepo(ctx context.Context, taskID, owner int64, want tasks.WaitrepoParams) (RepoSearch, error) {
	tag, err := h.Tag(ctx, want.Tag.Value(), TagOptions{Strict: true})
	if err != nil {
		return RepoSearch{}, err
	}
	found := RepoSearch{Want: want}
	found.Want.Tag, found.Want.NewerThan = tasks.Ref{Name: tag.Name}, nil
	missing, err := h.notTagged(ctx, tag.ID, want.NVRs, nil)
	if err != nil {
		return found, err
	}
	if len(missing) > 0 {
		found.Reason = fmt.Sprintf("waiting for %s to be tagged into %s", strings.Join(missing, ", "), tag.Name)
		return found, nil
	}
	min, err := h.wantedEvent(ctx, tag, want)
	if err != nil {
		return found, err
	}
	if min != nil {
		found.Want.MinEvent = *min
	}
	repo, err := h.Store.LatestRepo(ctx, store.RepoFilter{TagID: tag.ID, State: new(int(koji.RepoReady)), MinEvent: min, Opts: "{}"})
	if err != nil {
		return found, err
	}
	if repo != nil {
		if ok, err := h.holds(ctx, repo, want.NVRs); err != nil || ok {
			found.Repo = repoInfoOf(repo)
			return found, err
		}
		// The builds were tagged after it was made.
		if min, err = h.TagLastChange(ctx, tag.ID, nil, true); err != nil {
			return found, err
		}
		found.Want.MinEvent = *min
	}
	wanted := store.WantedRepo{TagID: tag.ID, MinEvent: min, Opts: "{}", OwnerID: owner, Priority: PriorityDefault}
	return h.askForRepo(ctx, tag, taskID, wanted, found)
}

// askForRepo makes a request or finds the active one. A task does not ask again
// for what was given up while it waited.
func (h *Hub) askForRepo(ctx context.Context, tag *api.Tag, taskID int64, wanted store.WantedRepo, found RepoSearch) (RepoSearch, error) {
	gone, err := h.Store.GivenUpRequest(ctx, wanted, taskID)
	if err != nil {
		return found, err
	}
	if gone != nil {
		return found, koji.GenericErrorf("Request %d for a repository of %s was given up after %d tries, the last of which is task %s",
			gone.ID, tag.Name, gone.Tries, optionalID(gone.TaskID)).WithKind(koji.KindInfrastructure)
	}
	req, _, err := h.Store.RequestRepo(ctx, wanted)
	if err != nil {
		return found, err
	}
	found.Reason = fmt.Sprintf("waiting for a repository of %s (request %d", tag.Name, req.ID)
	if req.TaskID != nil {
		found.Reason += fmt.Sprintf(", task %d", *req.TaskID)
	}
	found.Reason += ")"
	return found, nil
}

// wantedEvent is the event that the repository must not be older than. JSON has
// made a float64 of a number.
func (h *Hub) wantedEvent(ctx context.Context, tag *api.Tag, want tasks.WaitrepoParams) (*int64, error) {
	if want.NewerThan != nil {
		if want.MinEvent != nil {
			return nil, koji.GenericErrorf("newer_than and min_event args confict")
		}
		return h.newerThan(ctx, tag, want.NewerThan)
	}
	switch min := want.MinEvent.(type) {
	case nil:
		return h.defaultMinEvent(ctx, tag)
	case int64:
		return &min, nil
	case float64:
		return new(int64(min)), nil
	case string:
		if min == "last" {
			return h.TagLastChange(ctx, tag.ID, nil, true)
		}
	}
	return nil, koji.GenericErrorf("Invalid value for min_event: %v", want.MinEvent)
}

// newerThan resolves the old form of min_event: "now", or a time in seconds.
func (h *Hub) newerThan(ctx context.Context, tag *api.Tag, v any) (*int64, error) {
	var at float64
	switch v := v.(type) {
	case string:
		if strings.EqualFold(v, "now") {
			return h.TagLastChange(ctx, tag.ID, nil, true)
		}
		return nil, koji.GenericErrorf("Invalid value for newer_than: %s", v)
	case int64:
		at = float64(v)
	case float64:
		at = v
	default:
		return nil, koji.GenericErrorf("Invalid value for newer_than: %v", v)
	}
	base, err := h.Store.LastEvent(ctx, &at)
	if err != nil {
		return nil, err
	}
	if base != nil {
		tags, repos, err := h.tagSources(ctx, tag.ID, nil, true)
		if err != nil {
			return nil, err
		}
		if first, err := h.Store.FirstChange(ctx, tags, repos, base.ID); err != nil || first != nil {
			return first, err
		}
	}
	return h.TagLastChange(ctx, tag.ID, nil, true)
}

// notTagged lists those of the NVRs that are not in the tag or what it inherits.
func (h *Hub) notTagged(ctx context.Context, tagID int64, nvrs []string, event *int64) (missing []string, err error) {
	if len(nvrs) == 0 {
		return nil, nil
	}
	builds, err := loaded(h.Store.TaggedBuilds(ctx, store.TaggedFilter{TagID: tagID, Event: event, Inherit: true}))
	if err != nil {
		return nil, err
	}
	for _, nvr := range nvrs {
		if !slices.ContainsFunc(builds, func(b api.TaggedBuild) bool { return b.NVR == nvr }) {
			missing = append(missing, nvr)
		}
	}
	return missing, nil
}

// holds tells whether a repository has all of the builds in it.
func (h *Hub) holds(ctx context.Context, repo *api.Repo, nvrs []string) (bool, error) {
	if len(nvrs) == 0 {
		return true, nil
	}
	missing, err := h.notTagged(ctx, repo.TagID, nvrs, &repo.CreateEvent)
	if err != nil || len(missing) > 0 {
		return false, err
	}
	missed, err := h.Store.HasMissed(ctx, repo.ID)
	return !missed, err
}

// UsableRepo returns a repository that a build may name: a ready one, or one
// that was.
func (h *Hub) UsableRepo(ctx context.Context, id int64) (tasks.RepoInfo, error) {
	repo, err := h.Store.Repo(ctx, id)
	if err != nil {
		return tasks.RepoInfo{}, err
	}
	if repo == nil {
		return tasks.RepoInfo{}, koji.BuildErrorf("No such repo: %d", id)
	}
	if s := koji.RepoState(repo.State); s != koji.RepoReady && s != koji.RepoExpired {
		return tasks.RepoInfo{}, koji.BuildErrorf("Bad repo: %d (%s)", id, s)
	}
	return *repoInfoOf(repo), nil
}

func repoInfoOf(r *api.Repo) *tasks.RepoInfo {
	return &tasks.RepoInfo{
		ID: r.ID, TagID: r.TagID, TagName: r.TagName, State: r.State, CreateEvent: r.CreateEvent, CreateTS: r.CreateTS,
		CreationTime: r.CreationTime.String(), BeginEvent: r.BeginEvent, EndEvent: r.EndEvent, Dist: r.Dist, TaskID: r.TaskID,
	}
}
