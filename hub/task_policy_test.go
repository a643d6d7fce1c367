package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/koji/api"
)

// What Koji's policies may ask about a task's request.
func TestTaskPolicyData(t *testing.T) {
	h := newTestHub(t)
	ctx := asAdmin(t)
	must(t, ctx, h, api.CreateTag, api.CreateTagParams{Name: "p40-build"})
	tag := must(t, ctx, h, api.CreateTag, api.CreateTagParams{Name: "p40"})
	must(t, ctx, h, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: "p40", BuildTag: "p40-build", DestTag: "p40"})
	kw := func(m map[string]any) map[string]any { m["__starstar"] = true; return m }
	for _, c := range []struct {
		method string
		args   []any
		want   policy.Data
	}{
		{"build", []any{"git://x", "p40", map[string]any{"scratch": true}}, policy.Data{"source": "git://x", "target": "p40", "scratch": true}},
		{"build", []any{"git://x", "nosuch"}, policy.Data{"source": "git://x", "target": nil}},
		{"build", []any{kw(map[string]any{"src": "a.src.rpm", "target": nil})}, policy.Data{"source": "a.src.rpm", "target": nil}},
		{"build", []any{"a", "b", nil, "too", "many"}, policy.Data{}},
		{"buildSRPMFromSCM", []any{"git://y", "p40-build", nil}, policy.Data{"source": "git://y", "build_tag": "p40-build"}},
		{"rebuildSRPM", []any{"a.src.rpm", tag, nil}, policy.Data{"build_tag": "p40"}},
		{"newRepo", []any{"p40", nil, true}, policy.Data{"tag": "p40"}},
		{"tagBuild", []any{tag, int64(3)}, policy.Data{"tag": "p40"}},
		{"waitrepo", []any{"nosuch"}, policy.Data{}},
		{"createImage", []any{"n", "1", "1", "noarch", map[string]any{"name": "p40"}, "p40-build"}, policy.Data{"target": "p40", "build_tag": "p40-build"}},
		{"wrapperRPM", []any{"git://spec", "p40", nil, nil}, policy.Data{"source": "git://spec", "target": "p40"}},
		{"indirectionimage", []any{map[string]any{"target": "p40", "name": "x"}}, policy.Data{"target": "p40"}},
		{"sleep", []any{int64(5)}, policy.Data{}},
	} {
		t.Run(c.method, func(t *testing.T) {
			data, err := h.taskPolicyData(ctx, c.method, c.args)
			require.NoError(t, err)
			require.Equal(t, c.want, data)
		})
	}
	_, err := h.taskPolicyData(ctx, "build", []any{int64(3), "p40"})
	require.ErrorContains(t, err, "Invalid type for value '3': <class 'int'>, expected type <class 'str'>")
}
