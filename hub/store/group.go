package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// GroupOptions says what to read of the groups of a tag.
type GroupOptions struct {
	Event      *int64
	Inherit    bool
	NoPackages bool
	NoRequires bool
	Blocked    bool // return blocked groups, packages and needed groups, too
}

// TagGroups lists the groups of a tag with their packages and the groups that
// they need: of each the entry that counts there. Nothing is read for a blocked
// group, and no group is needed that the tag does not have or that is blocked.
func (s *Store) TagGroups(ctx context.Context, tagID int64, o GroupOptions) ([]api.TagGroup, error) {
	chain, err := s.Chain(ctx, tagID, o.Event, o.Inherit)
	if err != nil {
		return nil, err
	}
	tags := chain.Tags()
	all, err := groupRows[api.TagGroup](ctx, s, tags, o.Event, "group_config", `
		g.group_id, groups.name, g.tag_id, g.blocked, g.exported, g.display_name, g.is_default, g.uservisible,
		g.description, g.langonly, g.biarchonly FROM group_config g JOIN groups ON groups.id = g.group_id`, "g.create_event, g.group_id")
	if err != nil {
		return nil, err
	}
	set := newGroupSet(all)
	if !o.NoPackages {
		packages, err := groupRows[api.GroupPackage](ctx, s, tags, o.Event, "group_package_listing", `
			g.group_id, g.tag_id, g.package, g.blocked, g.type, g.basearchonly, g.requires FROM group_package_listing g`, "g.group_id, g.package")
		if err != nil {
			return nil, err
		}
		set.addPackages(packages, o.Blocked)
	}
	if !o.NoRequires {
		requires, err := groupRows[api.GroupReq](ctx, s, tags, o.Event, "group_req_listing", `
			g.group_id, g.tag_id, g.req_id, g.blocked, g.type, g.is_metapkg, groups.name
			FROM group_req_listing g JOIN groups ON groups.id = g.req_id`, "g.group_id, g.req_id")
		if err != nil {
			return nil, err
		}
		set.addRequires(requires, o.Blocked)
	}
	return set.list(o.Blocked), nil
}

// groupRows reads rows of one of the tables of groups, which the statement calls
// g, of all the tags, those of the first tag first.
func groupRows[T any](ctx context.Context, s *Store, tags []int64, event *int64, table, columns, order string) ([]T, error) {
	cond, args := activeAt("g", event, []any{tags})
	rows, err := database.All[T](ctx, s.DB, `SELECT `+columns+`
		 WHERE g.tag_id = ANY($1) AND `+cond+`
		 ORDER BY array_position($1::int8[], g.tag_id::int8), `+order, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return rows, nil
}

// groupSet collects what counts of each group.
type groupSet struct {
	order []int64 // ids of the groups
	byID  map[int64]*api.TagGroup
}

func newGroupSet(rows []api.TagGroup) *groupSet {
	set := &groupSet{byID: make(map[int64]*api.TagGroup, len(rows))}
	for i := range rows {
		if id := rows[i].GroupID; set.byID[id] == nil {
			set.byID[id] = &rows[i]
			set.order = append(set.order, id)
		}
	}
	return set
}

// usable returns a group that is there and not blocked, or nil.
func (set *groupSet) usable(id int64) *api.TagGroup {
	if g := set.byID[id]; g != nil && !g.Blocked {
		return g
	}
	return nil
}

func (set *groupSet) addPackages(rows []api.GroupPackage, blocked bool) {
	for _, g := range set.byID {
		g.Packages = &[]api.GroupPackage{}
	}
	type key struct {
		group int64
		name  string
	}
	seen := map[key]bool{}
	for _, p := range rows {
		g := set.usable(p.GroupID)
		if k := (key{p.GroupID, p.Package}); g == nil || seen[k] {
			continue
		} else {
			seen[k] = true
		}
		if blocked || !p.Blocked {
			*g.Packages = append(*g.Packages, p)
		}
	}
}

func (set *groupSet) addRequires(rows []api.GroupReq, blocked bool) {
	for _, g := range set.byID {
		g.Requires = &[]api.GroupReq{}
	}
	seen := map[[2]int64]bool{}
	for _, r := range rows {
		g := set.usable(r.GroupID)
		if k := [2]int64{r.GroupID, r.ReqID}; g == nil || seen[k] || set.usable(r.ReqID) == nil {
			continue
		} else {
			seen[k] = true
		}
		if blocked || !r.Blocked {
			*g.Requires = append(*g.Requires, r)
		}
	}
}

func (set *groupSet) list(blocked bool) []api.TagGroup {
	list := make([]api.TagGroup, 0, len(set.order))
	for _, id := range set.order {
		if g := set.byID[id]; blocked || !g.Blocked {
			list = append(list, *g)
		}
	}
	return list
}

// The tables that hold what a tag says of groups.
const (
	GroupConfigs  = "group_config"          // keyed by tag_id and group_id
	GroupPackages = "group_package_listing" // and package
	GroupRequires = "group_req_listing"     // and req_id
)

// GroupBlocked returns whether the entry with the key in one of the tables of
// groups is blocked, nil if there is none; the entry is locked.
func (s *Store) GroupBlocked(ctx context.Context, table string, key Row) (*bool, error) {
	args := []any{key["tag_id"], key["group_id"]}
	text := `SELECT blocked FROM ` + table + ` WHERE active AND tag_id = $1 AND group_id = $2`
	for _, column := range []string{"package", "req_id"} {
		if v, ok := key[column]; ok {
			args = append(args, v)
			text += fmt.Sprintf(" AND %s = $%d", column, len(args))
		}
	}
	return orNil(database.One[bool](ctx, s.DB, text+" FOR UPDATE", args...))
}
