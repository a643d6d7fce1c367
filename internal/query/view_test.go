package query_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/query"
)

var runs = query.View{
	From:  "run",
	Joins: map[string]string{"task": "task ON task.id = run.task_id"},
	Fields: map[string]query.Field{
		"id": {Expr: "run.id"}, "active": {Expr: "run.active"},
		"state": {Expr: "task.state", Join: "task"}, "method": {Expr: "task.method", Join: "task"},
	},
	Default: []string{"id", "active"},
}

func TestView(t *testing.T) {
	const all = `SELECT run.active AS "active", run.id AS "id"`
	for _, c := range []struct {
		name   string
		wanted query.Wanted
		sql    string
		args   []any
	}{
		{"default", query.Wanted{}, all + ` FROM run`, nil},
		{"own fields", query.Wanted{Fields: "*"}, all + ` FROM run`, nil},
		{"all fields", query.Wanted{Fields: []any{"**", "id"}},
			`SELECT run.active AS "active", run.id AS "id", task.method AS "method", task.state AS "state" FROM run JOIN task ON task.id = run.task_id`, nil},
		{"value", query.Wanted{Clauses: []any{[]any{"id", int64(1)}}}, all + ` FROM run WHERE (run.id = $1)`, []any{int64(1)}},
		{"list, in a joined table", query.Wanted{Clauses: []any{[]any{"state", []any{int64(1), int64(4)}}}},
			all + ` FROM run JOIN task ON task.id = run.task_id WHERE (task.state::text = ANY($1::text[]))`, []any{[]string{"1", "4"}}},
		{"operator", query.Wanted{Clauses: []any{[]any{"id", ">=", int64(3)}, []any{"active", "is not", nil}}},
			all + ` FROM run WHERE (run.id >= $1) AND (run.active IS NOT NULL)`, []any{int64(3)}},
		{"truth and JSON", query.Wanted{Clauses: []any{[]any{"active", "is", true}, []any{"active", "IS NOT", false}, []any{"id", "@>", "{}"}}},
			all + ` FROM run WHERE (run.active IS TRUE) AND (run.active IS NOT FALSE) AND (run.id @> $1)`, []any{"{}"}},
		{"order by what is not shown", query.Wanted{Fields: []any{"id"}, Opts: map[string]any{"order": "-method,id", "limit": int64(2)}},
			`SELECT run.id AS "id" FROM run JOIN task ON task.id = run.task_id ORDER BY task.method DESC, run.id LIMIT 2`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := runs.Select(c.wanted)
			require.NoError(t, err)
			sql, args, err := s.SQL()
			require.NoError(t, err)
			require.Equal(t, c.sql, sql)
			require.Equal(t, c.args, args)
		})
	}
}

func TestViewRefuses(t *testing.T) {
	for text, wanted := range map[string]query.Wanted{
		"Invalid field for query id; --":        {Fields: []any{"id; --"}},
		"Invalid field for query x":             {Clauses: []any{[]any{"x", int64(1)}}},
		"Invalid field for query y":             {Opts: map[string]any{"order": "-y"}},
		"Invalid operator: LIKE":                {Clauses: []any{[]any{"id", "like", "x"}}},
		"Invalid operator: IS":                  {Clauses: []any{[]any{"id", "IS", int64(1)}}},
		"Invalid clause: ['id']":                {Clauses: []any{[]any{"id"}}},
		"Invalid clause: 'id'":                  {Clauses: []any{"id"}},
		"Invalid fields for query: 7":           {Fields: int64(7)},
		"Invalid value for queryOpts limit: -1": {Opts: map[string]any{"limit": int64(-1)}},
	} {
		_, err := runs.Select(wanted)
		require.EqualError(t, err, text)
	}
}
