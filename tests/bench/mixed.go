package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

// mixedRounds is how often each hub has its turn, so that what else the machine
// does meets both.
const mixedRounds = 8

// share is how many of a mix's calls are such a call.
type share struct {
	call string // its name among apiCalls
	n    int
}

// reads is what the clients of a build system ask most.
var reads = []share{
	{"echo", 10}, {"getUser", 20}, {"getTag", 30}, {"getTaskInfo", 40}, {"getBuild", 40}, {"getBuild (NVR)", 20},
	{"listBuilds (1 package)", 20}, {"listTasks (limit 50)", 5}, {"listTags (209)", 5}, {"getLatestBuilds (1 package)", 8},
}

// largeReads are answers of 1 and 2 MB.
var largeReads = []share{{"listTagged (1000)", 1}, {"getLatestBuilds (1000)", 1}}

// mixed has 16 clients make many kinds of calls, each the next one as soon as it
// has an answer: of ours and, if there is one, of a real Koji in turn.
func (b *bench) mixed(ctx context.Context) error {
	if err := b.mix(ctx, mixedReads, reads); err != nil {
		return err
	}
	return b.mix(ctx, mixedLarge, slices.Concat(reads, largeReads))
}

func (b *bench) mix(ctx context.Context, name string, shares []share) error {
	body, err := b.anyCall(shares)
	if err != nil {
		return err
	}
	sides := b.sides()
	loads := make([]load, len(sides))
	for round := range mixedRounds {
		for i, s := range sides {
			callers, err := s.callers(ctx, 16, false, body)
			if err != nil {
				return err
			}
			l, err := s.hammer(callers, b.dur, body)
			hangUp(callers)
			if err != nil {
				return err
			}
			loads[i].add(l)
			fmt.Fprintf(b.log, "  round %d, %s: %.0f/s, p50 %.2f ms, p99 %.2f ms\n", round+1, s.name, l.perSecond(), l.percentile(0.5), l.percentile(0.99))
		}
	}
	b.addLoads(name, "16 connections", slices.Collect(slices.Chunk(loads, 1)))
	return nil
}

// anyCall is a body that is one of the calls each time, by their shares.
func (b *bench) anyCall(shares []share) (func(i int) string, error) {
	var deck []func(int) string
	calls := b.apiCalls()
	for _, s := range shares {
		i := slices.IndexFunc(calls, func(c call) bool { return c.name == s.call })
		if i < 0 {
			return nil, fmt.Errorf("there is no call %q", s.call)
		}
		deck = append(deck, slices.Repeat([]func(int) string{calls[i].body}, s.n)...)
	}
	return func(i int) string { return deck[rand.IntN(len(deck))](i) }, nil
}
