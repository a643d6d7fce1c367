package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestWire has a subtest per command, and in it one per step.
func TestWire(t *testing.T) {
	steps := readSteps(t)
	r := &replay{t: t, server: newHub(t), sessions: map[string]session{}}
	found := map[string][]string{} // differences by step
	byCommand := map[string][]step{}
	var commands []string
	for _, s := range steps {
		found[s.name()] = r.run(s)
		command := s.Argv[0]
		if !slices.Contains(commands, command) {
			commands = append(commands, command)
		}
		byCommand[command] = append(byCommand[command], s)
	}
	pending := readPending(t)
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			for _, s := range byCommand[command] {
				t.Run(s.name(), func(t *testing.T) { report(t, s, found[s.name()], pending[s.name()]) })
			}
		})
	}
}

func report(t *testing.T, s step, differences []string, pending string) {
	switch {
	case pending != "" && len(differences) == 0:
		t.Errorf("step %s agrees now: take it off testdata/pending.txt", s.name())
	case pending != "":
		t.Skip(pending)
	case len(differences) > 0:
		t.Errorf("koji %s (as %s)\n  %s", strings.Join(s.Argv, " "), s.User, strings.Join(differences, "\n  "))
	}
}

// The replay must notice what it is there to notice.
func TestDifferences(t *testing.T) {
	want := map[string]any{"id": int64(1), "name": "a", "create_time": "2026-11-23 09:06:53.398+00:00", "list": []any{int64(1)}}
	for _, c := range []struct {
		name string
		got  map[string]any
		n    int
	}{
		{"same", map[string]any{"id": int64(1), "name": "a", "create_time": "2027-01-01 00:00:00+00:00", "list": []any{int64(1)}}, 0},
		{"other value", map[string]any{"id": int64(1), "name": "b", "create_time": "2027-01-01 00:00:00+00:00", "list": []any{int64(1)}}, 1},
		{"other type", map[string]any{"id": "1", "name": "a", "create_time": "2027-01-01 00:00:00+00:00", "list": []any{int64(1)}}, 1},
		{"missing and extra", map[string]any{"id": int64(1), "Name": "a", "create_time": "2027-01-01 00:00:00+00:00", "list": []any{int64(1)}}, 2},
		{"time gone", map[string]any{"id": int64(1), "name": "a", "create_time": nil, "list": []any{int64(1)}}, 1},
		{"longer list", map[string]any{"id": int64(1), "name": "a", "create_time": "2027-01-01 00:00:00+00:00", "list": []any{int64(1), int64(2)}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Len(t, differences("v", masked(call{}, want), masked(call{}, c.got)), c.n)
		})
	}
}
