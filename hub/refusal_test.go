package hub

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// refusals calls methods of a hub in which every table that has rows to refer to
// has some: the ids are 1, those of tasks 100 and 101, both open on host 1.
type refusals struct {
	*life
	calls atomic.Int64
	taken atomic.Int64 // calls that changed something
}

// watchRows notes in which tables the transaction has changed rows, but for updates
// that change nothing. A setting is taken back with the savepoint, like the rows.
const watchRows = `
	CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
		PERFORM set_config('test.changed', coalesce(current_setting('test.changed', true), '') || ' ' || TG_TABLE_NAME, true);
		RETURN NULL;
	END $$;
	DO $$
	DECLARE t record;
	BEGIN
		FOR t IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'toji') LOOP
			EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON %I.%I FOR EACH ROW EXECUTE FUNCTION public.note_change()',
				t.schemaname, t.tablename);
		END LOOP;
	END $$`

func newRefusals(t *testing.T) *refusals {
	r := &refusals{life: newLife(t)}
	request, err := xmlrpc.MarshalRequest("sleep", 1)
	require.NoError(t, err)
	r.exec(`
		INSERT INTO users (id, name, status, usertype) VALUES (4, 'builder2', 0, 1), (5, 'stranger', 0, 0), (6, 'team', 0, 2);
		INSERT INTO host (id, user_id, name) VALUES (2, 4, 'builder2');
		INSERT INTO host_config (host_id, creator_id) VALUES (2, 1);
		INSERT INTO host_channels (host_id, channel_id, creator_id) VALUES (1, 1, 1), (2, 1, 1);
		INSERT INTO sessions (id, user_id, key, authtype, hostip, start_time, update_time, exclusive) VALUES
			(1, 1, 'a', 0, '-', now(), now(), NULL), (5, 5, 'e', 0, '-', now(), now(), NULL), (3, 3, 'c', 0, '-', now(), now(), true), (4, 4, 'd', 0, '-', now(), now(), true);
		INSERT INTO build_target (id, name) VALUES (1, 'target');
		INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, creator_id) VALUES (1, 1, 1, 1);
		INSERT INTO external_repo (id, name) VALUES (1, 'fedora');
		INSERT INTO external_repo_config (external_repo_id, url, creator_id) VALUES (1, 'http://example.org/', 1);
		INSERT INTO tag_external_repos (tag_id, external_repo_id, priority, creator_id) VALUES (1, 1, 1, 1);
		INSERT INTO content_generator (id, name) VALUES (1, 'cg');
		INSERT INTO buildroot (id, br_type) VALUES (1, 0);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state, create_event) VALUES (1, 1, 1, 100, 2, 1);
		INSERT INTO build_notifications (id, user_id, email) VALUES (1, 1, 'root@example.org');
		INSERT INTO build_notifications_block (id, user_id) VALUES (1, 1);
		INSERT INTO groups (id, name) VALUES (1, 'build');
		INSERT INTO group_config (group_id, tag_id, creator_id, display_name) VALUES (1, 1, 1, 'build');
		UPDATE repo SET task_id = 100, create_event = 1;
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, weight, parent) VALUES (102, 0, 1, 'sleep', '', 'noarch', 1, 1, 100);
		UPDATE task SET request = $$` + request + `$$;
		INSERT INTO scheduler_task_runs (task_id, host_id, active) VALUES (100, 1, true)`)
	id := r.complete("foo", "1")
	require.EqualValues(t, 1, id)
	r.exec(`
		INSERT INTO tag_listing (build_id, tag_id, creator_id) VALUES (1, 1, 1);
		INSERT INTO rpminfo (id, build_id, buildroot_id, name, version, release, arch, payloadhash, size, buildtime, external_repo_id, draft)
			VALUES (1, 1, 1, 'foo', '1', '1', 'x86_64', '` + strings.Repeat("0", 32) + `', 1, 1, 0, false);
		INSERT INTO rpmsigs (rpm_id, sigkey, sighash) VALUES (1, 'key', '` + strings.Repeat("0", 32) + `');
		INSERT INTO archiveinfo (id, type_id, build_id, filename, size, checksum, checksum_type)
			VALUES (1, 1, 1, 'a.jar', 1, '` + strings.Repeat("0", 32) + `', 0)`)
	// What is new gets numbers of its own.
	r.exec(`SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1000) FROM pg_sequences WHERE schemaname = 'public'`)
	r.exec(watchRows)
	return r
}

var errUndo = errors.New("undo")

// patience is how long a refusal may take on a busy machine.
const patience = 30 * time.Second

// call calls a method as the dispatcher does, and undoes what it did. It returns
// the tables in which it changed rows, and its error.
func (r *refusals) call(ctx context.Context, e *rpc.Entry, args ...any) (changed []string, err error) {
	r.calls.Add(1)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	undone := r.Store.InTx(ctx, func(ctx context.Context) error {
		run := func(ctx context.Context) error {
			_, err = r.Hub.call(ctx, e, args, nil)
			if ctx.Err() != nil {
				err = fmt.Errorf("hangs: %w", errInternal)
			}
			return err
		}
		if e.Writes { // what fails is rolled back
			_ = r.Store.Savepoint(ctx, run)
		} else {
			_ = run(ctx)
		}
		changed = r.changed(ctx)
		return errUndo
	})
	if !errors.Is(undone, errUndo) {
		r.t.Errorf("%s: %v", e.Name, undone)
	}
	return changed, err
}

// changed lists the tables that were changed in the transaction; none of one that
// has failed, in which nothing can be asked any more.
func (r *refusals) changed(ctx context.Context) []string {
	var names *string
	if err := r.Store.QueryRow(ctx, `SELECT current_setting('test.changed', true)`).Scan(&names); err != nil || names == nil {
		return nil
	}
	list := strings.Fields(*names)
	slices.Sort(list)
	return slices.Compact(list)
}

// plausible returns an argument that a parameter may well have.
func plausible(e *rpc.Entry, p rpc.Param) any {
	name := strings.ToLower(strings.ReplaceAll(p.Name, "_", ""))
	switch {
	case p.Optional:
		return p.Default
	case strings.Contains(name, "task"):
		return int64(100)
	case name == "nvr", name == "buildname":
		return "foo-1-1"
	case name == "arch":
		return "x86_64"
	}
	for i := range e.ParamsType.NumField() {
		f := e.ParamsType.Field(i)
		if tag, _, _ := strings.Cut(f.Tag.Get("rpc"), ","); tag == p.Name {
			return ofKind(f.Type)
		}
	}
	return int64(1)
}

func ofKind(t reflect.Type) any {
	switch t.Kind() {
	case reflect.String:
		return "x"
	case reflect.Bool:
		return false
	case reflect.Slice:
		return []any{}
	case reflect.Map, reflect.Struct:
		return map[string]any{}
	}
	return int64(1)
}

// arguments returns plausible ones for all parameters.
func arguments(e *rpc.Entry) []any {
	var args []any
	for _, p := range e.Params {
		if p.Rest == rpc.RestNone {
			args = append(args, plausible(e, p))
		}
	}
	return args
}

// each calls check for every method of the hub.
func (r *refusals) each(check func(e *rpc.Entry)) {
	for _, name := range r.Methods.Names() {
		e, err := r.Methods.Lookup(name)
		require.NoError(r.t, err)
		check(e)
	}
}

// leak finds what a client has no business to see.
var leak = regexp.MustCompile(`pq: |SQLSTATE|sql:|SELECT |INSERT |UPDATE |runtime error|goroutine|interface conversion|reflect[.:]|strconv\.|json: |%!|0x[0-9a-f]{6,}|\bnil pointer|/root/|\.go:\d`)

// meant returns why a fault is none that a client should get, "" if it is one.
func meant(err error) string {
	f := faultOf(err)
	switch {
	case errors.Is(err, errInternal):
		return err.Error()
	case unforeseen(err):
		return fmt.Sprintf("unforeseen: %v", err)
	case f.Code == faultUnforeseen && !strings.HasPrefix(f.String, "<class '"):
		return "fault 1: " + f.String
	case f.Code != faultUnforeseen && koji.FaultName(f.Code) == "Fault":
		return fmt.Sprintf("no fault of Koji's: %d", f.Code)
	}
	if found := leak.FindString(f.String); found != "" {
		return "shows internals: " + f.String
	}
	return ""
}

// freeToUsers are what every user may do as far as the declarations go; for most,
// policies decide.
var freeToUsers = []string{
	"build", "moveAllBuilds", "moveBuild", "tagBuild", "untagBuild", "repo.request", "createSideTag",
	"exclusiveSession", "logout", "subsession", "toji.createToken", // its own
}

// freeToHosts are what a host may do without a task: they are about itself.
var freeToHosts = []string{"host.repoInit", "host.updateHost"}

// Nobody does what is not theirs to do.
func TestMethodsRefuseCallers(t *testing.T) {
	r := newRefusals(t)
	stranger := session.With(t.Context(), &session.Session{ID: 5, UserID: 5, UserName: "stranger"})
	foreign := session.With(t.Context(), &session.Session{ID: 4, UserID: 4, UserName: "builder2", HostID: new(int64(2)), Exclusive: true})
	shared := session.With(t.Context(), &session.Session{ID: 4, UserID: 4, UserName: "builder2", HostID: new(int64(2))})
	create, err := r.Methods.Lookup("createTag")
	require.NoError(t, err)
	changed, err := r.call(asAdmin(t), create, "new")
	require.NoError(t, err)
	require.Equal(t, []string{"events", "tag", "tag_config"}, changed, "changes are seen")

	fails := func(ctx context.Context, e *rpc.Entry, fault int, text string) {
		t.Helper()
		changed, err := r.call(ctx, e, arguments(e)...)
		if err == nil || koji.FaultOf(err) != fault || !strings.Contains(err.Error(), text) || len(changed) > 0 {
			t.Errorf("%s: want fault %d %q, got %v, changed %v", e.Name, fault, text, err, changed)
		}
	}
	keeps := func(who string, ctx context.Context, e *rpc.Entry) {
		t.Helper()
		changed, err := r.call(ctx, e, arguments(e)...)
		if len(changed) > 0 {
			t.Errorf("%s by %s changed %v (%v)", e.Name, who, changed, err)
		}
		if err != nil && meant(err) != "" {
			t.Errorf("%s by %s: %s", e.Name, who, meant(err))
		}
	}
	r.each(func(e *rpc.Entry) {
		a := e.Access
		switch {
		case a.Host:
			fails(t.Context(), e, koji.FaultAuth, "Not logged-in")
			fails(stranger, e, koji.FaultAuth, "User 5 is not a host")
			keeps("a host without exclusive session", shared, e)
			if !slices.Contains(freeToHosts, e.Name) {
				keeps("a host without the task", foreign, e)
			}
		case len(a.Perms) > 0:
			fails(t.Context(), e, koji.FaultActionNotAllowed, a.Perms[0]+" permission required (user not logged in)")
			fails(stranger, e, koji.FaultActionNotAllowed, a.Perms[0]+" permission required (logged in as stranger)")
		case a.Login:
			fails(t.Context(), e, koji.FaultActionNotAllowed, "you must be logged in for this operation")
			fallthrough
		default:
			keeps("nobody", t.Context(), e)
			if !slices.Contains(freeToUsers, e.Name) {
				keeps("a stranger", stranger, e)
			}
		}
	})
	t.Logf("%d calls of %d methods", r.calls.Load(), len(r.Methods.Names()))
}

// nested is a struct in a struct in a struct ...
func nested(depth int) any {
	var v any = int64(1)
	for range depth {
		v = map[string]any{"id": []any{v}}
	}
	return v
}

// absurd are values of the wrong type for most parameters, or of the right type
// and beyond all sense.
var absurd = map[string]any{
	"none": nil, "a fraction": 1.5, "bytes": []byte{0xff, 0}, "a list of none": []any{nil}, "an empty struct": map[string]any{},
	"a negative number": int64(-1), "2^40": int64(1) << 40, "2^63-1": int64(math.MaxInt64),
	"NUL": "a\x00b", "SQL": "'; DROP TABLE users; -- %s%n\xff", "1 MiB": strings.Repeat("x", 1<<20), "upwards": "../../../etc/passwd",
	"nested": nested(200),
}

// Whatever a client sends, what fails says so in its own words and changes nothing.
func TestMethodsRefuseArguments(t *testing.T) {
	r := newRefusals(t)
	ctx := session.With(t.Context(), &session.Session{
		ID: 3, UserID: 3, UserName: "builder1", HostID: new(int64(1)), Exclusive: true, Perms: []string{"admin"},
	})
	var g errgroup.Group
	g.SetLimit(4)
	r.each(func(e *rpc.Entry) {
		g.Go(func() error {
			r.sendAbsurd(ctx, e)
			return nil
		})
	})
	require.NoError(t, g.Wait())
	entries, err := os.ReadDir(filepath.Dir(r.Paths.TopDir))
	require.NoError(t, err)
	require.Len(t, entries, 1, "files were written outside of the top directory")
	t.Logf("%d calls of %d methods, %d of them taken", r.calls.Load(), len(r.Methods.Names()), r.taken.Load())
}

// sendAbsurd gives each parameter of a method every absurd value.
func (r *refusals) sendAbsurd(ctx context.Context, e *rpc.Entry) {
	for i, p := range e.Params {
		if p.Rest != rpc.RestNone {
			continue
		}
		for what, v := range absurd {
			args := arguments(e)
			args[i] = v
			if rpc.Decode(args, nil, reflect.New(e.ParamsType).Interface()) != nil {
				_, err := e.Call(ctx, args, nil) // does not get to the method
				if why := meant(err); why != "" {
					r.t.Errorf("%s(%s: %s): %s", e.Name, p.Name, what, cut(why))
				}
				continue
			}
			changed, err := r.call(ctx, e, args...)
			switch {
			case err == nil && len(changed) > 0: // such as a text that may be anything, or what is true to Python
				r.taken.Add(1)
			case err == nil:
			case len(changed) > 0:
				r.t.Errorf("%s(%s: %s) failed and changed %v: %v", e.Name, p.Name, what, changed, err)
			case meant(err) != "":
				r.t.Errorf("%s(%s: %s): %s", e.Name, p.Name, what, cut(meant(err)))
			}
		}
	}
}

func cut(text string) string { return text[:min(len(text), 300)] }
