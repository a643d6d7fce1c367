package api

import (
	"reflect"
	"slices"
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

	var o OptionalExtra
	require.NoError(t, o.Scan(nil))
	require.True(t, o.Asked)
	require.NoError(t, e.UnmarshalXMLRPC(map[string]any{"a": "b"}))
	require.Equal(t, Extra{"a": "b"}, e)
	require.Error(t, e.UnmarshalXMLRPC("x"))
}
