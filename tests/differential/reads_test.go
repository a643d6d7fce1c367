package differential

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/internal/rpc"
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
// each method that takes queryOpts.
func (w *world) ask(t *testing.T, r *report, calls []call) map[string]listing {
	t.Helper()
	takes := map[string]bool{}
	for _, d := range rpc.Declared() {
		takes[d.Name] = slices.ContainsFunc(d.Params, func(p rpc.Param) bool { return p.Name == "queryOpts" })
	}
	found := map[string]listing{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(3)
	for _, c := range calls {
		g.Go(func() error {
			koji, toji := w.koji.call(t, c), w.toji.call(t, c)
			mu.Lock()
			defer mu.Unlock()
			r.add(c, koji, toji)
			if row := firstRow(koji); takes[c.Method] && row != nil {
				if l, ok := found[c.Method]; !ok || byMethod(c, l.call) < 0 {
					found[c.Method] = listing{c, row}
				}
			}
			return nil
		})
	}
	_ = g.Wait() // nothing fails but the test
	return found
}

// report counts answers and keeps the differences.
type report struct {
	counts  map[verdict]int
	reasons map[string]int
	lines   []string
	wrong   bool // the calls have arguments that cannot be right
}

func newReport() *report { return &report{counts: map[verdict]int{}, reasons: map[string]int{}} }

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
	slices.Sort(r.lines)
	for _, line := range r.lines {
		t.Error(line)
	}
}
