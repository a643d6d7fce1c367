package store

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/api"
)

// bench is a store over an empty database whose changes are user 1's.
type bench struct {
	*Store
	t   *testing.T
	ctx context.Context
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Store: New(testenv.Database(t)), t: t, ctx: WithActor(t.Context(), 1)}
	_, err := b.Exec(b.ctx, `INSERT INTO users (id, name, status, usertype) VALUES (1, 'one', 0, 0), (2, 'two', 0, 0)`)
	require.NoError(t, err)
	return b
}

// change runs fn in a transaction and returns its event, 0 if it took none.
func (b *bench) change(fn func(ctx context.Context) error) (eventID int64) {
	b.t.Helper()
	require.NoError(b.t, b.InTx(b.ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		eventID = ctx.Value(eventKey{}).(*event).id
		return nil
	}))
	return eventID
}

// tags creates tags with the ids 1, 2 ... and these names.
func (b *bench) tags(names ...string) {
	b.t.Helper()
	b.change(func(ctx context.Context) error {
		for _, name := range names {
			row, err := b.AddName(ctx, Tags, name)
			if err != nil {
				return err
			}
			if err := b.CreateTag(ctx, row.ID, TagConfig{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// inherit links a tag to parents.
func (b *bench) inherit(child int64, rules ...api.InheritanceRule) int64 {
	b.t.Helper()
	return b.change(func(ctx context.Context) error { return b.SetParents(ctx, child, nil, rules) })
}

func (b *bench) events() (n int64) {
	b.t.Helper()
	n, err := database.One[int64](b.ctx, b.DB, `SELECT count(*) FROM events`)
	require.NoError(b.t, err)
	return n
}

func TestATransactionHasOneEvent(t *testing.T) {
	b := newBench(t)
	b.tags("a", "b")
	before := b.events()
	var first, second, own int64
	require.NoError(t, b.InTx(b.ctx, func(ctx context.Context) (err error) {
		if first, err = b.Event(ctx); err != nil {
			return err
		}
		if err := b.InTx(ctx, func(ctx context.Context) (err error) {
			second, err = b.Event(ctx)
			return err
		}); err != nil {
			return err
		}
		return b.Savepoint(ctx, func(ctx context.Context) (err error) {
			own, err = b.Event(ctx)
			return err
		})
	}))
	require.Equal(t, first, second)
	require.NotEqual(t, first, own)
	require.Equal(t, before+2, b.events())

	require.Zero(t, b.change(func(context.Context) error { return nil }), "an event is made when it is needed")
	require.Equal(t, before+2, b.events())
}

func TestAnEventNeedsATransaction(t *testing.T) {
	b := newBench(t)
	_, err := b.Event(b.ctx)
	require.ErrorContains(t, err, "transaction")
	err = b.InTx(t.Context(), func(ctx context.Context) error {
		return b.Create(ctx, "tag_config", Row{"tag_id": 1})
	})
	require.ErrorContains(t, err, "logged in", "a change is somebody's")
}

func TestRevokedRowsStay(t *testing.T) {
	b := newBench(t)
	b.tags("a")
	arches := "x86_64"
	changed := b.change(func(ctx context.Context) error {
		return b.UpdateTag(WithActor(ctx, 2), 1, TagConfig{Arches: &arches, Locked: true})
	})
	failed := errors.New("no")
	require.ErrorIs(t, b.InTx(b.ctx, func(ctx context.Context) error {
		if err := b.DeleteTag(ctx, 1); err != nil {
			return err
		}
		return failed
	}), failed)
	now, err := b.Tag(b.ctx, ByID(1), TagOptions{})
	require.NoError(t, err)
	require.Equal(t, "x86_64", *now.Arches)
	require.True(t, now.Locked)
	require.Nil(t, now.QueryEvent)

	before := changed - 1
	then, err := b.Tag(b.ctx, Ref{Name: "a"}, TagOptions{Event: &before})
	require.NoError(t, err)
	require.Nil(t, then.Arches)
	require.Equal(t, before, *then.QueryEvent)

	rows, err := database.All[struct {
		Creator int64  `db:"creator_id"`
		Revoker *int64 `db:"revoker_id"`
	}](b.ctx, b.DB, `SELECT creator_id, revoker_id FROM tag_config ORDER BY create_event`)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.EqualValues(t, 2, *rows[0].Revoker)
	require.EqualValues(t, 2, rows[1].Creator)
	require.Nil(t, rows[1].Revoker)

	deleted := b.change(func(ctx context.Context) error { return b.DeleteTag(ctx, 1) })
	gone, err := b.Tag(b.ctx, ByID(1), TagOptions{})
	require.NoError(t, err)
	require.Nil(t, gone)
	last, err := b.Tag(b.ctx, ByID(1), TagOptions{Deleted: true})
	require.NoError(t, err)
	require.Equal(t, deleted, *last.RevokeEvent)
	require.True(t, last.Locked)
}

func TestChangesOfATag(t *testing.T) {
	b := newBench(t)
	b.tags("child", "parent", "other")
	b.inherit(1, api.InheritanceRule{ParentID: 2})
	start := b.events()
	b.change(func(ctx context.Context) error { return b.SetTagExtra(ctx, 2, "k", []any{int64(1), "x"}) })
	b.change(func(ctx context.Context) error { return b.SetTagExtra(ctx, 2, "k", nil) })
	b.change(func(ctx context.Context) error { return b.BlockTagExtra(ctx, 3, "k") })

	changed, err := b.TagsChangedSince(b.ctx, start, []int64{1})
	require.NoError(t, err)
	require.False(t, changed)
	changed, err = b.TagsChangedSince(b.ctx, start, []int64{1, 2})
	require.NoError(t, err)
	require.True(t, changed)

	last, err := b.LastChange(b.ctx, []int64{1, 2}, nil, nil)
	require.NoError(t, err)
	require.Equal(t, start+2, *last)
	before := start + 2
	last, err = b.LastChange(b.ctx, []int64{1, 2}, nil, &before)
	require.NoError(t, err)
	require.Equal(t, start+1, *last)
	first, err := b.FirstChange(b.ctx, []int64{1, 2}, nil, start)
	require.NoError(t, err)
	require.Equal(t, start+1, *first)
	first, err = b.FirstChange(b.ctx, []int64{1}, nil, start)
	require.NoError(t, err)
	require.Nil(t, first)

	at := start + 1
	tag, err := b.Tag(b.ctx, ByID(2), TagOptions{Event: &at, Blocked: true})
	require.NoError(t, err)
	require.Equal(t, api.Extra{"k": []any{false, []any{int64(1), "x"}}}, tag.Extra)
	tag, err = b.Tag(b.ctx, ByID(3), TagOptions{Blocked: true})
	require.NoError(t, err)
	require.Equal(t, api.Extra{"k": []any{true, nil}}, tag.Extra)
	tag, err = b.Tag(b.ctx, ByID(3), TagOptions{})
	require.NoError(t, err)
	require.Empty(t, tag.Extra)
}
