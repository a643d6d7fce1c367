package hub

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/internal/config"
)

func policyStale(t *testing.T, h *Hub) float64 {
	families, err := h.Registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "toji_hub_policy_stale" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func TestPolicyWatch(t *testing.T) {
	h := newTestHub(t)
	file := filepath.Join(t.TempDir(), "toji.toml")
	write := func(text string) { // as editors do it
		require.NoError(t, os.WriteFile(file+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(file+".new", file))
	}
	write("[policy]\n")
	ask := make(chan os.Signal)
	w := PolicyWatch{Hub: h, File: file, Now: ask}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	eventually := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			r, err := h.Policy().Eval(t.Context(), "volume", policy.Data{})
			return err == nil && r.Action == want
		}, 10*time.Second, 10*time.Millisecond)
	}
	write("[policy]\nvolume = 'all :: archive'\n")
	eventually("archive")
	require.Zero(t, policyStale(t, h))

	write("[policy]\nvolume = 'all = archive'\n")
	require.Eventually(t, func() bool { return policyStale(t, h) == 1 }, 10*time.Second, 10*time.Millisecond)
	eventually("archive")

	write("[policy]\nvolume = 'all :: fast'\n")
	ask <- syscall.SIGHUP
	eventually("fast")
	require.Zero(t, policyStale(t, h))
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// Errors in policies at the start name the file and the line.
func TestPolicyErrorsAtStart(t *testing.T) {
	h := newTestHub(t)
	file := filepath.Join(t.TempDir(), "toji.toml")
	require.NoError(t, os.WriteFile(file, []byte("[policy]\ntag = '''\nall :: allow\nnobody :: deny\n'''\n"), 0o600))
	c, err := config.Load(file)
	require.NoError(t, err)
	_, err = New(Options{DB: h.Store.DB, Config: c})
	require.ErrorContains(t, err, file+`:4: policy tag:2: there is no test named "nobody"`)
}
