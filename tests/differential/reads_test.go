package differential

import (
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// combinations is how many calls of each method have several optional arguments.
const combinations = 12

// TestReads asks both hubs everything that can be asked.
func TestReads(t *testing.T) {
	w := newWorld(t)
	g := &generator{pools: fill(t, w.db), rand: rand.New(rand.NewPCG(1, 2))}
	var calls []call
	for _, d := range readers() {
		calls = append(calls, g.method(d, combinations)...)
	}
	r := newReport()
	lists := w.ask(t, r, calls)
	calls = nil
	for _, c := range slices.Sorted(mapKeys(lists)) {
		calls = append(calls, g.ordered(lists[c].call, lists[c].row)...)
	}
	w.ask(t, r, append(calls, largest(t, w.db)...))
	r.print(t)
}

// largest are calls about the tag with most builds, 10,000 with 40,000 RPMs in the
// big database: each answer in full, and nothing else of them.
func largest(t *testing.T, db *sql.DB) []call {
	t.Helper()
	tag := column(t, db, `SELECT tag_id FROM tag_listing WHERE active GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`)[0]
	return []call{
		as("", "listTagged", tag), as("", "listTagged", tag, kw("latest", true, "inherit", true)), as("", "getLatestBuilds", tag),
		as("", "listTaggedRPMS", tag), as("", "listTaggedRPMS", tag, kw("rpmsigs", true, "arch", "x86_64")), as("", "getLatestRPMS", tag),
		as("", "listPackages", kw("tagID", tag, "inherited", true)), as("", "listPackagesSimple"), as("", "readTaggedBuilds", tag), as("", "queryHistory", kw("tag", tag)),
	}
}

// TestTimeTravel asks about every tag, host, user and so on at every event.
func TestTimeTravel(t *testing.T) {
	w := newWorld(t)
	g := &generator{pools: fill(t, w.db), rand: rand.New(rand.NewPCG(7, 8))}
	var calls []call
	for _, d := range readers() {
		calls = append(calls, g.travels(d)...)
	}
	r := newReport()
	w.ask(t, r, calls)
	r.print(t)
}

// TestWrongReads asks with arguments that cannot be right. Where both refuse, or
// Koji stumbles, the words are of no account: what counts is that Toji answers
// like Koji where both answer, and refuses what Koji refuses.
func TestWrongReads(t *testing.T) {
	w := newWorld(t)
	g := &generator{pools: fill(t, w.db), rand: rand.New(rand.NewPCG(3, 4))}
	var calls []call
	for _, d := range readers() {
		calls = append(calls, g.wrong(d)...)
	}
	r := newReport()
	r.wrong = true
	w.ask(t, r, calls)
	r.print(t)
}

// readers are the methods to ask.
func readers() []rpc.Declaration {
	only := os.Getenv("TOJI_PEER_METHODS") // "getTag listTags"; all when empty
	var list []rpc.Declaration
	for _, d := range rpc.Declared() {
		switch {
		case d.Writes || skipped[d.Name] != "" || slices.Contains(wrappers, d.Name) || strings.HasPrefix(d.Name, "toji."):
		case only != "" && !slices.Contains(strings.Fields(only), d.Name):
		default:
			list = append(list, d)
		}
	}
	return list
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// listing is a call that answered with a list that takes queryOpts.
type listing struct {
	call call
	row  map[string]any
}

// ask sends calls to both hubs, reports the answers and returns a listing of
// each method that takes queryOpts. Calls of one method come one after the other.
func (w *world) ask(t *testing.T, r *report, calls []call) map[string]listing {
	t.Helper()
	takes := map[string]bool{}
	for _, d := range rpc.Declared() {
		takes[d.Name] = slices.ContainsFunc(d.Params, func(p rpc.Param) bool { return p.Name == "queryOpts" })
	}
	groups := map[string][]call{}
	for _, c := range calls {
		groups[c.Method] = append(groups[c.Method], c)
	}
	found := map[string]listing{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(3)
	for method, calls := range groups {
		m := asked{world: w, report: r, mu: &mu, takes: takes[method], long: r.long[method]}
		g.Go(func() error {
			m.run(t, calls)
			mu.Lock()
			defer mu.Unlock()
			r.long[method] = m.long
			if m.listing.row != nil {
				found[method] = m.listing
			}
			return nil
		})
	}
	_ = g.Wait() // nothing fails but the test
	return found
}

// A method whose answers are long, as those of lists over a whole big database,
// gives one in full; after it calls are for the first rows.
// When its time is over, the rest of its calls is not made, which the report tells.
const (
	longAnswer = 2 << 20 // bytes
	someRows   = 200
	methodTime = 40 * time.Second // of both hubs
)

// asked is one method, while its calls are made.
type asked struct {
	*world
	report  *report
	mu      *sync.Mutex // of report
	takes   bool        // queryOpts
	long    bool        // there was a long answer
	spent   time.Duration
	listing listing
}

func (m *asked) run(t *testing.T, calls []call) {
	t.Helper()
	for i, c := range calls {
		if m.spent > methodTime {
			m.mu.Lock()
			m.report.unasked[c.Method] += len(calls) - i
			m.mu.Unlock()
			return
		}
		if m.long && m.takes {
			c = m.firstRows(c)
		}
		koji, toji := m.koji.call(t, c), m.toji.call(t, c)
		m.spent += koji.took + toji.took
		m.mu.Lock()
		m.report.add(c, koji, toji)
		m.mu.Unlock()
		if row := firstRow(koji); m.takes && row != nil && (m.listing.row == nil || byMethod(c, m.listing.call) < 0) {
			m.listing = listing{c, row}
		}
		m.long = m.long || len(koji.body) > longAnswer
	}
}

// firstRows returns c with a limit, if it has none and is not for a count.
func (m *asked) firstRows(c call) call {
	args, kw := xmlrpc.SplitKeywords(c.Args)
	opts := map[string]any{"limit": int64(someRows)}
	if m.listing.row != nil {
		opts["order"] = tieBreaker(m.listing.row)
	}
	own, _ := kw["queryOpts"].(map[string]any)
	if own["limit"] != nil || own["countOnly"] != nil {
		return c
	}
	maps.Copy(opts, own)
	all := maps.Clone(kw)
	if all == nil {
		all = map[string]any{}
	}
	all["queryOpts"] = opts
	return call{Method: c.Method, Args: append(slices.Clone(args), xmlrpc.Keywords(all)), User: c.User}
}

// report counts answers and keeps the differences.
type report struct {
	counts  map[verdict]int
	reasons map[string]int
	unasked map[string]int  // calls by method for which there was no time
	long    map[string]bool // methods that gave a long answer
	lines   []string
	wrong   bool // the calls have arguments that cannot be right
}

func newReport() *report {
	return &report{counts: map[verdict]int{}, reasons: map[string]int{}, unasked: map[string]int{}, long: map[string]bool{}}
}

func (r *report) add(c call, koji, toji answer) {
	v := compare(koji, toji)
	if v == differs && anyOf(c, koji, toji) {
		v = reordered
	}
	if v == differs || v == toldApart || v == reordered && !unordered[c.Method] {
		if reason := r.allowed(c, koji, toji); reason != "" {
			v = stays
			r.reasons[reason]++
		} else {
			r.lines = append(r.lines, fmt.Sprintf("%s: %s: %s", c, v, describe(koji, toji)))
		}
	}
	r.counts[v]++
}

// allowed tells why a difference is one that stays; "" if it is not.
func (r *report) allowed(c call, koji, toji answer) string {
	switch reason := allowed(c, toji); {
	case reason != "" || !r.wrong:
		return reason
	case koji.fault != nil && c.Method == "multiCall", koji.fault != nil && c.Method == "system.multicall":
		return "Koji makes some answers while it writes them, and one that fails then fails the whole batch"
	case koji.fault != nil && toji.fault != nil:
		return "both refuse, in other words"
	case koji.fault != nil && koji.fault.Code == 1 && internals.MatchString(koji.fault.String):
		return "Koji's database or Python stumbles over a wrong type, and Toji finds nothing, or reads it as what it stands for"
	case toji.fault != nil:
		return "Koji takes a wrong type for none or for something else, and Toji refuses it"
	}
	return ""
}

// print tells what came out, and fails if there are differences that nobody
// knows of.
func (r *report) print(t *testing.T) {
	t.Helper()
	total := 0
	for _, n := range r.counts {
		total += n
	}
	t.Logf("%d calls: %d equal answers, %d equal as sets, %d clear faults where Koji has an internal error, %d known differences, %d unknown ones",
		total, r.counts[same], r.counts[reordered], r.counts[kojiErrs], r.counts[stays], len(r.lines))
	for _, reason := range slices.Sorted(mapKeys(r.reasons)) {
		t.Logf("%5d %s", r.reasons[reason], reason)
	}
	for _, method := range slices.Sorted(mapKeys(r.unasked)) {
		t.Logf("%5d calls of %s not made: its time was over", r.unasked[method], method)
	}
	slices.Sort(r.lines)
	for _, line := range r.lines {
		t.Error(line)
	}
}
