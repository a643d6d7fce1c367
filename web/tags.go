package web

import (
	"net/http"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// tagList is a list of tags with its filter.
type tagList struct {
	*listing
	Rows   []api.ListedTag
	Filter bool
}

func (s *Site) loadTags(r *http.Request) (*view, error) {
	l, err := newListing(r, "name", "id")
	if err != nil {
		return nil, err
	}
	p := api.ListTagsParams{Perms: true, QueryOpts: l.options("id")}
	if q := l.Get("q"); q != "" {
		if !strings.ContainsAny(q, "*?") {
			q = "*" + q + "*"
		}
		p.Pattern = &q
	}
	rows, err := rpc.Invoke(r.Context(), s.opts.Caller, api.ListTags, p)
	if err != nil {
		return nil, err
	}
	return &view{Title: "Tags", Body: &tagList{l, cut(l, rows.List), l.Get("q") != ""}}, nil
}

// tagPage is all about one tag.
type tagPage struct {
	*listing
	Tag       *api.Tag
	Extra     *node
	Parents   []api.InheritanceLink
	BuildsFor []api.BuildTarget // targets that build from the tag
	GetsFrom  []api.BuildTarget // targets whose builds go into it
	Inherit   bool              // builds of the parents are shown, too
	Total     int64
	Builds    []api.TaggedBuild
}

func (s *Site) loadTag(r *http.Request) (*view, error) {
	name := strings.TrimPrefix(r.PathValue("name"), "/")
	l, err := newListing(r, "-completion_time", "name", "owner_name")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, badRequest("The page Tags lists them all.", "The address does not say which tag to show.")
	}
	tag, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetTag, api.GetTagParams{TagInfo: idOrName(name)})
	if err != nil {
		return nil, err
	}
	if tag == nil {
		return nil, notFound("The page Tags lists them all; names are written exactly.", "There is no tag %s.", name)
	}
	p := &tagPage{listing: l, Tag: tag, Extra: shape(map[string]any(tag.Extra)), Inherit: l.Get("inherit") != ""}
	return &view{Title: tag.Name, Body: p}, s.tagContent(r, p)
}

func (s *Site) tagContent(r *http.Request, p *tagPage) error {
	id := p.Tag.ID
	opts := p.options("name")
	opts["order"] = p.Order // one key is all that it takes
	var b rpc.Batch
	parents := rpc.Add(&b, api.GetFullInheritance, api.GetFullInheritanceParams{Tag: id})
	from := rpc.Add(&b, api.GetBuildTargets, api.GetBuildTargetsParams{BuildTagID: id, QueryOpts: map[string]any{"order": "name"}})
	to := rpc.Add(&b, api.GetBuildTargets, api.GetBuildTargetsParams{DestTagID: id, QueryOpts: map[string]any{"order": "name"}})
	builds := rpc.Add(&b, api.CountAndFilterResults, api.FilterParams{
		MethodName: api.ListTagged.Name, Args: []any{id}, Opts: map[string]any{"inherit": p.Inherit, "latest": true, "filterOpts": opts},
	})
	if err := s.do(r, &b); err != nil {
		return err
	}
	if err := firstError(parents.Err, from.Err, to.Err, builds.Err); err != nil {
		return err
	}
	p.Parents, p.BuildsFor, p.GetsFrom = parents.Value, from.Value.List, to.Value.List
	if len(builds.Value) != 2 {
		return koji.GenericErrorf("countAndFilterResults has %d values", len(builds.Value))
	}
	if err := rpc.Into(builds.Value[0], &p.Total); err != nil {
		return err
	}
	if err := rpc.Into(builds.Value[1], &p.Builds); err != nil {
		return err
	}
	p.Builds = cut(p.listing, p.Builds)
	return nil
}

// targetList is the list of build targets.
type targetList struct {
	Rows []api.BuildTarget
}

func (s *Site) loadTargets(r *http.Request) (*view, error) {
	rows, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetBuildTargets,
		api.GetBuildTargetsParams{QueryOpts: map[string]any{"order": "name"}})
	return &view{Title: "Targets", Body: &targetList{rows.List}}, err
}
