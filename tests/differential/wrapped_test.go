package differential

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// batch is how many calls a multiCall has.
const batch = 20

// TestWrapped asks by multiCall, count, filterResults and countAndFilterResults.
func TestWrapped(t *testing.T) {
	w := newWorld(t)
	g := &generator{pools: fill(t, w.db), rand: rand.New(rand.NewPCG(5, 6))}
	var plain, calls []call
	for _, d := range readers() {
		if !unordered[d.Name] && !strings.HasPrefix(d.Name, "system.") && !strings.HasPrefix(d.Name, "host.") {
			plain = append(plain, g.method(d, 2)...)
		}
	}
	plain = slices.DeleteFunc(plain, func(c call) bool {
		return allowed(c, answer{}) != "" || compare(w.koji.call(t, c), w.toji.call(t, c)) != same
	})
	g.rand.Shuffle(len(plain), func(i, j int) { plain[i], plain[j] = plain[j], plain[i] })
	for some := range slices.Chunk(plain, batch) {
		list := make([]any, len(some))
		for i, c := range some {
			params := c.Args
			if params == nil {
				params = []any{}
			}
			list[i] = map[string]any{"methodName": c.Method, "params": params}
		}
		calls = append(calls, call{Method: "multiCall", Args: []any{list}}, call{Method: "system.multicall", Args: []any{list}})
	}
	for _, c := range plain[:min(len(plain), 300)] {
		args, kw := xmlrpc.SplitKeywords(c.Args)
		if kw != nil {
			args = append(slices.Clone(args), xmlrpc.Keywords(kw))
		}
		calls = append(calls, call{Method: "count", Args: append([]any{c.Method}, args...)})
		for _, opts := range []map[string]any{{"limit": int64(2)}, {"order": "id"}, {"order": "-name", "offset": int64(1)}, {"filter": "x"}} {
			all := map[string]any{"filterOpts": opts}
			for k, v := range kw {
				all[k] = v
			}
			positional, _ := xmlrpc.SplitKeywords(c.Args)
			for _, wrapper := range wrappers[1:] {
				calls = append(calls, call{Method: wrapper, Args: append(append([]any{c.Method}, positional...), xmlrpc.Keywords(all))})
			}
		}
	}
	r := newReport()
	r.wrong = true // many a call cannot be filtered; the words for that are of no account
	w.ask(t, r, calls)
	r.print(t)
}
