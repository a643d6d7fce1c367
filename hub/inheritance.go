package hub

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindInheritance(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetInheritanceData, h.getInheritanceData)
	rpc.Bind(r, api.SetInheritanceData, h.setInheritanceData)
	rpc.Bind(r, api.GetFullInheritance, h.getFullInheritance)
}

func (h *Hub) getInheritanceData(ctx context.Context, p api.TagEventParams) ([]api.InheritanceRule, error) {
	id, err := h.lookupID(ctx, store.Tags, p.Tag)
	if err != nil {
		return nil, err
	}
	return h.Store.Parents(ctx, id, p.Event)
}

func (h *Hub) getFullInheritance(ctx context.Context, p api.GetFullInheritanceParams) ([]api.InheritanceLink, error) {
	for name, v := range p.Removed {
		switch {
		case name != "stops" && name != "jumps":
			return nil, koji.ParameterErrorf("getFullInheritance() got an unexpected keyword argument '%s'", name)
		case xmlrpc.Truth(v):
			return nil, koji.ParameterErrorf("%s option has been removed since 1.26", name)
		}
	}
	id, ok := p.Tag.(int64)
	if !ok {
		var err error
		if id, err = h.lookupID(ctx, store.Tags, p.Tag); err != nil {
			return nil, err
		}
	}
	return h.Store.Inheritance(ctx, id, p.Event, store.InheritanceOptions{Reverse: p.Reverse})
}

func (h *Hub) setInheritanceData(ctx context.Context, p api.SetInheritanceDataParams) (rpc.None, error) {
	id, err := h.lookupID(ctx, store.Tags, p.Tag)
	if err != nil {
		return rpc.None{}, err
	}
	changes, err := h.linkChanges(ctx, p.Data)
	if err != nil {
		return rpc.None{}, err
	}
	old, err := h.Store.Parents(ctx, id, nil)
	if err != nil {
		return rpc.None{}, err
	}
	links := mergeLinks(old, changes, p.Clear)
	if !slices.ContainsFunc(links, func(l linkChange) bool { return l.changed }) {
		return rpc.None{}, nil
	}
	if err := checkPriorities(id, links); err != nil {
		return rpc.None{}, err
	}
	var gone []int64
	var add []api.InheritanceRule
	for _, l := range links {
		if !l.changed {
			continue
		}
		gone = append(gone, l.rule.ParentID)
		if !l.remove {
			add = append(add, l.rule)
		}
	}
	return rpc.None{}, h.Store.SetParents(ctx, id, gone, add)
}

// linkChange is what is to become of a tag's link to a parent.
type linkChange struct {
	rule    api.InheritanceRule
	remove  bool
	changed bool
}

// linkChanges reads what setInheritanceData is given.
func (h *Hub) linkChanges(ctx context.Context, data any) ([]linkChange, error) {
	list, ok := data.([]any)
	if !ok {
		list = []any{data}
	}
	var changes []linkChange
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, koji.ParameterErrorf("Invalid inheritance rule: %s", pyStr(item))
		}
		c := linkChange{remove: xmlrpc.Truth(m["delete link"])}
		needed := []string{"parent_id", "priority", "maxdepth", "intransitive", "noconfig", "pkg_filter"}
		if c.remove {
			needed = needed[:1]
		}
		for _, name := range needed {
			if _, ok := m[name]; !ok {
				return nil, koji.GenericErrorf("No value for %s", name)
			}
		}
		parent, err := h.Tag(ctx, m["parent_id"], TagOptions{Strict: true})
		if err != nil {
			return nil, err
		}
		if !c.remove {
			if err := rpc.Into(m, &c.rule); err != nil {
				return nil, err
			}
		}
		c.rule.ParentID = parent.ID
		changes = append(changes, c)
	}
	return changes, nil
}

// mergeLinks applies changes to a tag's links; clear removes those that the
// changes do not name. The answer has all links, in a stable order.
func mergeLinks(old []api.InheritanceRule, changes []linkChange, clear bool) []linkChange {
	var links []linkChange
	for _, rule := range old {
		links = append(links, linkChange{rule: rule})
	}
	for _, c := range changes {
		i := slices.IndexFunc(links, func(l linkChange) bool { return l.rule.ParentID == c.rule.ParentID })
		c.changed = true
		switch {
		case i < 0 && !c.remove:
			links = append(links, c)
		case i >= 0 && (c.remove || clear || !sameRule(links[i].rule, c.rule)):
			links[i] = c
		}
	}
	for i := range links {
		if clear && !links[i].changed {
			links[i].changed, links[i].remove = true, true
		}
	}
	return links
}

func sameRule(a, b api.InheritanceRule) bool {
	return a.Priority == b.Priority && a.Intransitive == b.Intransitive && a.NoConfig == b.NoConfig &&
		samePtr(a.MaxDepth, b.MaxDepth) && samePtr(a.PkgFilter, b.PkgFilter)
}

func samePtr[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// checkPriorities refuses two parents of the same priority: their order would
// be left to chance.
func checkPriorities(tagID int64, links []linkChange) error {
	parents := map[int64][]string{}
	for _, l := range links {
		if !l.remove {
			parents[l.rule.Priority] = append(parents[l.rule.Priority], fmt.Sprint(l.rule.ParentID))
		}
	}
	for _, l := range links {
		if same := parents[l.rule.Priority]; len(same) > 1 && !l.remove {
			return koji.GenericErrorf("Multiple parent tags ([%s]) cannot have the same priority value (%d) on child tag %d",
				strings.Join(same, ", "), l.rule.Priority, tagID)
		}
	}
	return nil
}
