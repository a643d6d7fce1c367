package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// lab is a database with the user alice and what relays told Temporal.
type lab struct {
	*store.Store
	t     testing.TB
	calls chan string // "start 1 sleep {N:1}", "signal 1 wake", "cancel 1", when they have succeeded
	mu    sync.Mutex
	fault func(call string) error // makes calls fail
}

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{Store: store.New(testenv.Database(t)), t: t, calls: make(chan string, 1000)}
	_, err := l.Exec(t.Context(), `INSERT INTO users (name, status, usertype) VALUES ('alice', 0, 0)`)
	require.NoError(t, err)
	return l
}

// Start, Signal and Cancel make the lab a Motion.
func (l *lab) Start(ctx context.Context, workflow string, t task.Task, params any) error {
	if t.Owner != "alice" || t.Channel != "default" {
		return fmt.Errorf("half a task: %+v", t)
	}
	return l.call(ctx, fmt.Sprintf("start %d %s %+v", t.ID, workflow, params))
}

func (l *lab) Signal(ctx context.Context, id int64, name string) error {
	return l.call(ctx, fmt.Sprintf("signal %d %s", id, name))
}

func (l *lab) Cancel(ctx context.Context, id int64) error {
	return l.call(ctx, fmt.Sprintf("cancel %d", id))
}

func (l *lab) call(ctx context.Context, call string) error {
	l.mu.Lock()
	fault := l.fault
	l.mu.Unlock()
	if fault != nil {
		if err := fault(call); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		l.calls <- call
	}
	return ctx.Err()
}

func (l *lab) failWith(fault func(call string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// FailTask makes the lab a Failer, as the hub is.
func (l *lab) FailTask(ctx context.Context, id int64, attempt int, f task.Failure) (store.TaskOutcome, error) {
	return l.Store.FailTask(ctx, id, attempt, xmlrpc.MarshalFault(f.Fault, f.Msg), f)
}

// run starts a relay and returns what stops it and waits for its end.
func (l *lab) run() (stop func()) { return l.runWith(l) }

func (l *lab) runWith(f Failer) (stop func()) {
	ctx, cancel := context.WithCancel(l.t.Context())
	r := &Relay{Store: l.Store, Motion: l, Tasks: f, Log: slog.New(slog.DiscardHandler)}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.ErrorIs(l.t, <-ended, context.Canceled)
	})
	l.t.Cleanup(stop)
	return stop
}

func (l *lab) make(method string, args ...any) int64 {
	l.t.Helper()
	request, err := xmlrpc.MarshalRequest(method, args...)
	require.NoError(l.t, err)
	id, err := l.InsertTask(l.t.Context(),
		store.NewTask{Method: method, Request: request, OwnerID: 1, ChannelID: 1, Arch: "noarch", Priority: 20}, false)
	require.NoError(l.t, err)
	return id
}

// want waits for calls, in their order. It is more patient than a retry takes,
// and less than the sweep.
func (l *lab) want(calls ...string) {
	l.t.Helper()
	late := time.After(sweep / 2)
	for _, want := range calls {
		select {
		case got := <-l.calls:
			require.Equal(l.t, want, got)
		case <-late:
			l.t.Fatalf("waited too long for %q", want)
		}
	}
}

// drained waits until the outbox is empty, which it is after the commit that
// follows a call.
func (l *lab) drained() {
	l.t.Helper()
	require.Eventually(l.t, func() bool { return l.count(`SELECT count(*) FROM toji.outbox`) == 0 }, sweep/2, 5*time.Millisecond)
}

func (l *lab) count(sql string, args ...any) int {
	l.t.Helper()
	n, err := database.One[int](l.t.Context(), l.DB, sql, args...)
	require.NoError(l.t, err)
	return n
}

func TestRelay(t *testing.T) {
	l := newLab(t)
	early := l.make("sleep", 1) // before there is a relay
	l.run()
	l.want(fmt.Sprintf("start %d sleep &{N:1}", early))
	late := l.make("waittest", 3)
	l.want(fmt.Sprintf("start %d waittest &{Count:3 Seconds:10}", late))
	require.NoError(t, l.Store.Signal(t.Context(), early, task.SignalWake))
	l.want(fmt.Sprintf("signal %d wake", early))
	_, err := l.CancelTask(t.Context(), early, true)
	require.NoError(t, err)
	l.want(fmt.Sprintf("cancel %d", early))
	l.drained()
}

func TestRelayKeepsOrder(t *testing.T) {
	l := newLab(t)
	id := l.make("sleep", 1)
	var want = []string{fmt.Sprintf("start %d sleep &{N:1}", id)}
	for n := range 20 {
		require.NoError(t, l.Store.Signal(t.Context(), id, fmt.Sprint(n)))
		want = append(want, fmt.Sprintf("signal %d %d", id, n))
	}
	l.run()
	l.run() // another hub's
	l.want(want...)
	l.drained()
	require.Empty(t, l.calls, "each once")
}

// A workflow that has opened its task is not told that it has a host.
func TestLateSignal(t *testing.T) {
	l := newLab(t)
	id := l.make("sleep", 1)
	l.run()
	l.want(fmt.Sprintf("start %d sleep &{N:1}", id))
	for state, want := range map[koji.TaskState][]string{
		koji.TaskAssigned: {fmt.Sprintf("signal %d assigned", id), fmt.Sprintf("signal %d wake", id)},
		koji.TaskOpen:     {fmt.Sprintf("signal %d wake", id)},
	} {
		l.drained()
		require.NoError(t, l.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := l.Exec(ctx, `UPDATE task SET state = $2 WHERE id = $1`, id, int(state)); err != nil {
				return err
			}
			return errors.Join(l.Store.Signal(ctx, id, task.SignalAssigned), l.Store.Signal(ctx, id, task.SignalWake))
		}))
		l.want(want...)
	}
}

// An outage delays what it hits, and nothing else.
func TestOutage(t *testing.T) {
	l := newLab(t)
	bad := l.make("sleep", 1)
	tries := 0
	refused := fmt.Sprintf("start %d sleep &{N:1}", bad)
	l.failWith(func(call string) error {
		if call == refused && tries < 2 {
			tries++
			return errors.New("temporal is down")
		}
		return nil
	})
	require.NoError(t, l.Store.Signal(t.Context(), bad, task.SignalWake))
	good := l.make("sleep", 2)
	l.run()
	l.want(fmt.Sprintf("start %d sleep &{N:2}", good), refused, fmt.Sprintf("signal %d wake", bad))
	l.drained()
}

// A relay that is killed in the middle of a call loses nothing.
func TestKilledRelay(t *testing.T) {
	l := newLab(t)
	id := l.make("sleep", 1)
	began, die := make(chan struct{}), make(chan struct{})
	l.failWith(func(string) error {
		close(began)
		<-die
		return nil
	})
	stop := l.run()
	<-began
	l.failWith(nil)
	go close(die)
	stop()
	require.Equal(t, 1, l.count(`SELECT count(*) FROM toji.outbox`), "it was not committed")
	for len(l.calls) > 0 {
		<-l.calls // Temporal may have been told all the same
	}
	l.run()
	l.want(fmt.Sprintf("start %d sleep &{N:1}", id))
	l.drained()
}

func TestTasksThatCannotStart(t *testing.T) {
	l := newLab(t)
	unknown, misfit, ended := l.make("nosuchmethod"), l.make("sleep"), l.make("sleep", 1)
	garbage, err := l.InsertTask(t.Context(), store.NewTask{Method: "sleep", Request: "?", OwnerID: 1, ChannelID: 1, Arch: "noarch"}, false)
	require.NoError(t, err)
	_, err = l.CancelTask(t.Context(), ended, true)
	require.NoError(t, err)
	l.run()
	l.want(fmt.Sprintf("cancel %d", ended)) // harmless
	l.drained()
	require.Empty(t, l.calls)
	for id, want := range map[int64]koji.TaskState{unknown: koji.TaskFree, misfit: koji.TaskFailed, garbage: koji.TaskFailed, ended: koji.TaskCanceled} {
		row, err := l.Task(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, koji.TaskState(row.State), "task %d", id)
	}
	text, err := l.TaskText(t.Context(), misfit)
	require.NoError(t, err)
	_, err = xmlrpc.UnmarshalResult(text.Result)
	require.ErrorContains(t, err, "missing 1 required positional argument: 'n'")
	require.Equal(t, 1, l.count(fmt.Sprintf(`SELECT count(*) FROM toji.foreign_task WHERE task_id = %d`, unknown)))
}

// A task that came before the hub that knows its type starts with that hub.
func TestTasksThatCanStartAgain(t *testing.T) {
	l := newLab(t)
	id := l.make("sleep", 1)
	_, err := l.Exec(t.Context(), `DELETE FROM toji.outbox`)
	require.NoError(t, err)
	require.NoError(t, l.KeepForeign(t.Context(), id))
	l.run()
	l.want(fmt.Sprintf("start %d sleep &{N:1}", id))
	l.drained()
	require.Zero(t, l.count(`SELECT count(*) FROM toji.foreign_task`))
}

// A type that a site adds has a workflow from then on, for the tasks that are there
// already, too. Requests are looked into before the site's worker gets them.
func TestSiteTypes(t *testing.T) {
	l := newLab(t)
	early := l.make("countLines", "a.txt")
	l.run()
	l.drained()
	require.Equal(t, 1, l.count(`SELECT count(*) FROM toji.foreign_task`))
	_, err := l.Exec(t.Context(), `INSERT INTO host (id, user_id, name) VALUES (1, 1, 'site1')`)
	require.NoError(t, err)
	spec := task.Spec{Name: "countLines", Version: 1, Title: "Count", Weight: 0.5, Params: []task.Param{{Name: "path", Kind: rpc.KindText, Required: true}}}
	require.NoError(t, l.PutSiteType(t.Context(), spec, 1))
	require.NoError(t, l.SetHostTypes(t.Context(), 1, []task.Spec{spec}))
	request, err := xmlrpc.MarshalRequest("countLines", "a.txt")
	require.NoError(t, err)
	l.want(fmt.Sprintf("start %d site {Weight:0.5 Request:%s}", early, request))
	misfit := l.make("countLines", 1)
	l.drained()
	require.Equal(t, 1, l.count(`SELECT count(*) FROM task WHERE id = $1 AND state = 5`, misfit))
}

// brokenFailer spoils the transaction that it is called in.
type brokenFailer struct{ *lab }

func (b brokenFailer) FailTask(ctx context.Context, _ int64, _ int, _ task.Failure) (store.TaskOutcome, error) {
	_, err := b.Exec(ctx, `SELECT 1/0`)
	return 0, err
}

// One intent that cannot be dealt with must not hold up the others of its batch.
// What Temporal would never take fails, and is not tried for ever.
func TestHugeRequest(t *testing.T) {
	l := newLab(t)
	id := l.make("sleep", 1, strings.Repeat("x", maxRequest))
	l.run()
	l.drained()
	require.Equal(t, 1, l.count(fmt.Sprintf(`SELECT count(*) FROM task WHERE id = %d AND state = 5 AND result LIKE '%%the most is %d%%'`, id, maxRequest)))
	require.Empty(t, l.calls)
}

func TestBadIntentIsAlone(t *testing.T) {
	l := newLab(t)
	misfit, good := l.make("sleep"), l.make("sleep", 1)
	l.runWith(brokenFailer{l})
	l.want(fmt.Sprintf("start %d sleep &{N:1}", good))
	require.Eventually(t, func() bool {
		return l.count(`SELECT count(*) FROM toji.outbox WHERE task_id = $1 AND last_error LIKE '%division by zero%'`, misfit) == 1 &&
			l.count(`SELECT count(*) FROM toji.outbox`) == 1
	}, sweep/2, 5*time.Millisecond)
}

func TestDecode(t *testing.T) {
	entry, ok := task.Lookup("build")
	require.True(t, ok)
	request, err := xmlrpc.MarshalRequest("build", "git://example.com/foo#abc", "f40", map[string]any{"scratch": true})
	require.NoError(t, err)
	params, err := decode(entry, request)
	require.NoError(t, err)
	require.Equal(t, &tasks.BuildParams{Src: "git://example.com/foo#abc", Target: tasks.Ref{Name: "f40"}, Opts: tasks.BuildOpts{Scratch: true}}, params)
}
