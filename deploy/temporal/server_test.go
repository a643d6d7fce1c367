package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// childEnv makes the test binary be the server, so that the tests kill a real process.
const childEnv = "TEMPORAL_SERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestServer takes one server through its life: started before its database, killed with it
// and started again, stopped, and left by its parent.
func TestServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	pg := newTestPostgres(t)
	pg.start()
	pg.createRole(ctx)
	pg.kill()
	s := newTestServer(t, pg.addr)

	s.start()
	s.await(ctx, "waiting for PostgreSQL")
	pg.start()
	s.awaitReady(ctx)
	s.checkUI()
	checkIndexes(ctx, t, pg)
	s.startWorkflow(ctx)
	s.awaitListed(ctx, `TojiTask = 7 AND TojiMethod = "build" AND TojiOwner = "someone"`)

	pg.kill()
	s.kill()
	pg.start()
	s.start()
	s.awaitReady(ctx)
	s.awaitListed(ctx, `TojiTag = "f42" AND TojiNVR = "bash-5.2-1" AND TojiHost = "builder1"`)

	pg.kill()
	pg.start()
	s.awaitListed(ctx, `TojiTask = 7`) // by the same process

	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	stopped := time.Now()
	require.NoError(t, s.wait())
	require.Less(t, time.Since(stopped), stopTimeout+2*time.Second)

	s.args = append(s.args, "--retention", "24h")
	s.start()
	s.awaitReady(ctx)
	require.Equal(t, 24*time.Hour, s.retention(ctx))
	s.lifeline.Close()
	require.Error(t, s.wait())
}

// checkIndexes also takes the way of a schema upgrade: all indexes come back, and go again.
func checkIndexes(ctx context.Context, t *testing.T, pg *testPostgres) {
	conn := pg.connect(ctx, testRole, "temporal_visibility")
	defer conn.Close(ctx)
	require.ElementsMatch(t, keptIndexes, indexes(ctx, t, conn))

	require.NoError(t, restoreIndexes(ctx, conn))
	all := len(indexes(ctx, t, conn))
	require.Greater(t, all, 70)

	opts := Options{PGAddr: pg.addr, PGUser: testRole, PGPass: testPassword, PGSSLMode: "disable", Database: "temporal"}
	_, visibility := newDatabases(postgres{opts: opts, log: testLog(t)}, newTemporalLogger(testLog(t), slog.LevelError))
	dropped, err := visibility.dropUnusedIndexes(ctx)
	require.NoError(t, err)
	require.Equal(t, all-len(keptIndexes), dropped)
	require.ElementsMatch(t, keptIndexes, indexes(ctx, t, conn))
}

func indexes(ctx context.Context, t *testing.T, conn *pgx.Conn) []string {
	rows, _ := conn.Query(ctx, "SELECT indexname FROM pg_indexes WHERE tablename = 'executions_visibility'")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// testServer is the program under test, in a process of its own.
type testServer struct {
	t        *testing.T
	args     []string
	listen   string
	ui       string
	cmd      *exec.Cmd
	lifeline *os.File
	stderr   chan string // its lines; closed when the process has ended
	ready    string
}

func newTestServer(t *testing.T, pgAddr string) *testServer {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	require.NoError(t, os.WriteFile(password, []byte(testPassword), 0o600))
	s := &testServer{t: t, listen: freeAddr(t), ui: freeAddr(t), ready: filepath.Join(dir, "ready")}
	s.args = []string{
		"--pg-addr", pgAddr, "--pg-user", testRole, "--pg-password-file", password,
		"--listen", s.listen, "--ui", s.ui, "--metrics", freeAddr(t),
		"--lifeline", "3", "--ready-file", s.ready,
	}
	return s
}

func (s *testServer) start() {
	exe, err := os.Executable()
	require.NoError(s.t, err)
	lifeline, ours, err := os.Pipe()
	require.NoError(s.t, err)
	s.cmd = exec.Command(exe, s.args...)
	s.cmd.Env = append(os.Environ(), childEnv+"=1")
	s.cmd.ExtraFiles = []*os.File{lifeline}
	stderr, err := s.cmd.StderrPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, s.cmd.Start())
	lifeline.Close()
	s.lifeline, s.stderr = ours, make(chan string, 10000)
	go func(lines chan string) {
		defer close(lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			lines <- in.Text()
		}
	}(s.stderr)
	s.t.Cleanup(s.kill)
}

// await reads the log until a line has text in it.
func (s *testServer) await(ctx context.Context, text string) {
	var log []string
	for {
		select {
		case line, ok := <-s.stderr:
			log = append(log, line)
			require.True(s.t, ok, "the server ended; its log:\n%s", strings.Join(log, "\n"))
			if strings.Contains(line, text) {
				return
			}
		case <-ctx.Done():
			s.t.Fatalf("no %q in the server's log:\n%s", text, strings.Join(log, "\n"))
		}
	}
}

func (s *testServer) awaitReady(ctx context.Context) {
	s.await(ctx, "temporal server is ready")
	require.FileExists(s.t, s.ready)
}

func (s *testServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.wait()
	s.lifeline.Close()
}

func (s *testServer) wait() error {
	for range s.stderr { // Wait would cut off what is still to be read
	}
	return s.cmd.Wait()
}

func (s *testServer) checkUI() {
	resp, err := http.Get("http://" + s.ui + "/namespaces/toji/workflows")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, resp.StatusCode)
	require.Contains(s.t, string(body), "<!doctype html>")
}

func (s *testServer) dial() client.Client {
	c, err := client.Dial(client.Options{HostPort: s.listen, Namespace: "toji"})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

// startWorkflow starts one that nobody works on, with each of our search attributes.
func (s *testServer) startWorkflow(ctx context.Context) {
	keyword := func(name, value string) temporal.SearchAttributeUpdate {
		return temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value)
	}
	_, err := s.dial().ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "task-7", TaskQueue: "nobody",
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyInt64("TojiTask").ValueSet(7),
			keyword("TojiMethod", "build"), keyword("TojiOwner", "someone"), keyword("TojiTag", "f42"),
			keyword("TojiNVR", "bash-5.2-1"), keyword("TojiHost", "builder1"),
		),
	}, "build")
	require.NoError(s.t, err)
}

// awaitListed waits until query finds startWorkflow's; visibility is written behind it.
func (s *testServer) awaitListed(ctx context.Context, query string) {
	c := s.dial()
	require.EventuallyWithT(s.t, func(t *assert.CollectT) {
		resp, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		require.NoError(t, err)
		require.Len(t, resp.GetExecutions(), 1)
		require.Equal(t, "task-7", resp.GetExecutions()[0].GetExecution().GetWorkflowId())
	}, 30*time.Second, 50*time.Millisecond)
}

func (s *testServer) retention(ctx context.Context) time.Duration {
	resp, err := describe(ctx, s.dial(), "toji")
	require.NoError(s.t, err)
	return resp.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
