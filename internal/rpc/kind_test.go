package rpc

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

type someParams struct {
	Path   string   `rpc:"path" doc:"below work/"`
	Max    *int64   `rpc:"max,optional=10"`
	Rate   float64  `rpc:"rate,optional=0.5"`
	Force  bool     `rpc:"force,optional=False"`
	Names  []string `rpc:"names,optional=None"`
	Opts   struct{} `rpc:"opts,optional={}"`
	Either any      `rpc:"either,optional='x'"`
}

// A struct made of the description of another's parameters takes the same
// arguments and refuses others in the same words.
func TestStructOf(t *testing.T) {
	own := reflect.TypeFor[someParams]()
	params := ParamsOf(own)
	require.Equal(t, "below work/", params[0].Doc)
	made, err := StructOf(params)
	require.NoError(t, err)
	for _, c := range []struct {
		args []any
		kw   map[string]any
	}{
		{args: []any{"a"}}, {args: []any{"a", int64(5), 1.5, true, []any{"b"}, map[string]any{}, nil}}, {args: []any{"a", "7"}},
		{}, {args: []any{nil}}, {args: []any{int64(1)}}, {args: []any{"a", "many"}}, {args: []any{"a"}, kw: map[string]any{"names": "b"}},
		{kw: map[string]any{"path": "a", "either": int64(3)}}, {args: []any{"a"}, kw: map[string]any{"path": "b"}},
		{args: []any{"a"}, kw: map[string]any{"nosuch": "b"}}, {args: []any{"a", nil, nil, nil, nil, nil, nil, nil}},
	} {
		want := Decode(c.args, c.kw, reflect.New(own).Interface())
		got := Decode(c.args, c.kw, reflect.New(made).Interface())
		require.Equal(t, want, got, "%v %v", c.args, c.kw)
	}
	v := reflect.New(made)
	require.NoError(t, Decode([]any{"a"}, nil, v.Interface()))
	args, err := Encode(v.Interface())
	require.NoError(t, err)
	require.Equal(t, []any{"a", int64(10), 0.5, false, nil, map[string]any{}, "x"}, args)
}

func TestStructOfNonsense(t *testing.T) {
	text := func(name string) Param { return Param{Name: name, Kind: KindText} }
	optional := Param{Name: "o", Kind: KindInteger, Optional: true, Literal: "1"}
	for name, params := range map[string][]Param{
		"bad name":        {text("a b")},
		"no name":         {text("")},
		"rest":            {text("*args")},
		"doubled":         {text("a"), text("a")},
		"no kind":         {{Name: "a"}},
		"order":           {optional, text("a")},
		"default":         {{Name: "a", Kind: KindInteger, Optional: true, Literal: "'x'"}},
		"literal":         {{Name: "a", Kind: KindAny, Optional: true, Literal: "open()"}},
		"end of the tag":  {{Name: "a", Kind: KindText, Optional: true, Literal: "'\"` x:\"'"}, text("a")},
		"not even a text": {{Name: "a", Kind: KindText, Optional: true}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := StructOf(params)
			require.Error(t, err)
		})
	}
}
