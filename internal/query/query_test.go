package query

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// users selects the users of a list of names.
func users(names ...string) *Select {
	s := &Select{
		Columns: []Column{{"users.name", "name"}, {"users.id", "id"}, {"users.usertype", "type"}},
		From:    "users",
	}
	if names != nil {
		s.Where("users.name = ANY(?)", names)
	}
	return s
}

func TestSQL(t *testing.T) {
	event := int64(7)
	for _, c := range []struct {
		name string
		opts Options
		edit func(*Select)
		want string
	}{
		{"plain", Options{}, nil, `SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users`},
		{"order", Options{Order: "-name,id"}, nil, `SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users ORDER BY users.name DESC, users.id`},
		{"order by expression", Options{Order: "users.id"}, nil, `SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users ORDER BY users.id`},
		{"page", Options{Offset: 2, Limit: 3}, nil, `SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users OFFSET 2 LIMIT 3`},
		{"count", Options{CountOnly: true, Order: "name"}, nil, `SELECT count(*) FROM users`},
		{"count of a page", Options{CountOnly: true, Limit: 3}, nil, `SELECT count(*) FROM (SELECT 1 FROM users LIMIT 3) AS numrows`},
		{"lock", Options{RowLock: true}, nil, `SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users FOR UPDATE OF users`},
		{"group is ignored", Options{CountOnly: true, Group: "type"}, nil, `SELECT count(*) FROM users`},
		{"group", Options{CountOnly: true, Group: "type"}, func(s *Select) { s.Grouping = true },
			`SELECT count(*) FROM (SELECT 1 FROM users GROUP BY users.usertype) AS numrows`},
		{"three keys", Options{Order: "-type,name,-users.id"}, nil,
			`SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users ORDER BY users.usertype DESC, users.name, users.id DESC`},
		{"count of a page of groups", Options{CountOnly: true, Group: ",type,,name,", Offset: 1, Limit: 2, Order: "nosuch"}, func(s *Select) { s.Grouping = true },
			`SELECT count(*) FROM (SELECT 1 FROM users GROUP BY users.usertype, users.name OFFSET 1 LIMIT 2) AS numrows`},
		{"lock of a page", Options{RowLock: true, Limit: 1, Order: "id"}, nil,
			`SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users ORDER BY users.id LIMIT 1 FOR UPDATE OF users`},
		{"a count locks nothing", Options{RowLock: true, CountOnly: true}, nil, `SELECT count(*) FROM users`},
		{"lists have the same columns", Options{AsList: true}, nil, `SELECT users.id AS "id", users.name AS "name", users.usertype AS "type" FROM users`},
		{"conditions", Options{CountOnly: true}, func(s *Select) {
			s.Join("host ON host.user_id = users.id AND host.name = ?", "h")
			s.Join("LEFT JOIN user_perms p ON p.user_id = users.id")
			s.WhereActive("p", &event)
			s.WhereActive("p", nil)
			s.Where("users.id > ? OR users.id < ?", 1, 2)
		}, `SELECT count(*) FROM users JOIN host ON host.user_id = users.id AND host.name = $1` +
			` LEFT JOIN user_perms p ON p.user_id = users.id` +
			` WHERE ((p.create_event <= $2 AND (p.revoke_event IS NULL OR $2 < p.revoke_event))) AND ((p.active = TRUE)) AND (users.id > $3 OR users.id < $4)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := users()
			s.Options = c.opts
			if c.edit != nil {
				c.edit(s)
			}
			text, _, err := s.SQL()
			require.NoError(t, err)
			require.Equal(t, c.want, text)
		})
	}
}

// Nothing of what a caller sends becomes SQL.
func TestOrderIsChecked(t *testing.T) {
	for _, order := range []string{"id; DROP TABLE users", "nosuch", "", "id,", "--id", "password", "1"} {
		s := users()
		s.Options.Order = order
		_, _, err := s.SQL()
		if order == "" {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, koji.FaultParameter, koji.FaultOf(err), order)
	}
	s := users()
	s.Options.Order = "id,-nosuch"
	_, _, err := s.SQL()
	require.EqualError(t, err, "Invalid order: nosuch")
	s = users()
	s.Orders = map[string]string{"id": "users.id"}
	s.Options.Order = "name"
	_, _, err = s.SQL()
	require.EqualError(t, err, "Invalid order term: name")
	s = users()
	s.Grouping, s.Options.Group = true, "1; DROP TABLE users"
	_, _, err = s.SQL()
	require.EqualError(t, err, "Invalid group term: 1; DROP TABLE users")
}

func TestParseOptions(t *testing.T) {
	o, err := ParseOptions(map[string]any{
		"countOnly": int64(1), "order": "-id", "offset": int64(2), "limit": nil, "asList": true, "unknown": "x",
	})
	require.NoError(t, err)
	require.Equal(t, Options{CountOnly: true, Order: "-id", Offset: 2, AsList: true}, o)
	for key, v := range map[string]any{"limit": "1; x", "offset": int64(-1), "order": int64(3), "countOnly": []any{}} {
		_, err := ParseOptions(map[string]any{key: v})
		require.Equal(t, koji.FaultParameter, koji.FaultOf(err), key)
	}
}

type user struct {
	ID   int64  `rpc:"id"`
	Name string `rpc:"name"`
	Type int64  `rpc:"type"`
}

func TestRows(t *testing.T) {
	db := testenv.Database(t)
	_, err := db.Exec(t.Context(), `INSERT INTO users (id, name, status, usertype) VALUES (11, 'a', 0, 0), (12, 'b', 0, 1), (13, 'c', 0, 0)`)
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		opts Options
		want any
	}{
		{"count", Options{CountOnly: true}, int64(3)},
		{"count of a page", Options{CountOnly: true, Offset: 1}, int64(2)},
		{"lists", Options{AsList: true, Order: "-id", Limit: 2}, []any{[]any{int64(13), "c", int64(0)}, []any{int64(12), "b", int64(1)}}},
		{"structs", Options{Order: "id", Limit: 1}, []any{map[string]any{"id": int64(11), "name": "a", "type": int64(0)}}},
		{"none", Options{Offset: 99}, []any{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := users("a", "b", "c")
			s.Options = c.opts
			rows, err := Rows[user](t.Context(), db, s)
			require.NoError(t, err)
			got, err := xmlrpc.Plain(rows)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestApply(t *testing.T) {
	list := []user{{3, "c", 0}, {1, "a", 1}, {2, "b", 0}}
	for _, c := range []struct {
		name string
		opts Options
		want []int64
	}{
		{"as it is", Options{}, []int64{3, 1, 2}},
		{"order", Options{Order: "id"}, []int64{1, 2, 3}},
		{"descending", Options{Order: "-name"}, []int64{3, 2, 1}},
		{"page", Options{Order: "id", Offset: 1, Limit: 1}, []int64{2}},
		{"beyond the end", Options{Offset: 9}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := Apply(list, c.opts)
			require.NoError(t, err)
			var ids []int64
			for _, u := range rows.List {
				ids = append(ids, u.ID)
			}
			require.Equal(t, c.want, ids)
		})
	}
	rows, err := Apply(list, Options{CountOnly: true, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, int64(2), *rows.Count)
	_, err = Apply(list, Options{Order: "nosuch"})
	require.EqualError(t, err, "Invalid order term: nosuch")
}
