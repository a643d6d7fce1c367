package store

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji/api"
)

// Parents lists a tag's own links to its parents by priority.
func (s *Store) Parents(ctx context.Context, tagID int64, event *int64) ([]api.InheritanceRule, error) {
	active, args := activeAt("i", event, []any{tagID})
	return database.All[api.InheritanceRule](ctx, s.DB, `
		SELECT i.intransitive, i.maxdepth, tag.name, i.noconfig, i.parent_id, i.pkg_filter, i.priority, i.tag_id AS child_id
		  FROM tag_inheritance i JOIN tag ON tag.id = i.parent_id
		 WHERE i.tag_id = $1::int8 AND `+active+`
		 ORDER BY i.priority`, args...)
}

// InheritanceOptions chooses the direction in which inheritance is followed.
type InheritanceOptions struct {
	Reverse bool // from the tag to those that inherit from it
}

// Inheritance lists what a tag inherits from at an event (nil: now) in the order
// in which it counts, the tag itself not included. A tag may come several times,
// when later links let through what earlier ones did not.
//
// One query fetches every link that can be reached; the rules apply to the paths
// (depth, intransitive links, loops, what was seen before), so that the walk
// over the links is done here.
func (s *Store) Inheritance(ctx context.Context, tagID int64, event *int64, opts InheritanceOptions) ([]api.InheritanceLink, error) {
	from, to := "tag_id", "parent_id"
	if opts.Reverse {
		from, to = to, from
	}
	inner, args := activeAt("i", event, []any{tagID})
	outer, args := activeAt("i", event, args)
	links, err := database.All[link](ctx, s.DB, `
		WITH RECURSIVE reached (id) AS (
			SELECT $1::int8
			UNION
			SELECT i.`+to+`::int8 FROM tag_inheritance i JOIN reached ON i.`+from+` = reached.id WHERE `+inner+`)
		SELECT i.`+from+` AS from_id, i.`+to+` AS to_id, tag.name, i.priority, i.maxdepth, i.intransitive, i.noconfig,
		       i.parent_id, i.pkg_filter
		  FROM tag_inheritance i JOIN reached ON i.`+from+` = reached.id JOIN tag ON tag.id = i.`+to+`
		 WHERE `+outer+`
		 ORDER BY i.priority, i.tag_id`, args...)
	if err != nil {
		return nil, err
	}
	w := walk{reverse: opts.Reverse, links: map[int64][]link{}, seen: map[int64][]visit{}}
	for _, l := range links {
		w.links[l.From] = append(w.links[l.From], l)
	}
	w.follow(tagID, path{})
	return w.order, nil
}

// link is a row of tag_inheritance, seen in the direction of the walk.
type link struct {
	From         int64   `db:"from_id"`
	To           int64   `db:"to_id"`
	Name         string  `db:"name"` // of To
	Priority     int64   `db:"priority"`
	MaxDepth     *int64  `db:"maxdepth"`
	Intransitive bool    `db:"intransitive"`
	NoConfig     bool    `db:"noconfig"`
	ParentID     int64   `db:"parent_id"`
	PkgFilter    *string `db:"pkg_filter"`
}

// path is how the walk came to a tag.
type path struct {
	tags     []int64 // from the root to the tag before
	maxDepth *int64  // generations that may follow; nil is any number
	noConfig bool
	filter   []string
}

// visit is what an earlier link let through.
type visit struct {
	nextDepth *int64
	noConfig  bool
	filtered  bool
}

type walk struct {
	reverse bool
	links   map[int64][]link
	seen    map[int64][]visit
	order   []api.InheritanceLink
}

// follow visits the links of a tag, depth first.
func (w *walk) follow(tagID int64, p path) {
	if p.maxDepth != nil && *p.maxDepth < 1 {
		return
	}
	p.tags = append(slices.Clip(p.tags), tagID)
	for _, l := range w.links[tagID] {
		if slices.Contains(p.tags, l.To) { // a loop ends here
			continue
		}
		next, ok := w.nextDepth(l, p)
		if !ok {
			continue
		}
		// Koji: once a link is noconfig, so are its later siblings.
		p.noConfig = p.noConfig || l.NoConfig
		filter := slices.Clip(p.filter)
		if l.PkgFilter != nil && *l.PkgFilter != "" {
			filter = append(filter, *l.PkgFilter)
		}
		if w.covered(l.To, visit{next, p.noConfig, len(filter) > 0}) {
			continue
		}
		w.seen[l.To] = append(w.seen[l.To], visit{next, l.NoConfig, len(filter) > 0})
		w.order = append(w.order, w.entry(l, next, len(p.tags), filter))
		if l.Intransitive && w.reverse {
			continue
		}
		w.follow(l.To, path{p.tags, next, p.noConfig, filter})
	}
}

// nextDepth returns how many generations may follow after the link (nil: any
// number), or false if the link does not count on this path.
func (w *walk) nextDepth(l link, p path) (*int64, bool) {
	depth := int64(len(p.tags))
	if w.reverse {
		// The root may be too far away, but the limit does not add up.
		return nil, l.MaxDepth == nil || *l.MaxDepth >= depth-1
	}
	if l.Intransitive && depth > 1 {
		return nil, false
	}
	next := l.MaxDepth
	if p.maxDepth != nil {
		left := *p.maxDepth
		if next != nil {
			left = min(left, *next)
		}
		left--
		next = &left
	}
	return next, true
}

// covered tells whether an earlier visit let through all that this one would.
func (w *walk) covered(tagID int64, v visit) bool {
	return slices.ContainsFunc(w.seen[tagID], func(old visit) bool {
		shallower := old.nextDepth != nil && (v.nextDepth == nil || *old.nextDepth < *v.nextDepth)
		return !shallower && (!old.noConfig || v.noConfig) && !old.filtered
	})
}

func (w *walk) entry(l link, next *int64, depth int, filter []string) api.InheritanceLink {
	rule := api.InheritanceRule{
		Intransitive: l.Intransitive, MaxDepth: l.MaxDepth, Name: l.Name, NoConfig: l.NoConfig,
		ParentID: l.ParentID, PkgFilter: l.PkgFilter, Priority: l.Priority,
	}
	if w.reverse {
		rule.TagID = &l.To
	} else {
		rule.ChildID = &l.From
	}
	return api.InheritanceLink{InheritanceRule: rule, NextDepth: next, CurrDepth: int64(depth), Filter: slices.Clone(filter)}
}

// Chain is a tag and what it inherits from, for queries that follow inheritance.
type Chain []ChainLink

// ChainLink is one tag of a Chain.
type ChainLink struct {
	Pos    int      `json:"pos"` // 0 for the tag itself; low counts first
	TagID  int64    `json:"tag_id"`
	Filter []string `json:"filter"` // each must match the name of a package that comes this way
}

// Chain returns a tag followed, if inherit is set, by what it inherits from.
func (s *Store) Chain(ctx context.Context, tagID int64, event *int64, inherit bool) (Chain, error) {
	chain := Chain{{TagID: tagID, Filter: []string{}}}
	if !inherit {
		return chain, nil
	}
	links, err := s.Inheritance(ctx, tagID, event, InheritanceOptions{})
	if err != nil {
		return nil, err
	}
	for i, l := range links {
		chain = append(chain, ChainLink{Pos: i + 1, TagID: l.ParentID, Filter: append([]string{}, l.Filter...)})
	}
	return chain, nil
}

// Filtered tells whether any link of the chain lets only some packages through.
func (c Chain) Filtered() bool {
	return slices.ContainsFunc(c, func(l ChainLink) bool { return len(l.Filter) > 0 })
}

// Tags lists the ids of the chain's tags, each once, in their order.
func (c Chain) Tags() []int64 {
	var ids []int64
	for _, l := range c {
		if !slices.Contains(ids, l.TagID) {
			ids = append(ids, l.TagID)
		}
	}
	return ids
}

// join makes the chain the table "chain" of a query: columns pos, tag_id and
// filter. The column is what holds the tag's id in the query's other tables.
func (c Chain) join(q *query.Select, column string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	q.Join("jsonb_to_recordset(?::jsonb) AS chain (pos int, tag_id int, filter text[]) ON chain.tag_id = "+column, string(text))
	return nil
}

// admits is the condition that the filters of a chain's link let a package
// through. Filters match from the start of the name, as Python's re.match does,
// but are PostgreSQL's regular expressions, which know more than Go's.
const admits = `NOT EXISTS (SELECT FROM unnest(chain.filter) AS f WHERE package.name !~ ('^(' || f || ')'))`
