package site

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

type params struct {
	Path string `rpc:"path"`
	Max  *int64 `rpc:"max,optional=10"`
}

func scan() Type[params, []string] {
	return Type[params, []string]{
		Name: "scan", Version: 1, Title: "Scan a file", Label: []string{"path"},
		Run: func(_ context.Context, _ *Job, p params) ([]string, error) {
			if *p.Max > 10 {
				return nil, koji.GenericErrorf("%d is too much", *p.Max)
			}
			return []string{p.Path}, nil
		},
	}
}

func TestType(t *testing.T) {
	served, err := types([]Served{scan()})
	require.NoError(t, err)
	require.Equal(t, "scan", served[0].Name)
	require.Equal(t, "10", served[0].Params[1].Default)
	run := served[0].Run

	result, err := run(t.Context(), nil, []any{"a.txt"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a.txt"}, result)
	_, err = run(t.Context(), nil, []any{"a.txt"}, map[string]any{"max": int64(11)})
	require.ErrorContains(t, err, "11 is too much")
	_, err = run(t.Context(), nil, nil, nil)
	require.True(t, koji.IsFault(err, koji.FaultParameter), "a hub of another version sends what does not fit: %v", err)
}

func TestTypesThatMakeNoSense(t *testing.T) {
	_, err := types(nil)
	require.ErrorContains(t, err, "no task types to serve")
	idle, early := scan(), scan()
	idle.Run, early.Version = nil, 0
	_, err = types([]Served{idle, early})
	require.ErrorContains(t, err, "task type scan has no function Run")
	require.ErrorContains(t, err, "its version is 0, the first one is 1")
}
