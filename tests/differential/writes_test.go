package differential

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// TestWrites sends one sequence of writing calls to each of two hubs with equal
// databases, and compares the answers and then all rows.
func TestWrites(t *testing.T) {
	w := newTwins(t, "", "alice")
	for _, c := range writes() {
		w.do(c)
	}
	w.compare()
}

// TestWrongWrites calls every writing method with arguments that its signature
// does not have: none, too many, and one of no known name. Both hubs have to refuse
// with the same words, and change nothing.
func TestWrongWrites(t *testing.T) {
	w := newTwins(t, hostWorld, "builder1")
	w.do(as("builder1", "exclusiveSession"))
	for _, d := range rpc.Declared() {
		if !d.Writes || strings.HasPrefix(d.Name, "toji.") {
			continue
		}
		user := "kojiadmin"
		if strings.HasPrefix(d.Name, "host.") {
			user = "builder1"
		}
		rest := slices.ContainsFunc(d.Params, func(p rpc.Param) bool { return p.Rest != rpc.RestNone })
		required := slices.ContainsFunc(d.Params, func(p rpc.Param) bool { return !p.Optional && p.Rest == rpc.RestNone })
		if required {
			w.do(as(user, d.Name))
			w.do(as(user, d.Name, kw("nonsense", 1)))
		}
		if !rest {
			w.do(as(user, d.Name, slices.Repeat([]any{1}, len(d.Params)+1)...))
			w.do(as(user, d.Name, append(slices.Repeat([]any{1}, len(d.Params)), kw("nonsense", 1))...))
		}
	}
	w.compare()
}

// TestStrangersWrite calls every writing method with arguments that could be right,
// as nobody, as a user without permissions, and as a host without exclusive session.
func TestStrangersWrite(t *testing.T) {
	w := newTwins(t, hostWorld, "bob", "builder2")
	db, err := sql.Open("postgres", w.dsns[1])
	require.NoError(t, err)
	defer db.Close()
	g := &generator{pools: fill(t, db), rand: rand.New(rand.NewPCG(13, 14))}
	for _, d := range rpc.Declared() {
		if !d.Writes || strings.HasPrefix(d.Name, "toji.") || strings.Contains(d.Name, "ogout") || d.Name == "host.repoDone" {
			continue // Koji lets each host finish each repository
		}
		for _, user := range []string{"", "bob", "builder2"} {
			args := arguments(d.Params, g.required(d.Name, d.Params))
			if !slices.Contains(args, nil) { // such as of a kind that the generator does not know
				w.do(as(user, d.Name, args...))
			}
		}
	}
	w.compare()
}

var timed = regexp.MustCompile(`^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d`)

// unTimed returns a value without times of now and without events, of which the
// hubs may need different numbers.
func unTimed(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = unTimed(v[i])
		}
	case map[string]any:
		for k := range v {
			if k == "token" {
				v[k] = "token"
			} else if n, ok := v[k].(int64); ok && n > 600000 && strings.Contains(k, "event") {
				v[k] = "event"
			} else if _, ok := v[k].(float64); ok && (strings.HasSuffix(k, "_ts") || strings.HasSuffix(k, "_time")) {
				v[k] = "time"
			} else {
				v[k] = unTimed(v[k])
			}
		}
	case string:
		if timed.MatchString(v) {
			return "time"
		}
	}
	return v
}

// compareRows compares all of Koji's tables but those of events and sessions.
func compareRows(t *testing.T, koji, toji string) (tables, rows int) {
	t.Helper()
	k, err := sql.Open("postgres", koji)
	require.NoError(t, err)
	defer k.Close()
	j, err := sql.Open("postgres", toji)
	require.NoError(t, err)
	defer j.Close()
	for _, table := range column(t, k, `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT IN ('events', 'sessions', 'proton_queue', 'scheduler_sys_data') ORDER BY 1`) {
		columns := column(t, k, fmt.Sprintf(`SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '%s'
			AND data_type <> 'timestamp with time zone' ORDER BY 1`, table))
		parts := make([]string, len(columns))
		for i, c := range columns {
			parts[i] = fmt.Sprintf("%q::text", c)
			switch {
			case c == "token", table == "task" && (c == "waiting" || c == "awaited"): // Toji clears those of tasks that have ended
				parts[i] = "''"
			case table == "archiveinfo" && c == "buildroot_id": // Koji forgets it for Maven and Windows builds
				parts[i] = "''"
			case c == "extra" && table != "tag_extra": // one has blanks after colons
				parts[i] = "extra::jsonb::text"
			case table == "task" && c == "request": // members of structs may come in any order
				parts[i] = `(SELECT string_agg(l, ' ' ORDER BY l) FROM regexp_split_to_table(request, E'\n') l)`
			case strings.HasSuffix(c.(string), "_event"):
				parts[i] = fmt.Sprintf("CASE WHEN %[1]q > 600000 THEN 'new' ELSE %[1]q::text END", c)
			}
		}
		query := fmt.Sprintf("SELECT concat_ws('|', %s) FROM %q", strings.Join(coalesced(parts), ", "), table)
		kRows, jRows := column(t, k, query), column(t, j, query)
		tables, rows = tables+1, rows+len(kRows)
		report := func(who string, a, b []any) {
			seen := map[any]int{}
			for _, row := range b {
				seen[row]++
			}
			for _, row := range a {
				if seen[row]--; seen[row] < 0 {
					t.Errorf("%s: only %s has (%v): %s", table, who, columns, row)
				}
			}
		}
		report("Koji", kRows, jRows)
		report("Toji", jRows, kRows)
	}
	return tables, rows
}

func coalesced(parts []string) []string {
	parts = slices.Clone(parts)
	for i := range parts {
		parts[i] = "coalesce(" + parts[i] + ", '-')"
	}
	return parts
}

// as makes a call of a user's, with positional arguments, the last of which may
// be keywords.
func as(user, method string, args ...any) call {
	if n := len(args); n > 0 {
		if m, ok := args[n-1].(map[string]any); ok && m["__kw"] != nil {
			delete(m, "__kw")
			args[n-1] = xmlrpc.Keywords(m)
		}
	}
	plain, err := xmlrpc.Plain(args)
	if err != nil {
		panic(err) // an argument is of a type that does not travel
	}
	return call{Method: method, Args: plain.([]any), User: user}
}

// kw are keyword arguments.
func kw(pairs ...any) map[string]any {
	m := map[string]any{"__kw": true}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}
