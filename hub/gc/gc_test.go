package gc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
)

func rules(t *testing.T, change func(*config.GC)) *Rules {
	t.Helper()
	c := config.Default().GC
	c.UnprotectedKeys = []string{"fedora-test", "dead*"}
	c.KeyAliases = map[string]string{"30C9ECF8": "fedora-test", "4F2A6FD2": "fedora-gold"}
	change(&c)
	r, err := New(c)
	require.NoError(t, err)
	return r
}

const day = 24 * time.Hour

// The example of Koji's documentation.
const example = `
    #stuff to protect
    tag *-updates :: keep
    hastag no-gc :: skip
    age < 1 day :: skip
    sig fedora-gold :: skip
    sig fedora-test && age < 12 weeks :: keep

    #stuff to chuck semi-rapidly
    tag *-testing *-candidate :: {  # nested rules
        order >= 2 :: untag
        order > 0 && age > 6 weeks :: untag
    }  #closing braces must be on a line by themselves (modulo comments/whitespace)
    tag *-candidate && age > 60 weeks :: untag

    #default: keep the last 3
    order > 2 :: untag`

func TestPrune(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	build := func(age time.Duration) Tagged { return Tagged{Since: now.Add(-age)} }
	signed := func(age time.Duration, key string) Tagged { return Tagged{Since: now.Add(-age), Keys: []string{key}} }
	for name, c := range map[string]struct {
		tag    string
		builds []Tagged
		want   []string
	}{
		"a tag to keep":          {"f40-updates", []Tagged{build(100 * day), build(100 * day), build(100 * day), build(100 * day)}, []string{Keep, Keep, Keep, Keep}},
		"the last three":         {"f40", []Tagged{build(3 * day), build(3 * day), build(3 * day), build(3 * day)}, []string{Keep, Keep, Keep, Untag}},
		"skipped do not count":   {"f40", []Tagged{build(time.Hour), build(3 * day), build(3 * day), build(3 * day), build(3 * day)}, []string{Skip, Keep, Keep, Keep, Untag}},
		"in blocks":              {"f40-testing", []Tagged{build(50 * day), build(43 * day), build(3 * day)}, []string{Keep, Untag, Untag}},
		"behind a block":         {"f40-candidate", []Tagged{build(421 * day)}, []string{Untag}},
		"an alias of a key":      {"f40-testing", []Tagged{signed(50*day, "4f2a6fd2"), build(50 * day), build(50 * day)}, []string{Skip, Keep, Untag}},
		"two tests":              {"f40-testing", []Tagged{build(3 * day), signed(50*day, "30c9ecf8"), signed(90*day, "30c9ecf8")}, []string{Keep, Keep, Untag}},
		"in another tag as well": {"f40", []Tagged{{Since: now.Add(-9 * day), Tags: []string{"f40", "no-gc"}}}, []string{Skip}},
	} {
		t.Run(name, func(t *testing.T) {
			r := rules(t, func(c *config.GC) { c.Policy = example })
			decisions, err := r.Prune(t.Context(), c.tag, "bash", c.builds, now)
			require.NoError(t, err)
			var got []string
			for _, d := range decisions {
				got = append(got, d.Action)
			}
			require.Equal(t, c.want, got)
		})
	}
	r := rules(t, func(c *config.GC) { c.Policy = example; c.PackageFilter = []string{"k*"} })
	decisions, err := r.Prune(t.Context(), "f40", "bash", []Tagged{{}}, now)
	require.NoError(t, err)
	require.Empty(t, decisions, "of packages that are not looked at")
	decisions, err = r.Prune(t.Context(), "f40-testing", "kernel", []Tagged{build(50 * day), build(50 * day), build(50 * day)}, now)
	require.NoError(t, err)
	require.Equal(t, "tag *-testing *-candidate :: ... order >= 2 :: untag", decisions[2].Rule)
}

func TestNeeds(t *testing.T) {
	keys, tags := rules(t, func(c *config.GC) { c.Policy = "order > 2 :: untag" }).Needs()
	require.False(t, keys || tags)
	keys, tags = rules(t, func(c *config.GC) { c.Policy = example }).Needs()
	require.True(t, keys && tags)
	require.False(t, rules(t, func(*config.GC) {}).Prunes())
}

func TestPolicyErrors(t *testing.T) {
	for policy, want := range map[string]string{
		"order > 2 :: delete":         `gc.policy: action "delete" is none of keep, untag, skip`,
		"order ~ 2 :: untag":          `policy gc.policy:1: order: "~" is none of < > <= >= = !=`,
		"order > 2.5 :: untag":        `policy gc.policy:1: order: "2.5" is not a whole number`,
		"order > :: untag":            `policy gc.policy:1: order: wants an operator and a number`,
		"age > 2 moons :: untag":      `policy gc.policy:1: age: "moons" is no unit of time: week, day, hour, minute or second`,
		"age > long :: untag":         `policy gc.policy:1: age: "long" is not a time such as 6 weeks`,
		"age 2 :: untag":              `policy gc.policy:1: age: wants an operator and a time, such as 6 weeks`,
		"user alice :: untag":         `policy gc.policy:1: there is no test named "user"`,
		"all :: keep\norder > 2 keep": `policy gc.policy:2: neither :: nor !! in "order > 2 keep"`,
	} {
		c := config.Default().GC
		c.Policy = policy
		_, err := New(c)
		require.EqualError(t, err, want, policy)
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"6 weeks": 42 * day, "1 day": day, "1 day 12 hours": 36 * time.Hour, "90min": 90 * time.Minute, "1.5 hr": 90 * time.Minute, "20s": 20 * time.Second, "2 Wks": 14 * day,
	} {
		got, err := parseSpan([]string{text})
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestPrunesTag(t *testing.T) {
	r := rules(t, func(c *config.GC) {
		c.TagFilter, c.IgnoreTags, c.BypassLocks = []string{"f4*", "trashcan"}, []string{"f41*"}, []string{"f42*"}
	})
	for _, c := range []struct {
		name         string
		locked, want bool
	}{
		{"f40", false, true}, {"f40", true, false}, {"f42", true, true}, {"f41", false, false}, {"el9", false, false}, {"trashcan", false, false},
	} {
		require.Equal(t, c.want, r.PrunesTag(c.name, c.locked), "%s, locked %v", c.name, c.locked)
	}
}

func TestTrash(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	long, lately := now.Add(-6*day), now.Add(-4*day)
	r := rules(t, func(c *config.GC) { c.PackageFilter = []string{"bash", "zsh"} })
	for name, c := range map[string]struct {
		build Untagged
		trash bool
		why   string
	}{
		"nobody needs it":       {Untagged{Package: "bash", Since: long}, true, "untagged since 2026-11-17 12:00"},
		"used long ago":         {Untagged{Package: "bash", Since: long, LastUsed: &long, Keys: []string{"deadbeef"}}, true, "untagged since 2026-11-17 12:00"},
		"not looked at":         {Untagged{Package: "ksh", Since: long}, false, ""},
		"used":                  {Untagged{Package: "bash", Since: long, Uses: "in an image"}, false, "in an image"},
		"used lately":           {Untagged{Package: "bash", Since: long, LastUsed: &lately}, false, "in a buildroot 2026-11-19 12:00"},
		"untagged lately":       {Untagged{Package: "bash", Since: lately}, false, "untagged only since 2026-11-19 12:00"},
		"signed":                {Untagged{Package: "bash", Since: long, Keys: []string{"30C9ECF8", "4f2a6fd2"}}, false, "signed with 4f2a6fd2"},
		"signed by unprotected": {Untagged{Package: "bash", Since: long, Keys: []string{"30c9ecf8", ""}}, true, "untagged since 2026-11-17 12:00"},
	} {
		trash, why := r.Trash(c.build, now)
		require.Equal(t, c.trash, trash, name)
		require.Equal(t, c.why, why, name)
	}
}
