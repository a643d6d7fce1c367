package buildroot

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetention(t *testing.T) {
	base, now := t.TempDir(), time.Now()
	for name, hours := range map[string]int{"f40-build-1-9": 1, "f40-build-2-9": 3, "f40-build-3-9": 2, "f40-build-4-9": 9} {
		dir := filepath.Join(base, name)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "upper"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "upper", "file"), make([]byte, 100<<10), 0o644))
		require.NoError(t, MarkFailed(dir))
		when := now.Add(-time.Duration(hours) * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(dir, failedMark), when, when))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(base, "f40-build-5-9"), 0o755)) // did not fail
	keep := func(r Retention) []string {
		names, err := r.Keep(base, now)
		require.NoError(t, err)
		var ids []string
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			if names["f40-build-"+id+"-9"] {
				ids = append(ids, id)
			}
		}
		return ids
	}
	all := Retention{Age: 4 * time.Hour, Count: 10, Bytes: 1 << 30}
	for range 2 { // the second time with sizes that are known
		require.Equal(t, []string{"1", "2", "3"}, keep(all))
	}
	require.NoError(t, MarkFailed(filepath.Join(base, "f40-build-4-9")), "marking again changes nothing")
	require.Equal(t, []string{"1", "2", "3"}, keep(all))
	require.Equal(t, []string{"1", "3"}, keep(Retention{Age: all.Age, Count: 2, Bytes: all.Bytes}))
	require.Equal(t, []string{"1"}, keep(Retention{Age: all.Age, Count: 10, Bytes: 200 << 10}))
	require.Empty(t, keep(Retention{}))
}

func TestFind(t *testing.T) {
	base := t.TempDir()
	for _, name := range []string{"a-1-2", "b-2-3-4", "lost+found"} {
		require.NoError(t, os.Mkdir(filepath.Join(base, name), 0o755))
	}
	for id, want := range map[string]string{"1": "a-1-2", "3": "b-2-3-4"} {
		dir, err := Find(base, id)
		require.NoError(t, err)
		require.Equal(t, filepath.Join(base, want), dir)
	}
	_, err := Find(base, "2")
	require.ErrorIs(t, err, os.ErrNotExist)
}
