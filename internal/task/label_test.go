package task_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/task"
	_ "github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// TestLabel has the texts that Koji's client prints.
func TestLabel(t *testing.T) {
	for _, test := range []struct {
		method  string
		request []any
		want    string
	}{
		{"build", []any{"cli-build/1.2.x/foo-1-1.src.rpm", "f40", map[string]any{}}, "build (f40, foo-1-1.src.rpm)"},
		{"build", []any{"git://example.com/foo#abc", "f40"}, "build (f40, /foo:abc)"},
		{"build", []any{"git://example.com/foo?sub#abc", "f40"}, "build (f40, /foo:sub:abc)"},
		{"build", []any{"foo-1-1.src.rpm", nil, map[string]any{"repo_id": int64(3)}}, "build (None, foo-1-1.src.rpm)"},
		{"build", []any{"foo-1-1.src.rpm", xmlrpc.Keywords(map[string]any{"target": "f40"})}, "build (f40, foo-1-1.src.rpm)"},
		{"build", []any{}, "build (noarch, unknown args)"},
		{"buildArch", []any{"cli-build/1.2.x/foo-1-1.src.rpm", int64(4), "x86_64", true}, "buildArch (foo-1-1.src.rpm, x86_64)"},
		{"buildSRPMFromSCM", []any{"git://example.com/rpms/foo#abc", int64(4)}, "buildSRPMFromSCM (/rpms/foo:abc)"},
		{"createrepo", []any{int64(1), "x86_64", nil}, "createrepo (x86_64)"},
		{"createrepo", []any{int64(2), "x86_64", map[string]any{"id": int64(1)}}, "createrepo (x86_64)"},
		{"dependantTask", []any{[]any{int64(1)}, []any{[]any{"tagBuild", []any{}}, []any{"sleep", []any{}}}}, "dependantTask (tagBuild, sleep)"},
		{"newRepo", []any{"f40-build"}, "newRepo (f40-build)"},
		{"tagBuild", []any{int64(5), int64(1)}, "tagBuild (noarch)"},
		{"waitrepo", []any{"f40-build", nil, []any{"a-1-1", "b-1-1"}}, "waitrepo (f40-build, a-1-1, b-1-1)"},
		{"wrapperRPM", []any{"git://x#1", map[string]any{"name": "f40"}, map[string]any{"name": "lib", "version": "1", "release": "2"}, nil}, "wrapperRPM (f40, lib-1-2)"},
		{"wrapperRPM", []any{"git://x#1", map[string]any{"name": "f40"}, nil, map[string]any{"id": int64(7)}}, "wrapperRPM (f40)"},
		{"saveFailedTree", []any{int64(5), true}, "saveFailedTree (noarch)"},
		{"sleep", []any{int64(5)}, "sleep (noarch)"},
		{"nosuchmethod", []any{int64(5)}, "nosuchmethod (noarch)"},
	} {
		require.Equal(t, test.want, task.Label(test.method, "noarch", test.request))
	}
}
