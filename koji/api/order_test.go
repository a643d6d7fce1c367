package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// Koji's rows have their members by name, which `koji call --json-output` shows.
func TestRowsAreSorted(t *testing.T) {
	for _, row := range []any{
		Build{}, ListedBuild{}, TaggedBuild{}, RPM{}, ListedRPM{}, TaggedRPM{}, ListedArchive{}, TaggedArchive{},
		Buildroot{}, BuildrootRPM{}, MavenBuild{}, ArchiveType{}, RPMSignature{}, UntaggedBuild{},
		Task{}, TaskInfo{}, ListedTask{}, Repo{}, RepoRequest{}, RepoReference{}, MavenTagArchive{},
	} {
		var names []string
		for _, f := range xmlrpc.Fields(reflect.TypeOf(row)) {
			if f.Name != "cg_name" { // Koji: comes from another query
				names = append(names, f.Name)
			}
		}
		require.True(t, slices.IsSorted(names), "%T: %v", row, names)
	}
}

func TestExtra(t *testing.T) {
	var e Extra
	require.NoError(t, e.Scan(`{"n": 1, "f": 1.5, "big": 12345678901, "list": [{"a": 2}], "none": null}`))
	require.Equal(t, Extra{"n": int64(1), "f": 1.5, "big": int64(12345678901), "list": []any{map[string]any{"a": int64(2)}}, "none": nil}, e)
	v, err := xmlrpc.Plain(e)
	require.NoError(t, err)
	require.Equal(t, map[string]any(e), v)
	require.NoError(t, e.Scan([]byte(`{}`)))
	v, err = xmlrpc.Plain(e)
	require.NoError(t, err)
	require.Equal(t, map[string]any{}, v)
	require.NoError(t, e.Scan(nil))
	v, err = xmlrpc.Plain(e)
	require.NoError(t, err)
	require.Nil(t, v)
	require.Error(t, e.Scan(`[1]`))
	require.Error(t, e.Scan(7))

	require.NoError(t, e.UnmarshalXMLRPC(map[string]any{"a": "b"}))
	require.Equal(t, Extra{"a": "b"}, e)
	require.Error(t, e.UnmarshalXMLRPC("x"))
}

// A document keeps the order of members on the wire and in JSON.
func TestDocument(t *testing.T) {
	const stored = `{"b": {"z": 1, "a": 1.0}, "a": []}`
	var b Build
	require.NoError(t, b.Extra.Scan(stored))
	var text strings.Builder
	require.NoError(t, xmlrpc.EncodeResponse(&text, b.Extra))
	require.Regexp(t, `(?s)<name>b</name>.*<name>z</name>.*<name>a</name>.*<double>1.0</double>.*<name>a</name>`, text.String())
	require.Equal(t, Extra{"b": map[string]any{"z": int64(1), "a": 1.0}, "a": []any{}}, b.Extra.Object())

	asJSON, err := json.Marshal(b.Extra)
	require.NoError(t, err)
	require.JSONEq(t, stored, string(asJSON))
	var again Document
	require.NoError(t, json.Unmarshal(asJSON, &again))
	require.Equal(t, b.Extra.Object(), again.Object())

	v, err := xmlrpc.Plain(b.Extra)
	require.NoError(t, err)
	require.NoError(t, again.UnmarshalXMLRPC(v))
	require.Equal(t, b.Extra.Object(), again.Object())

	require.NoError(t, again.Scan([]byte("[1, 2]")))
	require.Nil(t, again.Object())
	v, err = xmlrpc.Plain(again)
	require.NoError(t, err)
	require.Equal(t, []any{int64(1), int64(2)}, v, "Koji shows whatever JSON there is")
	require.NoError(t, again.Scan("{"))
	_, err = xmlrpc.Plain(again)
	require.EqualError(t, err, "Invalid extra data: '{'")
	require.Error(t, again.Scan(7))

	var o OptionalExtra
	require.NoError(t, o.Scan(nil))
	require.True(t, o.Asked)
	v, err = xmlrpc.Plain(o)
	require.NoError(t, err)
	require.Nil(t, v)
}
