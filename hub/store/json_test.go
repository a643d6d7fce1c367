package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPythonJSON(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, `null`},
		{[]any{"a", int64(2), true}, `["a", 2, true]`},
		{map[string]any{"b": 1.5, "a": []any{}}, `{"a": [], "b": 1.5}`},
		{`a,b: "c\`, `"a,b: \"c\\"`},
		{"é€😀", `"\u00e9\u20ac\ud83d\ude00"`},
	} {
		text, err := pythonJSON(c.v)
		require.NoError(t, err)
		require.Equal(t, c.want, text)
	}
}
