package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindEvents(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetEvent, h.getEvent)
	rpc.Bind(r, api.GetLastEvent, h.getLastEvent)
	rpc.Bind(r, api.TagChangedSinceEvent, h.tagChangedSinceEvent)
	rpc.Bind(r, api.TagLastChangeEvent, h.tagLastChangeEvent)
	rpc.Bind(r, api.TagFirstChangeEvent, h.tagFirstChangeEvent)
}

func (h *Hub) getEvent(ctx context.Context, p api.GetEventParams) (*api.Event, error) {
	event, err := h.Store.EventByID(ctx, p.ID)
	return strictRow(event, err, p.Strict, "%s", errNoRow.Msg)
}

func (h *Hub) getLastEvent(ctx context.Context, p api.GetLastEventParams) (*api.Event, error) {
	var before *float64
	switch v := p.Before.(type) {
	case nil:
	case int64:
		f := float64(v)
		before = &f
	case float64:
		before = &v
	default:
		return nil, koji.GenericErrorf("Invalid type for before: <class '%s'>", xmlrpc.TypeName(v))
	}
	event, err := h.Store.LastEvent(ctx, before)
	return strictRow(event, err, p.Strict, "%s", errNoRow.Msg)
}

func (h *Hub) tagChangedSinceEvent(ctx context.Context, p api.TagChangedSinceEventParams) (bool, error) {
	return h.Store.TagsChangedSince(ctx, p.Event, p.TagList)
}

// tagSources lists what a tag's contents come from at an event: the tag, with
// inherit what it inherits from, and the external repositories of all of them.
func (h *Hub) tagSources(ctx context.Context, tagID int64, event *int64, inherit bool) (tags, repos []int64, err error) {
	chain, err := h.Store.Chain(ctx, tagID, event, inherit)
	if err != nil {
		return nil, nil, err
	}
	tags = chain.Tags()
	entries, err := h.Store.TagExternalRepos(ctx, store.TagRepoFilter{TagIDs: tags, Event: event})
	if err != nil {
		return nil, nil, err
	}
	repos = []int64{}
	for _, e := range entries {
		repos = append(repos, e.ExternalRepoID)
	}
	return tags, repos, nil
}

func (h *Hub) tagLastChangeEvent(ctx context.Context, p api.TagLastChangeEventParams) (*int64, error) {
	return h.TagLastChange(ctx, p.Tag, p.Before, p.Inherit)
}

// TagLastChange returns the last event that changed a tag, deleted or not, or
// with inherit anything that it inherits from; before limits it to earlier
// events. It is nil if there is none.
func (h *Hub) TagLastChange(ctx context.Context, info any, before *int64, inherit bool) (*int64, error) {
	tag, err := h.Tag(ctx, info, TagOptions{Strict: true, Deleted: true})
	if err != nil {
		return nil, err
	}
	if before == nil && tag.RevokeEvent != nil {
		return tag.RevokeEvent, nil
	}
	tags, repos, err := h.tagSources(ctx, tag.ID, before, inherit)
	if err != nil {
		return nil, err
	}
	last, err := h.Store.LastChange(ctx, tags, repos, before)
	if last != nil && tag.RevokeEvent != nil {
		*last = min(*last, *tag.RevokeEvent)
	}
	return last, err
}

func (h *Hub) tagFirstChangeEvent(ctx context.Context, p api.TagFirstChangeEventParams) (*int64, error) {
	return h.TagFirstChange(ctx, p.Tag, p.After, p.Inherit)
}

// TagFirstChange returns the first event after another that changed a tag or,
// with inherit, anything that it inherited from then; without after it is the
// event that created the tag. It is nil if there is none.
func (h *Hub) TagFirstChange(ctx context.Context, info any, after *int64, inherit bool) (*int64, error) {
	id, err := h.lookupID(ctx, store.Tags, info)
	if err != nil {
		return nil, err
	}
	created, err := h.Store.TagCreated(ctx, id)
	if err != nil || after == nil {
		return created, err
	}
	tags, repos, err := h.tagSources(ctx, id, after, inherit)
	if err != nil {
		return nil, err
	}
	first, err := h.Store.FirstChange(ctx, tags, repos, *after)
	if first != nil && created != nil {
		*first = max(*first, *created)
	}
	return first, err
}
