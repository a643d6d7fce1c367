package rpc_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Whatever comes as arguments of a method fits its parameters or is a
// ParameterError, and what fits travels on unchanged.
func FuzzDecode(f *testing.F) {
	methods := fuzzedMethods()
	for i, args := range [][]any{
		{"f40", true, int64(7)}, {nil, int64(-1), 1.5}, {[]any{"a", []any{int64(1)}}, map[string]any{"id": int64(1), "name": "x"}},
		{xmlrpc.Keywords(map[string]any{"tagInfo": "f40", "queryOpts": map[string]any{"countOnly": true, "limit": int64(3)}})},
		{"1", " 2 ", "x", []byte("bytes"), map[string]any{"a": nil}, false, "", int64(1) << 40},
	} {
		text, err := xmlrpc.MarshalRequest("m", args...)
		require.NoError(f, err)
		for n := i; n < len(methods); n += len(methods) / 20 {
			f.Add(uint16(n), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, document []byte) {
		_, params, err := xmlrpc.DecodeRequest(bytes.NewReader(document))
		if err != nil {
			return
		}
		m := methods[int(n)%len(methods)]
		args, kw := xmlrpc.SplitKeywords(params)
		first := reflect.New(m.ParamsType)
		if err := rpc.Decode(args, kw, first.Interface()); err != nil {
			require.Equal(t, koji.FaultParameter, koji.FaultOf(err), "%s: %v", m.Name, err)
			return
		}
		sent, err := rpc.Encode(first.Interface())
		require.NoError(t, err, m.Name)
		args, kw = xmlrpc.SplitKeywords(sent)
		second := reflect.New(m.ParamsType)
		require.NoError(t, rpc.Decode(args, kw, second.Interface()), m.Name)
		again, err := rpc.Encode(second.Interface())
		require.NoError(t, err, m.Name)
		require.Equal(t, shown(t, sent), shown(t, again), m.Name)
	})
}

// fuzzedMethods are the hub's methods, by name.
func fuzzedMethods() []rpc.Declaration {
	_ = api.Echo // what the package declares is listed once it is linked
	return rpc.Declared()
}

// shown is how arguments look on the wire: not a number is itself there.
func shown(t *testing.T, args []any) string {
	var b strings.Builder
	if err := xmlrpc.EncodeRequest(&b, "m", args...); err != nil {
		require.ErrorContains(t, err, "nested")
	}
	return b.String()
}
