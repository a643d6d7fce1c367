package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindHistory(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.QueryHistory, h.queryHistory)
}

func (h *Hub) queryHistory(ctx context.Context, p api.QueryHistoryParams) (map[string]any, error) {
	tables := p.Tables
	if tables == nil {
		tables = store.HistoryTables()
	}
	for _, table := range tables {
		if !slices.Contains(store.HistoryTables(), table) {
			return nil, koji.GenericErrorf("No such history table: %s", table)
		}
	}
	f, err := h.historyFilter(ctx, p.Filters)
	if err != nil {
		return nil, err
	}
	history := map[string]any{}
	for _, table := range tables {
		rows, ok, err := h.Store.History(ctx, table, f)
		if err != nil {
			return nil, err
		}
		if ok {
			history[table] = rows
		}
	}
	return history, nil
}

// historyFilter reads the filters of queryHistory. Koji: others are ignored.
func (h *Hub) historyFilter(ctx context.Context, given map[string]any) (store.HistoryFilter, error) {
	f := store.HistoryFilter{Of: map[string]int64{}}
	for name, v := range given {
		if err := h.addSubject(ctx, &f, name, v); err != nil {
			return f, err
		}
		if err := h.addTimes(ctx, &f, name, v); err != nil {
			return f, err
		}
	}
	opts, _ := given["queryOpts"].(map[string]any)
	var err error
	f.Options, err = query.ParseOptions(opts)
	return f, err
}

// addSubject reads a filter for what the rows are about.
func (h *Hub) addSubject(ctx context.Context, f *store.HistoryFilter, name string, v any) error {
	switch name {
	case "build":
		build, err := h.build(ctx, v, true)
		if err != nil {
			return err
		}
		f.Of["build"] = build.BuildID
	case "user":
		user, err := h.User(ctx, v, true)
		if err != nil {
			return err
		}
		f.Of["users"] = user.ID
	case "xkey":
		f.Key = pyStr(v)
	case "host", "channel":
		// Koji: one that does not exist has no history.
		table := map[string]string{"host": "host", "channel": store.Channels}[name]
		row, err := h.Lookup(ctx, table, v, false)
		if err != nil {
			return err
		}
		f.Of[table] = -1
		if row != nil {
			f.Of[table] = row.ID
		}
	default:
		return h.addNamed(ctx, f, name, v)
	}
	return nil
}

// addNamed reads a filter for something in one of the tables of names.
func (h *Hub) addNamed(ctx context.Context, f *store.HistoryFilter, name string, v any) error {
	table, ok := map[string]string{
		"tag": store.Tags, "package": store.Packages, "permission": store.Permissions, "cg": "content_generator",
		"external_repo": store.ExternalRepos, "build_target": store.BuildTargets, "group": store.Groups,
	}[name]
	if !ok {
		return nil
	}
	id, err := h.lookupID(ctx, table, v)
	if err != nil {
		return err
	}
	f.Of[table] = id
	if table == store.Packages {
		f.PackageName = pyStr(v)
	}
	return nil
}

// addTimes reads a filter for when and by whom the rows were changed.
func (h *Hub) addTimes(ctx context.Context, f *store.HistoryFilter, name string, v any) error {
	switch name {
	case "active":
		if v != nil {
			f.Active = new(xmlrpc.Truth(v))
		}
	case "editor":
		user, err := h.User(ctx, v, true)
		if err != nil {
			return err
		}
		f.Editor = &user.ID
	case "after", "before":
		at, err := historyTime(v)
		if err != nil {
			return err
		}
		if name == "after" {
			f.After = at
		} else {
			f.Before = at
		}
	case "afterEvent", "beforeEvent":
		event, ok := toInt(v)
		if !ok {
			return koji.GenericErrorf("Invalid event: %s", xmlrpc.Repr(v))
		}
		if name == "afterEvent" {
			f.AfterEvent = &event
		} else {
			f.BeforeEvent = &event
		}
	}
	return nil
}

func historyTime(v any) (any, error) {
	switch v := v.(type) {
	case string:
		t, err := koji.ParseTime(v)
		if err != nil {
			return nil, koji.ParameterErrorf("Invalid time: %s", v)
		}
		return t, nil
	case int64:
		return koji.FromTS(float64(v)), nil
	case float64:
		return koji.FromTS(v), nil
	}
	return nil, koji.ParameterErrorf("Invalid time: %s", xmlrpc.Repr(v))
}
