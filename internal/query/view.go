package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// View is a table of which callers choose rows and columns by the names of
// fields, as some of Koji's methods let them.
type View struct {
	From    string
	Joins   map[string]string // "LEFT JOIN task ON ...", by the names that fields refer to
	Fields  map[string]Field
	Default []string // the fields of callers who name none
}

// Field is what a field's name stands for.
type Field struct {
	Expr string
	Join string // the name of the join that it needs; "" for none
}

// Wanted is what a caller asks of a View, as it came over the wire.
type Wanted struct {
	Clauses []any          // [field, value], [field, list] or [field, operator, value]
	Fields  any            // a list of names or one; "*": all that need no join; "**": all
	Opts    map[string]any // queryOpts
}

// operators are those that a clause may have; IN and IS are dealt with apart.
// The last two compare JSON: contains, and is contained in.
var operators = []string{"=", "!=", ">", "<", ">=", "<=", "@>", "<@"}

// Select returns the statement for what is wanted. Errors are ParameterErrors.
func (v View) Select(w Wanted) (*Select, error) {
	opts, err := ParseOptions(w.Opts)
	if err != nil {
		return nil, err
	}
	b := viewBuilder{view: v, s: &Select{From: v.From, Options: opts, Orders: map[string]string{}}}
	for _, clause := range w.Clauses {
		if err := b.clause(clause); err != nil {
			return nil, err
		}
	}
	names, err := v.names(w.Fields)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := b.field(name)
		if err != nil {
			return nil, err
		}
		b.s.Column(f.Expr, name)
	}
	if opts.Order != "" {
		for key := range strings.SplitSeq(opts.Order, ",") {
			key = strings.TrimPrefix(key, "-")
			f, err := b.field(key)
			if err != nil {
				return nil, err
			}
			b.s.Orders[key] = f.Expr
		}
	}
	return b.s, nil
}

// Maps runs s and returns each row as a map by alias, or the number of rows if
// the caller's options ask for that.
func Maps(ctx context.Context, db *database.DB, s *Select) (any, error) {
	text, args, err := s.SQL()
	if err != nil {
		return nil, err
	}
	if s.Options.CountOnly {
		return database.One[int64](ctx, db, text, args...)
	}
	rows, err := db.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, list := s.Aliases(), []map[string]any{}
	for rows.Next() {
		values, dest := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		row := make(map[string]any, len(names))
		for i, name := range names {
			row[name] = values[i]
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

type viewBuilder struct {
	view  View
	s     *Select
	joins []string
}

// field finds a field and adds the join that it needs.
func (b *viewBuilder) field(name string) (Field, error) {
	f, ok := b.view.Fields[name]
	if !ok {
		return f, koji.ParameterErrorf("Invalid field for query %s", name)
	}
	if f.Join != "" && !slices.Contains(b.joins, f.Join) {
		b.joins = append(b.joins, f.Join)
		b.s.Join(b.view.Joins[f.Join])
	}
	return f, nil
}

func (v View) names(fields any) ([]string, error) {
	var list []any
	switch f := fields.(type) {
	case nil:
	case string:
		list = []any{f}
	case []any:
		list = f
	default:
		return nil, koji.ParameterErrorf("Invalid fields for query: %s", xmlrpc.Repr(fields))
	}
	var names []string
	for _, item := range list {
		switch name, _ := item.(string); name {
		case "*", "**":
			for _, field := range slices.Sorted(maps.Keys(v.Fields)) {
				if name == "**" || v.Fields[field].Join == "" {
					names = append(names, field)
				}
			}
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return v.Default, nil
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (b *viewBuilder) clause(clause any) error {
	parts, _ := clause.([]any)
	op := "="
	switch len(parts) {
	case 2:
		if _, ok := parts[1].([]any); ok {
			op = "IN"
		}
	case 3:
		text, _ := parts[1].(string)
		op = strings.ToUpper(text)
	default:
		return koji.ParameterErrorf("Invalid clause: %s", xmlrpc.Repr(clause))
	}
	name, _ := parts[0].(string)
	f, err := b.field(name)
	if err != nil {
		return err
	}
	return b.where(f.Expr, op, parts[len(parts)-1])
}

func (b *viewBuilder) where(expr, op string, value any) error {
	list, isList := value.([]any)
	switch {
	case op == "IN" && isList:
		b.s.Where(expr+"::text = ANY(?::text[])", texts(list))
	case (op == "IS" || op == "IS NOT") && value == nil:
		b.s.Where(expr + " " + op + " NULL")
	case (op == "IS" || op == "IS NOT") && value == true:
		b.s.Where(expr + " " + op + " TRUE")
	case (op == "IS" || op == "IS NOT") && value == false:
		b.s.Where(expr + " " + op + " FALSE")
	case slices.Contains(operators, op) && !isList:
		b.s.Where(expr+" "+op+" ?", value)
	default:
		return koji.ParameterErrorf("Invalid operator: %s", op)
	}
	return nil
}

// texts are values as PostgreSQL prints them.
func texts(list []any) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	return texts
}
