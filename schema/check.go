package schema

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/database"
)

// contractJSON describes the tables of a Koji 1.35 database as PostgreSQL's
// catalogue shows them, and the rows that a fresh one has.
//
//go:embed koji-1.35.json
var contractJSON []byte

type contract struct {
	Tables map[string]table            `json:"tables"`
	Rows   map[string][]map[string]any `json:"initial_rows"`
}

type table struct {
	Columns     []column     `json:"columns"`
	Constraints []constraint `json:"constraints"`
	Indexes     []string     `json:"indexes"`
}

type column struct {
	Table    string  `json:"-" db:"table"`
	Name     string  `json:"column_name" db:"name"`
	Pos      int     `json:"pos" db:"pos"`
	Type     string  `json:"type" db:"type"`
	Nullable bool    `json:"nullable" db:"nullable"`
	Default  *string `json:"default" db:"default"`
	MaxLen   *int    `json:"maxlen" db:"maxlen"`
}

func (c column) String() string {
	text := c.Type
	if c.MaxLen != nil {
		text += fmt.Sprintf("(%d)", *c.MaxLen)
	}
	if !c.Nullable {
		text += " NOT NULL"
	}
	if c.Default != nil {
		text += " DEFAULT " + *c.Default
	}
	return text
}

type constraint struct {
	Table string `json:"-" db:"table"`
	Type  string `json:"type" db:"type"`
	Def   string `json:"def" db:"def"`
}

type index struct {
	Table string `db:"table"`
	Def   string `db:"def"`
}

// What a [Difference] is about.
const (
	KindTable      = "table"
	KindColumn     = "column"
	KindOrder      = "column order"
	KindConstraint = "constraint"
	KindIndex      = "index"
	KindRow        = "row"
)

// Difference is something of Koji's tables that is not as it must be.
type Difference struct {
	Table string
	Kind  string // one of the Kind constants
	Name  string // the column's name; the row in JSON
	Want  string // empty: must not be there
	Got   string // empty: is not there
}

// String returns the difference as one line.
func (d Difference) String() string {
	what := "table " + d.Table
	if d.Kind != KindTable {
		what += strings.TrimRight(": "+d.Kind+" "+d.Name, " ")
	}
	switch {
	case d.Got == "":
		return fmt.Sprintf("%s: missing %s", what, d.Want)
	case d.Want == "":
		return fmt.Sprintf("%s: not expected: %s", what, d.Got)
	}
	return fmt.Sprintf("%s: is %s, must be %s", what, d.Got, d.Want)
}

// DifferentError says why a database cannot be adopted.
type DifferentError struct{ Differences []Difference }

// Error lists the differences, one a line.
func (e *DifferentError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "schema: the tables differ from those of Koji 1.35 in %d places; bring the database to 1.35 with Koji's own migrations first:", len(e.Differences))
	for _, d := range e.Differences {
		fmt.Fprintf(&b, "\n  %s", d)
	}
	return b.String()
}

// blocking returns the differences with which Toji could not work. A database
// that grew with Koji's releases has its columns in another order, other indexes
// and rows of its own.
func blocking(all []Difference) []Difference {
	return slices.DeleteFunc(slices.Clone(all), func(d Difference) bool {
		return d.Kind == KindOrder || d.Kind == KindIndex || d.Kind == KindRow
	})
}

// Check compares Koji's tables in the database with the contract and returns
// what differs, in a stable order. Tables beyond the contract are not looked at;
// the first rows must be there, among any others.
func Check(ctx context.Context, db *database.DB) ([]Difference, error) {
	var want contract
	if err := json.Unmarshal(contractJSON, &want); err != nil {
		return nil, fmt.Errorf("schema: read contract: %w", err)
	}
	got, err := readTables(ctx, db)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for _, name := range sortedKeys(want.Tables) {
		have, ok := got[name]
		if !ok {
			all = append(all, Difference{Table: name, Kind: KindTable, Want: "altogether"})
			continue
		}
		all = append(all, compareTables(name, want.Tables[name], have)...)
	}
	for _, name := range sortedKeys(want.Rows) {
		if _, ok := got[name]; !ok {
			continue
		}
		missing, err := missingRows(ctx, db, name, want.Rows[name])
		if err != nil {
			return nil, err
		}
		all = append(all, missing...)
	}
	return all, nil
}

func compareTables(name string, want, got table) []Difference {
	all := compareColumns(name, want.Columns, got.Columns)
	defs := func(cs []constraint) (out []string) {
		for _, c := range cs {
			out = append(out, c.Def)
		}
		return out
	}
	all = append(all, compareSets(name, KindConstraint, defs(want.Constraints), defs(got.Constraints))...)
	return append(all, compareSets(name, KindIndex, want.Indexes, got.Indexes)...)
}

func compareColumns(table string, want, got []column) []Difference {
	var all []Difference
	have := make(map[string]column, len(got))
	for _, c := range got {
		have[c.Name] = c
	}
	for _, w := range want {
		g, ok := have[w.Name]
		delete(have, w.Name)
		d := Difference{Table: table, Kind: KindColumn, Name: w.Name, Want: w.String()}
		switch {
		case !ok:
			all = append(all, d)
		case g.String() != w.String():
			d.Got = g.String()
			all = append(all, d)
		case g.Pos != w.Pos:
			all = append(all, Difference{table, KindOrder, w.Name, fmt.Sprint(w.Pos), fmt.Sprint(g.Pos)})
		}
	}
	for _, name := range sortedKeys(have) {
		all = append(all, Difference{Table: table, Kind: KindColumn, Name: name, Got: have[name].String()})
	}
	return all
}

// compareSets compares definitions, of which there may be several equal ones.
func compareSets(table, kind string, want, got []string) []Difference {
	var all []Difference
	got = slices.Clone(got)
	for _, w := range slices.Sorted(slices.Values(want)) {
		if i := slices.Index(got, w); i >= 0 {
			got = slices.Delete(got, i, i+1)
			continue
		}
		all = append(all, Difference{Table: table, Kind: kind, Want: w})
	}
	slices.Sort(got)
	for _, g := range got {
		all = append(all, Difference{Table: table, Kind: kind, Got: g})
	}
	return all
}
