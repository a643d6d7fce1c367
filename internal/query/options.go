package query

import (
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
)

// Options are what Koji calls queryOpts: how the caller wants an answer shaped.
type Options struct {
	CountOnly bool   // answer with the number of rows
	Order     string // keys by comma, each with - for descending
	Group     string // keys by comma
	Offset    int64  // rows to skip; 0 skips none
	Limit     int64  // rows at most; 0 sets no limit
	AsList    bool   // each row as a list of values in the order of the column names
	RowLock   bool   // lock the rows for the rest of the transaction
}

// ParseOptions reads a queryOpts map as it came off the wire; nil is empty.
// Koji: keys that it does not know are ignored, and so is anything falsy.
func ParseOptions(opts map[string]any) (Options, error) {
	var o Options
	fields := []struct {
		key string
		set func(any) bool
	}{
		{"countOnly", flag(&o.CountOnly)},
		{"asList", flag(&o.AsList)},
		{"rowlock", flag(&o.RowLock)},
		{"order", text(&o.Order)},
		{"group", text(&o.Group)},
		{"offset", number(&o.Offset)},
		{"limit", number(&o.Limit)},
	}
	for _, f := range fields {
		v, ok := opts[f.key]
		if !ok || v == nil {
			continue
		}
		if !f.set(v) {
			return Options{}, koji.ParameterErrorf("Invalid value for queryOpts %s: %v", f.key, v)
		}
	}
	return o, nil
}

func flag(dst *bool) func(any) bool {
	return func(v any) bool {
		switch v := v.(type) {
		case bool:
			*dst = v
		case int64:
			*dst = v != 0
		case string:
			*dst = v != ""
		default:
			return false
		}
		return true
	}
}

func text(dst *string) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		*dst = s
		return ok || v == false
	}
}

func number(dst *int64) func(any) bool {
	return func(v any) bool {
		switch v := v.(type) {
		case int64:
			*dst = v
		case bool: // Koji: True counts as 1
			*dst = 0
			if v {
				*dst = 1
			}
		default:
			return false
		}
		return *dst >= 0
	}
}

// sorted returns the columns by alias.
func (s *Select) sorted() []Column {
	columns := slices.Clone(s.Columns)
	slices.SortStableFunc(columns, func(a, b Column) int { return strings.Compare(a.Alias, b.Alias) })
	return columns
}

// written returns the columns without those whose expression an earlier one has,
// and for each column its place among them. Builds have their id and their name
// twice, once under the name that older clients look for.
func written(columns []Column) (distinct []Column, places []int) {
	places = make([]int, len(columns))
	for i, c := range columns {
		places[i] = slices.IndexFunc(distinct, func(d Column) bool { return d.Expr == c.Expr })
		if places[i] < 0 {
			places[i] = len(distinct)
			distinct = append(distinct, c)
		}
	}
	return distinct, places
}
