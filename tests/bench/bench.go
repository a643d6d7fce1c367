package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/tests/stack"
)

// bench is a stack under measurement.
type bench struct {
	*stack.Stack
	options
	dir    string
	db     *database.DB
	tasks  *watch
	report report

	stopWatch func()
	prepared  bool // by prepareBuild
}

// start starts a stack in a new directory and loads the data set.
func start(ctx context.Context, o options) (*bench, error) {
	b := &bench{options: o, report: newReport(), stopWatch: func() {}}
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) prepare(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("/var/tmp", "toji-bench-"); err != nil {
		return err
	}
	// Build users pass through.
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	began := time.Now()
	if b.Stack, err = stack.Start(ctx, stack.Options{Toji: b.toji, Dir: b.dir, Output: b.log}); err != nil {
		return err
	}
	b.report.add("toji dev, empty directory to ready", "once", "s", time.Since(began).Seconds())
	b.db, err = database.Open(ctx, b.Env["TOJI_DATABASE"], database.Options{Name: "toji bench", MaxConns: 4})
	if err != nil {
		return err
	}
	if err := b.load(ctx); err != nil {
		return fmt.Errorf("load the data set: %w", err)
	}
	b.tasks, b.stopWatch = watchTasks(ctx, b.db)
	return nil
}

// close stops everything and removes the directory.
func (b *bench) close() {
	b.stopWatch()
	if b.db != nil {
		b.db.Close()
	}
	var err error
	if b.Stack != nil {
		err = b.Stop()
	}
	if err := errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

//go:embed dataset.sql
var dataset string

func (b *bench) load(ctx context.Context) error {
	began := time.Now()
	err := b.db.InTx(ctx, func(ctx context.Context) error {
		type maker struct {
			Owner int64 `db:"owner"`
			Event int64 `db:"event"`
		}
		by, err := database.One[maker](ctx, b.db, `SELECT min(id) AS owner, get_event() AS event FROM users`)
		if err != nil {
			return err
		}
		text := strings.NewReplacer(":scale", strconv.Itoa(b.scale), ":owner", fmt.Sprint(by.Owner), ":event", fmt.Sprint(by.Event)).Replace(dataset)
		_, err = b.db.Exec(ctx, text)
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.db.Exec(ctx, `VACUUM ANALYZE`)
	fmt.Fprintf(b.log, "data set loaded in %.1f s\n", time.Since(began).Seconds())
	return err
}

// makeTask makes a task as its user would and returns its id.
func (b *bench) makeTask(ctx context.Context, method string, args ...any) (int64, error) {
	v, err := b.Client.Call(ctx, "makeTask", []any{method, args})
	if err != nil {
		return 0, err
	}
	id, ok := v.(int64)
	if !ok {
		return 0, fmt.Errorf("makeTask answers %v", v)
	}
	return id, nil
}

// watch tells when tasks reach a state. It sleeps until the database says that
// a task has changed, so that looking costs the measured little.
type watch struct {
	db *database.DB

	mu      sync.Mutex
	waiting map[int64]wish
	failed  error
}

type wish struct {
	done    func(koji.TaskState) bool
	reached chan moment
}

// moment is a state and when it was seen.
type moment struct {
	state koji.TaskState
	at    time.Time
}

func watchTasks(ctx context.Context, db *database.DB) (*watch, func()) {
	w := &watch{db: db, waiting: map[int64]wish{}}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := db.Listen(ctx, func(string, string) { w.look(ctx) }, "toji_sched")
		w.fail(err)
	}()
	return w, func() { cancel(); <-ended }
}

// await returns when the task has a state that done wants.
func (w *watch) await(ctx context.Context, id int64, done func(koji.TaskState) bool) (moment, error) {
	reached := make(chan moment, 1)
	w.mu.Lock()
	w.waiting[id] = wish{done, reached}
	w.mu.Unlock()
	w.look(ctx) // it may be there already
	select {
	case m, ok := <-reached:
		if !ok {
			return m, fmt.Errorf("task %d: %w", id, w.failed)
		}
		return m, nil
	case <-ctx.Done():
		return moment{}, fmt.Errorf("task %d: %w", id, context.Cause(ctx))
	}
}

// closed waits for the end of a task, which must be a good one.
func (w *watch) closed(ctx context.Context, id int64) (moment, error) {
	m, err := w.await(ctx, id, koji.TaskState.Finished)
	if err == nil && m.state != koji.TaskClosed {
		err = fmt.Errorf("task %d is %s", id, m.state)
	}
	return m, err
}

func (w *watch) look(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 || w.failed != nil {
		return
	}
	ids := make([]int64, 0, len(w.waiting))
	for id := range w.waiting {
		ids = append(ids, id)
	}
	type row struct {
		ID    int64          `db:"id"`
		State koji.TaskState `db:"state"`
	}
	rows, err := database.All[row](ctx, w.db, `SELECT id, state FROM task WHERE id = ANY($1)`, ids)
	if err != nil {
		w.failLocked(err)
		return
	}
	now := time.Now()
	for _, r := range rows {
		if wish := w.waiting[r.ID]; wish.done(r.State) {
			wish.reached <- moment{r.State, now}
			delete(w.waiting, r.ID)
		}
	}
}

func (w *watch) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failLocked(err)
}

// failLocked ends all waits with the error.
func (w *watch) failLocked(err error) {
	if w.failed != nil {
		return
	}
	w.failed = err
	for id, wish := range w.waiting {
		close(wish.reached)
		delete(w.waiting, id)
	}
}
