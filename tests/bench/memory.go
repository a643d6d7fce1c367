package main

import (
	"context"
	"fmt"
	"os"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/tests/stack"
)

// queued is how many builds wait while memory is looked at.
const queued = 50

// memory looks at the resident memory of each part: as it is after all other
// measures, and with builds under way that wait for a host.
func (b *bench) memory(ctx context.Context) error {
	if err := b.addMemory("at rest"); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	if err := b.prepareBuild(ctx); err != nil {
		return err
	}
	const builder = "builder1"
	if err := b.each(ctx, step{"disableHost", []any{builder}}); err != nil {
		return err
	}
	defer b.each(ctx, step{"enableHost", []any{builder}}) // the last measure; a failure hurts nobody
	srpm, err := b.sourcePackage(ctx, rounds+1)
	if err != nil {
		return err
	}
	var ids []int64
	for range queued {
		v, err := b.Client.Call(ctx, "build", []any{srpm, "bench", map[string]any{"scratch": true}})
		if err != nil {
			return err
		}
		ids = append(ids, v.(int64))
	}
	for _, id := range ids {
		if m, err := b.tasks.await(ctx, id, isOpen); err != nil || m.state != koji.TaskOpen {
			return fmt.Errorf("build %d does not wait but is %s: %w", id, m.state, err)
		}
	}
	if err := b.addMemory(fmt.Sprintf("%d builds queued", queued)); err != nil {
		return err
	}
	for _, id := range ids {
		if err := b.each(ctx, step{"cancelTask", []any{id}}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) addMemory(when string) error {
	for _, part := range []struct {
		name  string
		which func(stack.Process) bool
	}{
		{"hub", isHub}, {"worker", isWorker}, {"Temporal", isTemporal},
	} {
		found, err := b.processes(part.which)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		sum := int64(0)
		for _, p := range found {
			sum += p.RSS
		}
		b.report.add("memory, "+when, part.name, "MiB", float64(sum)/(1<<20))
	}
	return nil
}
