package gc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/policy"
)

// Tagged is a build in a tag.
type Tagged struct {
	BuildID int64
	NVR     string
	Since   time.Time // when it was tagged
	Volume  string
	Keys    []string // of its signatures; only needed if the policy asks, see Needs
	Tags    []string // that it is in; likewise
}

// Needs tells whether the policy asks for the signatures, and for all tags, of
// builds, which are dear to look up.
func (r *Rules) Needs() (keys, tags bool) {
	return r.prune.Uses("sig"), r.prune.Uses("hastag")
}

// Decision is what the policy says of one build.
type Decision struct {
	Tagged
	Action string // Keep, Untag or Skip
	Rule   string // that led to it
}

// Prune decides about the builds of one package in a tag, the latest first. A
// build that no rule speaks of stays.
func (r *Rules) Prune(ctx context.Context, tag, pkg string, builds []Tagged, now time.Time) ([]Decision, error) {
	if !r.HasPackage(pkg) {
		return nil, nil
	}
	var all []Decision
	skipped := 0
	for i, b := range builds {
		res, err := r.prune.Apply(ctx, policy.Data{
			"tagname": tag, "pkgname": pkg, "volname": b.Volume, "order": i - skipped,
			"age": now.Sub(b.Since), "keys": b.Keys, "tags": b.Tags, "nvr": b.NVR,
		})
		if err != nil {
			return nil, err
		}
		if res.Action == Skip {
			skipped++
		}
		all = append(all, Decision{Tagged: b, Action: cmp.Or(res.Action, Keep), Rule: res.Rule})
	}
	return all, nil
}

// language has the tests of koji-gc.
func (r *Rules) language() policy.Language {
	return policy.Language{
		"tag":     named("tagname"),
		"package": named("pkgname"),
		"volume":  named("volname"),
		"hastag": func(patterns []string) (func(policy.Data) bool, error) {
			return anyOf("tags", func(tag string) bool { return matches(patterns, tag) }), nil
		},
		"sig": func(patterns []string) (func(policy.Data) bool, error) {
			return anyOf("keys", func(key string) bool { return r.keyMatches(patterns, key) }), nil
		},
		"order": order,
		"age":   age,
	}
}

func named(field string) policy.Test {
	return func(patterns []string) (func(policy.Data) bool, error) {
		return func(d policy.Data) bool { return matches(patterns, d[field].(string)) }, nil
	}
}

func anyOf(field string, holds func(string) bool) func(policy.Data) bool {
	return func(d policy.Data) bool {
		for _, s := range d[field].([]string) {
			if holds(s) {
				return true
			}
		}
		return false
	}
}

func order(args []string) (func(policy.Data) bool, error) {
	if len(args) != 2 {
		return nil, errors.New("wants an operator and a number")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, fmt.Errorf("%q is not a whole number", args[1])
	}
	holds, err := policy.Comparison(args[0])
	return func(d policy.Data) bool { return holds(float64(d["order"].(int)), float64(n)) }, err
}

func age(args []string) (func(policy.Data) bool, error) {
	if len(args) < 2 {
		return nil, errors.New("wants an operator and a time, such as 6 weeks")
	}
	span, err := parseSpan(args[1:])
	if err != nil {
		return nil, err
	}
	holds, err := policy.Comparison(args[0])
	return func(d policy.Data) bool { return holds(d["age"].(time.Duration).Seconds(), span.Seconds()) }, err
}

// units are those of koji-gc's times.
var units = map[string]time.Duration{
	"week": 7 * 24 * time.Hour, "wk": 7 * 24 * time.Hour,
	"day": 24 * time.Hour, "hour": time.Hour, "hr": time.Hour,
	"minute": time.Minute, "min": time.Minute,
	"second": time.Second, "sec": time.Second, "s": time.Second,
}

// parseSpan reads a time such as "6 weeks", "1 day 12 hours" or "90min".
func parseSpan(words []string) (time.Duration, error) {
	text := strings.ToLower(strings.Join(words, " "))
	var sum time.Duration
	for rest := text; rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 {
			return 0, fmt.Errorf("%q is not a time such as 6 weeks", text)
		}
		n, err := strconv.ParseFloat(rest[:end], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a time such as 6 weeks", text)
		}
		name, after, _ := strings.Cut(strings.TrimSpace(rest[end:]), " ")
		unit, ok := units[name]
		if !ok {
			unit, ok = units[strings.TrimSuffix(name, "s")]
		}
		if !ok {
			return 0, fmt.Errorf("%q is no unit of time: week, day, hour, minute or second", name)
		}
		sum += time.Duration(n * float64(unit))
		rest = strings.TrimSpace(after)
	}
	return sum, nil
}
