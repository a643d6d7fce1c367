package store

import (
	"context"
	"time"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// Repos and RepoQueue are the views of repositories and of requests for them.
var (
	Repos = query.View{
		From: "repo",
		Joins: map[string]string{
			"tag":    "tag ON repo.tag_id = tag.id",
			"create": "events AS create_ev ON repo.create_event = create_ev.id",
			"begin":  "LEFT JOIN events AS begin_ev ON repo.begin_event = begin_ev.id",
			"end":    "LEFT JOIN events AS end_ev ON repo.end_event = end_ev.id",
			"task":   "LEFT JOIN task ON repo.task_id = task.id",
		},
		Fields: withColumns("repo", map[string]query.Field{
			"creation_ts": {Expr: "date_part('epoch', repo.creation_time)"},
			"state_ts":    {Expr: "date_part('epoch', repo.state_time)"},
			"create_ts":   {Expr: "date_part('epoch', create_ev.time)", Join: "create"},
			"begin_ts":    {Expr: "date_part('epoch', begin_ev.time)", Join: "begin"},
			"end_ts":      {Expr: "date_part('epoch', end_ev.time)", Join: "end"},
			"task_state":  {Expr: "task.state", Join: "task"},
			"tag_name":    {Expr: "tag.name", Join: "tag"},
		}, "id", "tag_id", "creation_time", "state_time", "create_event", "begin_event", "end_event", "state", "dist",
			"opts", "custom_opts", "task_id"),
		Default: []string{"id", "tag_id", "create_event", "state", "dist", "task_id", "opts", "custom_opts"},
	}

	RepoQueue = query.View{
		From: "repo_queue",
		Joins: map[string]string{
			"tag":   "tag ON repo_queue.tag_id = tag.id",
			"task":  "LEFT JOIN task ON repo_queue.task_id = task.id",
			"users": "users ON repo_queue.owner = users.id",
		},
		Fields: withColumns("repo_queue", map[string]query.Field{
			"create_ts":  {Expr: "date_part('epoch', repo_queue.create_time)"},
			"update_ts":  {Expr: "date_part('epoch', repo_queue.update_time)"},
			"owner_name": {Expr: "users.name", Join: "users"},
			"tag_name":   {Expr: "tag.name", Join: "tag"},
			"task_state": {Expr: "task.state", Join: "task"},
		}, "id", "create_time", "owner", "priority", "tag_id", "at_event", "min_event", "opts", "update_time", "active",
			"task_id", "tries", "repo_id"),
		Default: []string{"id", "tag_id", "at_event", "min_event", "create_ts", "task_id", "tries", "repo_id", "opts", "active", "update_ts"},
	}
)

// withColumns adds columns of a table to fields, under their own names.
func withColumns(table string, fields map[string]query.Field, columns ...string) map[string]query.Field {
	for _, c := range columns {
		fields[c] = query.Field{Expr: table + "." + c}
	}
	return fields
}

// RepoView returns the rows of Repos or RepoQueue, as maps, or their number.
func (s *Store) RepoView(ctx context.Context, v query.View, w query.Wanted) (any, error) {
	q, err := v.Select(w)
	if err != nil {
		return nil, err
	}
	result, err := query.Maps(ctx, s.DB, q)
	rows, _ := result.([]map[string]any)
	for _, row := range rows {
		for name, value := range row {
			switch value := value.(type) {
			case []byte: // JSON
				if row[name], err = api.ParseJSON(string(value)); err != nil {
					return nil, err
				}
			case time.Time:
				row[name] = koji.NewTime(value)
			}
		}
	}
	return result, err
}
