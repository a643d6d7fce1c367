package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
)

const (
	dirtyTags  = 200
	wantedTags = 10 // that somebody asks for in the middle
)

// dirty measures how long it takes until one change of a parent is in the
// repositories of many tags, each of which has to be made once, and how long
// somebody waits who asks for some of them when most are still to be made.
func (b *bench) dirty(ctx context.Context) error {
	if err := b.each(ctx, step{"createTag", []any{"dirty-base"}}); err != nil {
		return err
	}
	for i := range dirtyTags {
		name := fmt.Sprintf("dirty-%d", i)
		if err := b.each(ctx, step{"createTag", []any{name, "dirty-base", "x86_64"}}, step{"createBuildTarget", []any{name, name, "dirty-base"}}); err != nil {
			return err
		}
	}
	if _, err := b.db.Exec(ctx, `INSERT INTO repo (tag_id, state, opts, custom_opts)
		SELECT id, 1, '{}', '{}' FROM tag WHERE name ~ '^dirty-[0-9]'`); err != nil {
		return err
	}
	sent := time.Now()
	if err := b.each(ctx, step{"packageListAdd", []any{"dirty-base", "late", "admin"}}); err != nil {
		return err
	}
	waited, before, err := b.demand(ctx)
	if err != nil {
		return err
	}
	if err := b.made(ctx, `true`, 0); err != nil {
		return err
	}
	took := time.Since(sent)
	made, err := database.One[int64](ctx, b.db, `SELECT count(*) FROM repo r JOIN tag t ON t.id = r.tag_id WHERE t.name ~ '^dirty-[0-9]' AND r.task_id IS NOT NULL`)
	if err != nil {
		return err
	}
	if made != dirtyTags {
		return fmt.Errorf("%d repositories were made for %d tags", made, dirtyTags)
	}
	name := fmt.Sprintf("a change in the parent of %d tags", dirtyTags)
	b.report.add(name, "to the last repository / for each", "s", took.Seconds(), took.Seconds()/dirtyTags)
	b.report.add(name, fmt.Sprintf("%d asked for in the middle: all READY after", wantedTags), "s", waited.Seconds())
	b.report.add(name, "others begun in that time", "repositories", float64(before))
	return nil
}

// demand asks for the last tags once some repositories have been made, and waits
// for them. It returns how long that was, and how many others were begun meanwhile.
func (b *bench) demand(ctx context.Context) (waited time.Duration, others int64, err error) {
	const begun = `SELECT count(*) FROM repo r JOIN tag t ON t.id = r.tag_id WHERE t.name ~ '^dirty-[0-9]' AND r.task_id IS NOT NULL`
	if err := b.made(ctx, `true`, dirtyTags-2*wantedTags); err != nil {
		return 0, 0, err
	}
	before, err := database.One[int64](ctx, b.db, begun)
	if err != nil {
		return 0, 0, err
	}
	sent := time.Now()
	for i := dirtyTags - wantedTags; i < dirtyTags; i++ {
		if err := b.each(ctx, step{"repo.request", []any{fmt.Sprintf("dirty-%d", i), keywords("min_event", "last")}}); err != nil {
			return 0, 0, err
		}
	}
	if err := b.made(ctx, fmt.Sprintf(`substr(t.name, 7)::int >= %d`, dirtyTags-wantedTags), 0); err != nil {
		return 0, 0, err
	}
	waited = time.Since(sent)
	after, err := database.One[int64](ctx, b.db, begun)
	return waited, after - before - wantedTags, err
}

// made waits until no more than so many of the dirty tags that a condition picks
// are without their new repository.
func (b *bench) made(ctx context.Context, which string, left int64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Minute, errors.New("repositories are still missing"))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		missing, err := database.One[int64](ctx, b.db, `SELECT count(*) FROM tag t WHERE t.name ~ '^dirty-[0-9]' AND `+which+`
			AND NOT EXISTS (SELECT 1 FROM repo r WHERE r.tag_id = t.id AND r.state = 1 AND r.task_id IS NOT NULL)`)
		if err != nil || missing <= left {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
