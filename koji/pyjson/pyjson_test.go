package pyjson

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestParse(t *testing.T) {
	v, err := Parse(`{"z": [1, 1.0, 1e2, -9223372036854775809], "a": {"y": null, "x": true, "y": "é"}, "e": [], "o": {}}`)
	require.NoError(t, err)
	require.Equal(t, xmlrpc.Ordered{
		{Name: "z", Value: []any{int64(1), 1.0, 100.0, -9223372036854775809.0}},
		{Name: "a", Value: xmlrpc.Ordered{{Name: "y", Value: "é"}, {Name: "x", Value: true}}},
		{Name: "e", Value: []any{}}, {Name: "o", Value: xmlrpc.Ordered{}},
	}, v)
	for _, text := range []string{"", "{", "[1", "1 2", `{"a" 1}`, "nope", strings.Repeat("[", 20000)} {
		_, err := Parse(text)
		require.Error(t, err, text)
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, `null`},
		{[]any{"a", int64(2), true, 1.0, 1e30}, `["a", 2, true, 1.0, 1e+30]`},
		{map[string]any{"b": 1.5, "a": []any{}}, `{"a": [], "b": 1.5}`},
		{xmlrpc.Ordered{{Name: "b", Value: xmlrpc.Ordered{}}, {Name: "a", Value: "<&>"}}, `{"b": {}, "a": "<&>"}`},
		{`a,b: "c\`, `"a,b: \"c\\"`},
		{"é€😀\n\x01\x7f", `"\u00e9\u20ac\ud83d\ude00\n\u0001\u007f"`},
	} {
		text, err := Format(c.v)
		require.NoError(t, err)
		require.Equal(t, c.want, text)
	}
	for _, v := range []any{[]byte("x"), math.NaN(), math.Inf(1), []any{struct{}{}}} {
		_, err := Format(v)
		require.Error(t, err)
	}
}

func TestIndent(t *testing.T) {
	text, err := Indent(xmlrpc.Ordered{{Name: "b", Value: []any{int64(1), []any{}}}, {Name: "a", Value: xmlrpc.Ordered{{Name: "x", Value: nil}}}})
	require.NoError(t, err)
	require.Equal(t, "{\n  \"b\": [\n    1,\n    []\n  ],\n  \"a\": {\n    \"x\": null\n  }\n}", text)
}
