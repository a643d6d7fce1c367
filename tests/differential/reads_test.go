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
	r := &report{counts: map[verdict]int{}}
	lists := w.ask(t, r, calls)
	calls = nil
	for _, c := range slices.SortedFunc(mapKeys(lists), strings.Compare) {
		calls = append(calls, g.ordered(lists[c].call, lists[c].row)...)
	}
	w.ask(t, r, calls)
	r.print(t)
}

// TestWrongReads asks with arguments that cannot be right.
func TestWrongReads(t *testing.T) {
	w := newWorld(t)
	g := &generator{pools: fill(t, w.db), rand: rand.New(rand.NewPCG(3, 4))}
	var calls []call
	for _, d := range readers() {
		calls = append(calls, g.wrong(d)...)
	}
	r := &report{counts: map[verdict]int{}}
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
	counts map[verdict]int
	lines  []string
}

func (r *report) add(c call, koji, toji answer) {
	v := compare(koji, toji)
	if v == same {
		r.counts[v]++
		return
	}
	if v == reordered && unordered[c.Method] != "" {
		r.counts[v]++
		return
	}
	r.counts[v]++
	r.lines = append(r.lines, fmt.Sprintf("%s: %s: %s", c, v, describe(koji, toji)))
}

func (r *report) print(t *testing.T) {
	t.Helper()
	slices.Sort(r.lines)
	for _, line := range r.lines {
		t.Log(line)
	}
	total := 0
	for _, n := range r.counts {
		total += n
	}
	t.Logf("%d calls: %d equal, %d equal as sets, %d faults where Koji errs, %d answers where Koji errs, %d different",
		total, r.counts[same], r.counts[reordered], r.counts[kojiErrs], r.counts[toldApart], r.counts[differs])
}

// unordered are the methods whose rows Koji does not order.
var unordered = map[string]string{}
