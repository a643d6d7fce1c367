package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// call is a call to repeat.
type call struct {
	name    string
	session bool
	body    func(i int) string
}

// connections is how many clients call at once; peer has figures for these.
var connections = []int{1, 4, 16}

// calls measures the API as Koji's figures did: each call by itself, the closed
// loop on the same machine, with other arguments each time.
func (b *bench) calls(context.Context) error {
	hub, err := b.processes(isHub)
	if err != nil {
		return err
	}
	for _, c := range b.apiCalls() {
		fmt.Fprintf(b.log, "  %s\n", c.name)
		rates := make([]rate, len(connections))
		hubTime, dbTime, n := time.Duration(0), time.Duration(0), 0
		for i, k := range connections {
			callers, err := b.callers(k, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			db, err := b.processes(isKojiDB)
			if err != nil {
				return err
			}
			hubBefore, dbBefore := cpu(hub), cpu(db)
			if rates[i], err = hammer(callers, b.dur, c.body); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			hubTime, dbTime, n = hubTime+cpu(hub)-hubBefore, dbTime+cpu(db)-dbBefore, n+rates[i].calls
			for _, one := range callers {
				one.conn.Close()
			}
		}
		b.addCall(c.name, rates)
		b.report.add(c.name, "hub / database", cpuTime, milliseconds(hubTime)/float64(n), milliseconds(dbTime)/float64(n))
	}
	return nil
}

func (b *bench) addCall(name string, rates []rate) {
	var perSecond, p50, p99 []float64
	for _, r := range rates {
		perSecond, p50, p99 = append(perSecond, r.perSecond), append(p50, r.p50), append(p99, r.p99)
	}
	const of = "1 / 4 / 16 connections"
	b.report.add(name, of, "/s", perSecond...)
	b.report.add(name, of, "ms p50", p50...)
	b.report.add(name, of, "ms p99", p99...)
}

// callers opens connections, each with a session of its own if the call wants
// one, and makes a first call on each.
func (b *bench) callers(n int, c call) ([]*caller, error) {
	callers := make([]*caller, n)
	for i := range callers {
		one, err := dial(b.Env["TOJI_URL"])
		if err != nil {
			return nil, err
		}
		if c.session {
			sub, err := b.Client.Subsession(context.Background())
			if err != nil {
				return nil, err
			}
			one.login(sub.Session())
		}
		// Of the hub's database connections each prepares a statement when it sees it twice.
		if err := one.call(c.body(i)); err != nil {
			return nil, err
		}
		callers[i] = one
	}
	for range 2 {
		if _, err := hammer(callers, 50*time.Millisecond, c.body); err != nil {
			return nil, err
		}
	}
	return callers, nil
}

func (b *bench) apiCalls() []call {
	builds, tasks := 10_000*b.scale, 20_000*b.scale
	newest := map[string]any{"limit": 50, "order": "-id"}
	return []call{
		{"echo", false, always("echo", "hello", 42)},
		{"getUser", false, always("getUser", "bench-user")},
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
		{"login", false, always("login", "bench-user", "bench")},
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
