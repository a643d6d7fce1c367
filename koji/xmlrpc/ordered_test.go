package xmlrpc

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrdered(t *testing.T) {
	var text strings.Builder
	asked := Ordered{{"z", Ordered{{"b", int64(1)}, {"a", nil}}}, {"y", []any{Ordered{}}}}
	require.NoError(t, EncodeRequest(&text, "CGImport", asked, "dir"))
	method, params, err := DecodeRequest(strings.NewReader(text.String()), "makeTask", "CGImport")
	require.NoError(t, err)
	require.Equal(t, "CGImport", method)
	require.Equal(t, []any{asked, "dir"}, params)

	_, params, err = DecodeRequest(strings.NewReader(text.String()), "makeTask")
	require.NoError(t, err)
	require.Equal(t, []any{asked.Map(), "dir"}, params, "in the place of others come maps")
	require.Equal(t, map[string]any{"z": map[string]any{"b": int64(1), "a": nil}, "y": []any{map[string]any{}}}, asked.Map())

	plain, err := Plain(asked)
	require.NoError(t, err)
	require.Equal(t, asked.Map(), plain)
	require.Equal(t, "{'z': {'b': 1, 'a': None}, 'y': [{}]}", Repr(asked))
	require.Equal(t, "dict", TypeName(asked))

	var read Ordered
	require.NoError(t, read.UnmarshalXMLRPC(map[string]any{"b": int64(1), "a": int64(2)}))
	require.Equal(t, Ordered{{"a", int64(2)}, {"b", int64(1)}}, read)
	read.Set("b", int64(3))
	read.Set("0", nil)
	require.Equal(t, Ordered{{"a", int64(2)}, {"b", int64(3)}, {"0", nil}}, read)
	require.Equal(t, int64(3), read.Get("b"))
	require.Nil(t, read.Get("c"))
	require.Error(t, read.UnmarshalXMLRPC("x"))
}

// As in Python, a name that comes twice keeps its place and has the last value.
func TestOrderedTwice(t *testing.T) {
	const member = "<member><name>a</name><value><int>%</int></value></member>"
	text := "<methodCall><methodName>m</methodName><params><param><value><struct>" + strings.ReplaceAll(member, "%", "1") +
		"<member><name>b</name><value><nil/></value></member>" + strings.ReplaceAll(member, "%", "2") + "</struct></value></param></params></methodCall>"
	_, params, err := DecodeRequest(strings.NewReader(text), "m")
	require.NoError(t, err)
	require.Equal(t, []any{Ordered{{"a", int64(2)}, {"b", nil}}}, params)
}

func TestOrderedKeywords(t *testing.T) {
	kw := Ordered{{"metadata", Ordered{{"b", int64(1)}, {"a", nil}}}, {starstar, true}}
	args, got := SplitKeywords([]any{"x", kw})
	require.Equal(t, []any{"x"}, args)
	require.Equal(t, map[string]any{"metadata": kw[0].Value}, got)
	args, got = SplitKeywords([]any{"x", kw[:1]})
	require.Len(t, args, 2)
	require.Nil(t, got)
}
