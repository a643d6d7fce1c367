package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/tests/stack"
)

func isOpen(s koji.TaskState) bool { return s == koji.TaskOpen || s.Finished() }

// open measures how long a task waits on an idle system: one after the other.
func (b *bench) open(ctx context.Context) error {
	for _, m := range []struct {
		name, method string
		args         []any
	}{
		{openHost, "sleep", []any{0}},
		{"submit to OPEN, task of the hub", "someMethod", nil},
	} {
		var opened, ended []float64
		for range b.n {
			sent := time.Now()
			id, err := b.makeTask(ctx, m.method, m.args...)
			if err != nil {
				return err
			}
			open, err := b.tasks.await(ctx, id, isOpen)
			if err != nil {
				return err
			}
			end, err := b.tasks.closed(ctx, id)
			if err != nil {
				return err
			}
			opened, ended = append(opened, milliseconds(open.at.Sub(sent))), append(ended, milliseconds(end.at.Sub(sent)))
		}
		b.report.add(m.name, "p50 / p99", "ms", percentile(opened, 0.5), percentile(opened, 0.99))
		b.report.add(m.method+" done", "p50 / p99", "ms", percentile(ended, 0.5), percentile(ended, 0.99))
	}
	return nil
}

// submitters is how many clients submit at once.
const submitters = 4

// throughput measures tasks per second when many are submitted at once.
func (b *bench) throughput(ctx context.Context) error {
	for _, m := range []struct {
		method string
		args   []any
		n      int
	}{
		{"someMethod", nil, 4 * b.n},
		{"sleep", []any{0}, b.n},
	} {
		before, err := b.partsCPU()
		if err != nil {
			return err
		}
		began := time.Now()
		ids, err := b.makeTasks(ctx, m.n, m.method, m.args...)
		if err != nil {
			return err
		}
		submitted := time.Since(began)
		for _, id := range ids {
			if _, err := b.tasks.closed(ctx, id); err != nil {
				return err
			}
		}
		took := time.Since(began)
		name := fmt.Sprintf("%d %s tasks at once", m.n, m.method)
		b.report.add(name, "submitted / done", "/s", float64(m.n)/submitted.Seconds(), float64(m.n)/took.Seconds())
		after, err := b.partsCPU()
		if err != nil {
			return err
		}
		for i := range after {
			after[i] = (after[i] - before[i]) / float64(m.n)
		}
		b.report.add(name, "hub / worker / Temporal / PostgreSQL", "cpu ms each", after...)
	}
	return nil
}

// partsCPU is the processor time of the stack's parts so far, in ms.
func (b *bench) partsCPU() ([]float64, error) {
	var times []float64
	for _, part := range []func(stack.Process) bool{isHub, isWorker, isTemporal, isPostgres} {
		found, err := b.processes(part)
		if err != nil {
			return nil, err
		}
		times = append(times, milliseconds(cpu(found)))
	}
	return times, nil
}

func (b *bench) makeTasks(ctx context.Context, n int, method string, args ...any) ([]int64, error) {
	ids := make([]int64, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(submitters)
	for i := range ids {
		g.Go(func() (err error) {
			ids[i], err = b.makeTask(ctx, method, args...)
			return err
		})
	}
	return ids, g.Wait()
}

// cancel measures how long a task's processes outlive its cancel.
func (b *bench) cancel(ctx context.Context) error {
	var took []float64
	for i := range max(b.n/5, 2) {
		seconds := 80_000 + i // names the process
		id, err := b.makeTask(ctx, "sleep", seconds)
		if err != nil {
			return err
		}
		mark := fmt.Sprintf("sleep %d", seconds)
		if err := until(ctx, mark, func(found int) bool { return found > 0 }); err != nil {
			return err
		}
		sent := time.Now()
		if _, err := b.Client.Call(ctx, "cancelTask", []any{id}); err != nil {
			return err
		}
		if err := until(ctx, mark, func(found int) bool { return found == 0 }); err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(sent)))
	}
	b.report.add("cancelTask to no process left", "p50 / worst", "ms", percentile(took, 0.5), percentile(took, 1))
	return nil
}

// cli measures a whole run of a small command: start, log in, call, print.
func (b *bench) cli(ctx context.Context) error {
	var took []float64
	for range b.n {
		began := time.Now()
		if err := script(ctx, b.toji, "-c", filepath.Join(b.dir, "koji.conf"), "-p", "toji", "moshimoshi"); err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(began)))
	}
	b.report.add(command, "p50 / p99", "ms", percentile(took, 0.5), percentile(took, 0.99))
	return nil
}

// until looks at all processes that mention the text. Nothing announces the end
// of another's process.
func until(ctx context.Context, text string, enough func(found int) bool) error {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		found, err := stack.Mentioning(text)
		if err != nil || enough(len(found)) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}
