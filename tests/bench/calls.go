package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// call is a call to repeat.
type call struct {
	name    string
	session bool
	body    func(i int) string
}

// benchUser is in the data set, with this password.
const (
	benchUser     = "bench-user"
	benchPassword = "bench"
)

// connections is how many clients call at once; Koji has recorded figures for these.
var connections = []int{1, 4, 16}

// calls measures the API as Koji's figures were: each call by itself, the closed
// loop on the same machine, with other arguments each time. If there is a real
// Koji, it is measured in the same minute.
func (b *bench) calls(ctx context.Context) error {
	sides := b.sides()
	for _, c := range b.apiCalls() {
		fmt.Fprintf(b.log, "  %s\n", c.name)
		loads := make([][]load, len(sides))
		for i, s := range sides {
			for _, n := range connections {
				callers, err := s.callers(ctx, n, c.session, c.body)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", c.name, s.name, err)
				}
				l, err := s.hammer(callers, b.dur, c.body)
				hangUp(callers)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				loads[i] = append(loads[i], l)
			}
		}
		b.addLoads(c.name, "1 / 4 / 16 connections", loads)
	}
	return nil
}

// addLoads reports the loads of each side.
func (b *bench) addLoads(name, of string, sides [][]load) {
	for _, f := range []struct {
		unit  string
		value func(*load) float64
	}{
		{"/s", (*load).perSecond},
		{"ms p50", func(l *load) float64 { return l.percentile(0.5) }},
		{"ms p99", func(l *load) float64 { return l.percentile(0.99) }},
	} {
		values := make([][]float64, len(sides))
		for i, loads := range sides {
			for _, l := range loads {
				values[i] = append(values[i], f.value(&l))
			}
		}
		b.report.beside(name, of, f.unit, values...)
	}
	times := make([][]float64, len(sides))
	for i, loads := range sides {
		var all load
		for _, l := range loads {
			all.add(l)
		}
		n := float64(len(all.took))
		times[i] = []float64{milliseconds(all.hub) / n, milliseconds(all.db) / n}
	}
	b.report.beside(name, "hub / database", cpuTime, times...)
}

func (b *bench) apiCalls() []call {
	builds, tasks := 10_000*b.scale, 20_000*b.scale
	newest := map[string]any{"limit": 50, "order": "-id"}
	return []call{
		{"echo", false, always("echo", "hello", 42)},
		{"getUser", false, always("getUser", benchUser)},
		{"getTag", false, always("getTag", "bench-t5")},
		{"listTags (209)", false, always("listTags")},
		{"getTaskInfo", false, func(int) string { return request("getTaskInfo", anyOf(tasks)) }},
		{"listTasks (limit 50)", false, always("listTasks", map[string]any{"decode": true}, newest)},
		{"getBuild", false, func(int) string { return request("getBuild", anyOf(builds)) }},
		{"getBuild (NVR)", false, func(int) string {
			return request("getBuild", fmt.Sprintf("bench-%05d-%d-1", 1+rand.IntN(2000*b.scale), 1+rand.IntN(5)))
		}},
		{"getBuild (session)", true, func(int) string { return request("getBuild", anyOf(builds)) }},
		{"getLoggedInUser (session)", true, always("getLoggedInUser")},
		{"listBuilds (limit 50)", false, always("listBuilds", keywords("queryOpts", map[string]any{"limit": 50, "order": "-build_id"}))},
		{"listBuilds (1 package)", false, func(int) string {
			pkg := 1_000_001 + rand.IntN(2000*b.scale)
			return request("listBuilds", keywords("packageID", pkg, "queryOpts", map[string]any{"limit": 50, "order": "-build_id"}))
		}},
		{"listTagged (1000)", false, always("listTagged", "bench-t0")},
		{"listTagged (1000, 6 tags)", false, always("listTagged", "bench-t5", keywords("inherit", true, "latest", true))},
		{"getLatestBuilds (1 package)", false, func(int) string {
			return request("getLatestBuilds", "bench-t5", keywords("package", fmt.Sprintf("bench-%05d", 1+rand.IntN(1000))))
		}},
		{"getLatestBuilds (1000)", false, always("getLatestBuilds", "bench-t5")},
		{"listTaggedRPMS (4000)", false, always("listTaggedRPMS", "bench-t5", keywords("inherit", true, "latest", true))},
		{"login", false, always("login", benchUser, benchPassword)},
		{"multiCall (100 getBuild)", false, func(int) string {
			calls := make([]any, 100)
			for i := range calls {
				calls[i] = map[string]any{"methodName": "getBuild", "params": []any{anyOf(builds)}}
			}
			return request("multiCall", calls)
		}},
	}
}

// anyOf returns an id of n builds or tasks of the data set.
func anyOf(n int) int { return 1_000_001 + rand.IntN(n) }

// always is a body that does not change.
func always(method string, params ...any) func(int) string {
	text := request(method, params...)
	return func(int) string { return text }
}

func request(method string, params ...any) string {
	text, err := xmlrpc.MarshalRequest(method, params...)
	if err != nil {
		panic(err) // of our own making
	}
	return text
}

// keywords are the last parameter of a call with named ones.
func keywords(pairs ...any) map[string]any {
	kw := map[string]any{}
	for pair := range slices.Chunk(pairs, 2) {
		kw[pair[0].(string)] = pair[1]
	}
	return xmlrpc.Keywords(kw)
}
