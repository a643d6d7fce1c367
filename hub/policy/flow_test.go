package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What Koji 1.36 added to the language.
func TestFlow(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // of every rule that applies
	}{
		{"all that apply", "all :: one\nnone :: two\nall :: three", []string{"one", "three"}},
		{"not", "! none :: one\n! all :: two\n! none && all :: three\n! all !! four", []string{"one", "three", "four"}},
		{"break at the top", "all :: one\nall :: break\nall :: two", []string{"one"}},
		{"break out of a block", "all :: {\nall :: one\nall :: break\nall :: two\n}\nall :: three", []string{"one", "three"}},
		{"break out of two", "all :: {\nall :: {\nall :: one\nall :: break 2\n}\nall :: two\n}\nall :: three", []string{"one", "three"}},
		{"break out of one of two", "all :: {\nall :: {\nall :: break 1\nall :: one\n}\nall :: two\n}\nall :: three", []string{"two", "three"}},
		{"break out of more than there are", "all :: {\nall :: break 9\n}\nall :: one", nil},
		{"break that does not apply", "none :: break\nall :: one", []string{"one"}},
		{"stop", "all :: {\nall :: {\nall :: one\nall :: stop\n}\nall :: two\n}\nall :: three", []string{"one"}},
		{"flag", "flagged x :: early\nall :: flag x\nflagged x :: late\nflagged y :: other", []string{"late"}},
		{"flag of a block", "none :: {\nall :: flag x\n}\nall :: {\nall :: flag y\n}\nflagged x :: x\nflagged y :: y", []string{"y"}},
		{"a negated rule", "none !! break\nall :: one", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := NewSet(map[string]string{"p": c.text}, Options{})
			require.NoError(t, err)
			all, err := set.EvalAll(t.Context(), "p", nil)
			require.NoError(t, err)
			var actions []string
			for _, r := range all {
				actions = append(actions, r.Action)
			}
			require.Equal(t, c.want, actions)
			first, err := set.Eval(t.Context(), "p", nil)
			require.NoError(t, err)
			if c.want == nil {
				require.False(t, first.Matched())
				return
			}
			require.Equal(t, c.want[0], first.Action)
		})
	}
}

// A policy that another asks stops by itself; the flags are those of the question.
func TestFlowOfNamedPolicy(t *testing.T) {
	set, err := NewSet(map[string]string{
		"outer": "policy inner :: no\nflagged seen :: yes",
		"inner": "all :: flag seen\nall :: stop\nall :: allow",
	}, Options{})
	require.NoError(t, err)
	r, err := set.Eval(t.Context(), "outer", nil)
	require.NoError(t, err)
	require.Equal(t, "yes", r.Action)
	r, err = set.Eval(t.Context(), "outer", nil)
	require.NoError(t, err)
	require.Equal(t, "yes", r.Action, "a flag of the question before")
}

func TestPlaces(t *testing.T) {
	_, err := NewSet(map[string]string{"tag": "all :: allow\nbad"}, Options{Place: func(policy string, line int) string {
		require.Equal(t, "tag", policy)
		return "hub.conf:" + string(rune('0'+line+6))
	}})
	require.ErrorContains(t, err, `hub.conf:8: policy tag:2: neither :: nor !! in "bad"`)
}

func TestLint(t *testing.T) {
	for _, c := range []struct {
		name, policy, text string
		want               []Finding
	}{
		{"fine", "tag", "tag x :: deny no x\nall :: ALLOW", nil},
		{"flow", "tag", "tag x :: flag y\nflagged y :: {\nall :: break\n}\nall :: stop", nil},
		{"no last rule", "build_rpm", "user x :: allow", []Finding{{"build_rpm", 0, false, `no rule for everything else, such as "all :: ...": where none applies, it is denied`}}},
		{"unknown action", "tag", "all :: alow", []Finding{{"tag", 1, true, `the action "alow" is none of allow, deny`}}},
		{"channel", "channel", "all :: use", []Finding{{"channel", 1, true, `the action "use" has the wrong arguments`}}},
		{"priority", "priority", "all :: adjust +5", nil},
		{"no number", "priority", "all :: set high", []Finding{{"priority", 1, true, `the action "set high" has the wrong arguments`}}},
		{"dead rule", "vm", "none !! deny\nall :: allow", []Finding{{"vm", 2, false, "never reached: the rule in line 1 always applies"}}},
		{"unknown policy", "vm", "policy x :: allow\nall :: deny", []Finding{{"vm", 1, true, "there is no policy x"}}},
		{"loop", "vm", "policy vm :: allow\nall :: deny", []Finding{{"vm", 0, true, "asks itself: vm -> vm"}}},
		{"not asked", "tags", "all :: deny", []Finding{{"tags", 0, false, "nothing asks a policy of this name"}}},
		{"flag", "vm", "flagged x :: allow\nall :: deny", []Finding{{"vm", 1, false, "no rule sets the flag x"}}},
		{"break", "vm", "none :: break 2\nall :: deny", []Finding{{"vm", 1, false, "break 2 leaves more levels than the 1 there are"}}},
		{"empty block", "vm", "all :: {\n}\nall :: deny", []Finding{{"vm", 1, false, "the block is empty"}}},
		{"volume", "volume", "all :: anything", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := NewSet(map[string]string{c.policy: c.text}, Options{})
			require.NoError(t, err)
			require.Equal(t, c.want, set.Lint([]string{c.policy}))
		})
	}
}

// The defaults are above reproach, and each is of a policy that the hub asks.
func TestDefaultsAreFine(t *testing.T) {
	set, err := NewSet(nil, Options{})
	require.NoError(t, err)
	require.Empty(t, set.Lint(set.Names()))
}

// Parse takes or refuses any text, and what it takes can be asked.
func FuzzParse(f *testing.F) {
	for _, text := range defaults {
		f.Add(text)
	}
	f.Add("! tag f42-* && has_perm admin !! {\n match x [a-z]?* :: break 2\n all :: flag seen\n}\nflagged seen :: stop\ncompare x >= 2.5 :: deny no # really")
	f.Add("match_any l [!x] :: allow\nmatch_all l [ :: allow\nbool x !! use default\npolicy p :: x")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := NewSet(map[string]string{"p": text}, Options{})
		if err != nil {
			return
		}
		set.Lint([]string{"p"})
		data := Data{"x": int64(3), "l": []any{"a", nil, int64(4)}, "tag": "f42", "parent": nil}
		_, _ = set.EvalAll(t.Context(), "p", data) // of a hub without lookups: errors are answers
	})
}
