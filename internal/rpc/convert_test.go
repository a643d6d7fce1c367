package rpc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
)

type Part struct {
	ID int64 `rpc:"id"`
}

type upper string

func (u *upper) UnmarshalXMLRPC(v any) error {
	s, ok := v.(string)
	if !ok {
		return errors.New("not a string")
	}
	*u = upper(strings.ToUpper(s))
	return nil
}

func TestInto(t *testing.T) {
	type tag struct {
		*Part
		Name  string         `rpc:"name"`
		Shout upper          `rpc:"shout"`
		Perm  *string        `rpc:"perm"`
		Extra map[string]any `rpc:"extra"`
		Parts []Part         `rpc:"parts"`
		Any   any            `rpc:"any"`
		Data  []byte         `rpc:"data"`
		Pair  [2]int         `rpc:"pair"`
		Small uint8          `rpc:"small"`
	}
	var got tag
	require.NoError(t, rpc.Into(kw{
		"id": int64(1), "name": "f40", "shout": "hey", "perm": nil, "extra": kw{"a": nil}, "unknown": int64(1),
		"parts": []any{kw{"id": int64(2)}, nil}, "any": []any{int64(1)}, "data": []byte("x"), "pair": []any{int64(1), int64(2)}, "small": int64(255),
	}, &got))
	require.Equal(t, tag{Part: &Part{1}, Name: "f40", Shout: "HEY", Extra: kw{"a": nil}, Parts: []Part{{2}, {}},
		Any: []any{int64(1)}, Data: []byte("x"), Pair: [2]int{1, 2}, Small: 255}, got)

	var p *Part
	require.NoError(t, rpc.Into(kw{"id": int64(3)}, &p))
	require.Equal(t, &Part{3}, p)
	require.NoError(t, rpc.Into(nil, &p))
	require.Nil(t, p)

	var m map[string]int
	require.NoError(t, rpc.Into(Part{5}, &m), "typed results of calls within the process")
	require.Equal(t, map[string]int{"id": 5}, m)
	var u upper
	require.NoError(t, rpc.Into(upper("as it is"), &u), "a value of the type itself is not made from another")
	require.Equal(t, upper("as it is"), u)

	for want, bad := range map[string]kw{
		"small: Invalid type for value '256'": {"small": int64(256)},
		"parts: [0]: id: Invalid type":        {"parts": []any{kw{"id": kw{}}}},
		"shout: not a string":                 {"shout": int64(1)},
		"pair: Invalid type":                  {"pair": []any{}},
		"extra: Invalid type":                 {"extra": "x"},
	} {
		require.ErrorContains(t, rpc.Into(bad, &got), want)
	}
	require.Error(t, rpc.Into(int64(1), 5))
}
