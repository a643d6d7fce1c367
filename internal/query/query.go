// Package query builds SELECT statements whose shape is partly the caller's
// choice.
//
// Many hub methods take filters that may be absent and a queryOpts map with
// which the caller counts, orders, pages or flattens the answer. A [Select]
// holds such a statement while it is put together:
//
//	s := query.Select{
//		Columns: []query.Column{{"build.id", "build_id"}, {"package.name", "name"}},
//		From:    "build",
//		Joins:   []string{"package ON package.id = build.pkg_id"},
//		Options: opts,
//	}
//	if owner != nil {
//		s.Where("build.owner = ?", *owner)
//	}
//	return query.Rows[Build](ctx, db, &s)
//
// The texts given to a Select are constants of the program. What a caller
// sends travels as an argument, or, where it must name a column (order,
// group), is looked up among the columns declared.
package query

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/toji-build/toji/koji"
)

// Column pairs an SQL expression with the name under which the caller sees it.
type Column struct{ Expr, Alias string }

// Select is a SELECT under construction. The zero value with Columns and From
// set is ready for use.
type Select struct {
	With    string   // common table expressions, with the word WITH; may hold texts of Arg
	Columns []Column // what is selected, in any order
	From    string   // the first table
	Joins   []string // "tag ON tag.id = x.tag_id", or with its own "LEFT JOIN"
	Options Options  // what the caller asked for

	// DefaultOrder is the order, in SQL, of a caller who asks for none.
	DefaultOrder string
	// Orders, if set, maps the order keys that a caller may use to
	// expressions. Without it, every alias and column expression may be used.
	Orders map[string]string
	// Grouping allows Options.Group, which is ignored without it.
	Grouping bool
	// Keep, if set, leaves out rows of a Stream.
	Keep *Keep

	where []string
	args  []any

	// once leaves out columns whose expression another one has, see written.
	once bool
	// binary are expressions to select in binary format, see writeTime.
	binary map[string]bool
}

// Keep says which rows are kept: those with one of these ids in a column. A
// database that is told thousands of them compares each row with each.
type Keep struct {
	Expr string // the column's
	IDs  map[int64]bool
}

// Column adds a column.
func (s *Select) Column(expr, alias string) {
	s.Columns = append(s.Columns, Column{expr, alias})
}

// Arg adds a value and returns the text that stands for it ("$3").
func (s *Select) Arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// Join adds a join: "tag ON tag.id = x.tag_id", or one with its own JOIN word.
// Each ? takes one value.
func (s *Select) Join(join string, values ...any) {
	s.Joins = append(s.Joins, s.fill(join, values))
}

// Where adds a condition, which must hold besides all others. Each ? takes one
// value.
func (s *Select) Where(cond string, values ...any) {
	s.where = append(s.where, s.fill(cond, values))
}

// WhereActive adds the condition that the versioned row of table was in force
// at the event, or is in force now if event is nil.
func (s *Select) WhereActive(table string, event *int64) {
	s.where = append(s.where, s.Active(table, event))
}

// Active returns the condition that WhereActive adds, for use in a join.
func (s *Select) Active(table string, event *int64) string {
	if event == nil {
		return "(" + table + ".active = TRUE)"
	}
	at := s.Arg(*event)
	return fmt.Sprintf("(%[1]s.create_event <= %[2]s AND (%[1]s.revoke_event IS NULL OR %[2]s < %[1]s.revoke_event))", table, at)
}

// fill replaces each ? of text by the number of its argument.
func (s *Select) fill(text string, values []any) string {
	if strings.Count(text, "?") != len(values) {
		panic(fmt.Sprintf("query: %d values for %q", len(values), text))
	}
	for _, v := range values {
		text = strings.Replace(text, "?", s.Arg(v), 1)
	}
	return text
}

// SQL returns the statement and its arguments. The columns stand in the order
// of their aliases, as Koji's do, which lists of lists show to the caller.
func (s *Select) SQL() (string, []any, error) {
	var b strings.Builder
	b.Grow(2048) // most are that long, and a tenth of a short call is their making
	if s.With != "" {
		b.WriteString(s.With + " ")
	}
	if s.Options.CountOnly {
		if err := s.count(&b); err != nil {
			return "", nil, err
		}
		return b.String(), s.args, nil
	}
	b.WriteString("SELECT ")
	columns := s.sorted()
	if s.once {
		columns, _ = written(columns)
	}
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.binary[c.Expr] {
			b.WriteString("timestamptz_send(" + c.Expr + ")")
		} else {
			b.WriteString(c.Expr)
		}
		b.WriteString(` AS "`)
		b.WriteString(c.Alias)
		b.WriteString(`"`)
	}
	if err := s.body(&b); err != nil {
		return "", nil, err
	}
	if s.Options.RowLock && !s.grouped() {
		// Koji: without a table, which fails when there are outer joins.
		b.WriteString(" FOR UPDATE OF " + s.From)
	}
	return b.String(), s.args, nil
}

// count writes the statement that counts the rows. Koji: the count obeys
// offset, limit and group, so that they must be applied inside of it.
func (s *Select) count(b *strings.Builder) error {
	o := s.Options
	if o.Offset == 0 && o.Limit == 0 && !s.grouped() {
		b.WriteString("SELECT count(*)")
		return s.body(b)
	}
	b.WriteString("SELECT count(*) FROM (SELECT 1")
	if err := s.body(b); err != nil {
		return err
	}
	b.WriteString(") AS numrows")
	return nil
}

// body writes all that follows the list of columns.
func (s *Select) body(b *strings.Builder) error {
	b.WriteString(" FROM ")
	b.WriteString(s.From)
	for _, join := range s.Joins {
		if !hasJoinWord(join) {
			b.WriteString(" JOIN")
		}
		b.WriteString(" ")
		b.WriteString(join)
	}
	for i, cond := range s.where {
		if i == 0 {
			b.WriteString(" WHERE (")
		} else {
			b.WriteString(" AND (")
		}
		b.WriteString(cond)
		b.WriteString(")")
	}
	return s.tail(b)
}

// hasJoinWord finds joins that bring their own JOIN.
func hasJoinWord(join string) bool {
	for word := range strings.FieldsSeq(join) {
		switch strings.ToUpper(word) {
		case "JOIN":
			return true
		case "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER", "NATURAL":
			continue
		}
		return false
	}
	return false
}

func (s *Select) tail(b *strings.Builder) error {
	o := s.Options
	if s.grouped() {
		group, err := s.keys(o.Group, "group", nil)
		if err != nil {
			return err
		}
		b.WriteString(" GROUP BY " + group)
	}
	if err := s.order(b); err != nil {
		return err
	}
	if o.Offset != 0 {
		fmt.Fprintf(b, " OFFSET %d", o.Offset)
	}
	if o.Limit != 0 {
		fmt.Fprintf(b, " LIMIT %d", o.Limit)
	}
	return nil
}

func (s *Select) order(b *strings.Builder) error {
	if s.Options.CountOnly {
		return nil // Koji: not even a wrong key matters then
	}
	order := s.DefaultOrder
	if s.Options.Order != "" {
		var err error
		if order, err = s.keys(s.Options.Order, "order", s.Orders); err != nil {
			return err
		}
	}
	if order != "" {
		b.WriteString(" ORDER BY " + order)
	}
	return nil
}

func (s *Select) grouped() bool { return s.Grouping && s.Options.Group != "" }

// keys translates the caller's list of keys. Only what is declared gets
// through: no text of the caller's ever reaches the statement.
func (s *Select) keys(spec, what string, allowed map[string]string) (string, error) {
	var out []string
	for key := range strings.SplitSeq(spec, ",") {
		name, direction := key, ""
		if what == "order" && strings.HasPrefix(key, "-") {
			name, direction = key[1:], " DESC"
		}
		if name == "" && what == "group" {
			continue // Koji: commas too many are no mistake there
		}
		expr, ok := s.expr(name, allowed)
		switch {
		case !ok && what == "order" && allowed == nil:
			// Koji: says so in a fault of Python's.
			return "", koji.ParameterErrorf("Invalid order: %s", name)
		case !ok:
			return "", koji.ParameterErrorf("Invalid %s term: %s", what, name)
		}
		out = append(out, expr+direction)
	}
	return strings.Join(out, ", "), nil
}

func (s *Select) expr(name string, allowed map[string]string) (string, bool) {
	if allowed != nil {
		expr, ok := allowed[name]
		return expr, ok
	}
	for _, c := range s.Columns {
		if c.Alias == name || c.Expr == name {
			return c.Expr, true
		}
	}
	return "", false
}
