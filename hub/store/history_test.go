package store

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji/api"
)

func TestHistory(t *testing.T) {
	b := newBench(t)
	b.tags("a", "b")
	linked := b.inherit(1, api.InheritanceRule{ParentID: 2})
	locked := b.change(func(ctx context.Context) error {
		return b.UpdateTag(WithActor(ctx, 2), 1, TagConfig{Locked: true})
	})
	history := func(table string, f HistoryFilter) []map[string]any {
		t.Helper()
		rows, ok, err := b.History(b.ctx, table, f)
		require.NoError(t, err)
		require.True(t, ok)
		return rows.([]map[string]any)
	}

	rows := history("tag_config", HistoryFilter{Of: map[string]int64{"tag": 1}})
	require.Len(t, rows, 2)
	require.Equal(t, true, rows[0]["active"], "what is in force comes first")
	require.Equal(t, locked, rows[0]["create_event"])
	require.Equal(t, "two", rows[0]["creator_name"])
	require.Equal(t, "a", rows[0]["tag.name"])
	require.Nil(t, rows[0]["revoke_ts"])
	require.Equal(t, locked, rows[1]["revoke_event"])
	require.IsType(t, float64(0), rows[1]["revoke_ts"])

	require.Len(t, history("tag_inheritance", HistoryFilter{Of: map[string]int64{"tag": 2}}), 1, "a link is about both of its tags")
	require.Len(t, history("tag_config", HistoryFilter{Active: new(false)}), 1)
	rows = history("tag_config", HistoryFilter{Editor: new(int64(2))})
	require.Len(t, rows, 2)
	require.Equal(t, true, rows[0]["_created_by"])
	require.Equal(t, true, rows[1]["_revoked_by"])
	rows = history("tag_config", HistoryFilter{AfterEvent: &linked, BeforeEvent: new(locked + 1)})
	require.Len(t, rows, 2)
	require.Equal(t, false, rows[1]["_created_after_event"])
	require.Equal(t, true, rows[1]["_revoked_after_event"])
	require.Empty(t, history("tag_config", HistoryFilter{After: "2999-01-01"}))

	_, ok, err := b.History(b.ctx, "tag_config", HistoryFilter{Of: map[string]int64{"build": 1}})
	require.NoError(t, err)
	require.False(t, ok, "a tag's configuration says nothing of builds")
	_, ok, err = b.History(b.ctx, "tag_config", HistoryFilter{Key: "k"})
	require.NoError(t, err)
	require.False(t, ok)

	n, _, err := b.History(b.ctx, "tag_config", HistoryFilter{Options: query.Options{CountOnly: true}})
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	for _, table := range HistoryTables() {
		_, _, err := b.History(b.ctx, table, HistoryFilter{Before: "2999-01-01"})
		require.NoError(t, err, table)
	}
}
