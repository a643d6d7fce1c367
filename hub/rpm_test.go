package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// There are no files of RPMs of external repositories, which each method says in
// words of its own.
func TestExternalRPM(t *testing.T) {
	h := newTestHub(t)
	must(t, asAdmin(t), h, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: "far", URL: "http://example.com/"})
	rpm := map[string]any{"name": "foo", "version": "1", "release": "1", "epoch": nil, "arch": "x86_64", "payloadhash": "aa", "size": int64(1), "buildtime": int64(1)}
	_, err := h.Caller().Call(asAdmin(t), "addExternalRPM", []any{rpm, "far"})
	require.NoError(t, err)
	strict := xmlrpc.Keywords(map[string]any{"strict": true})
	for method, c := range map[string]struct {
		args []any
		text string
	}{
		"getRPMHeaders": {nil, "External rpm: 1"},
		"getRPMDeps":    {nil, "Can not get dependencies, because RPM: 1 is not internal"},
		"getRPMFile":    {[]any{"/f"}, "Can not get RPM file, because RPM: 1 is not internal"},
	} {
		args := append([]any{int64(1)}, c.args...)
		_, err := h.Caller().Call(t.Context(), method, append(args, strict))
		require.EqualError(t, err, c.text, method)
		_, err = h.Caller().Call(t.Context(), method, args)
		require.NoError(t, err, method)
	}
}
