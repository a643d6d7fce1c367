package pgcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
)

// childDir names the environment variable that turns the test program into a
// process which runs a cluster until it is killed.
const childDir = "PGCLUSTER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runChild(dir)
	}
	os.Exit(m.Run())
}

func runChild(dir string) {
	c, err := New(testOptions(dir))
	if err == nil {
		err = c.Start(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

func testOptions(dir string) Options {
	return Options{Dir: dir, Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}}
}

// testDir is short, for the socket, and open to the server's user, unlike
// t.TempDir.
func testDir(t *testing.T) string {
	t.Helper()
	if _, err := findPrograms(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "toji-pg")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newCluster(t *testing.T, dir string) *Cluster {
	t.Helper()
	c, err := New(testOptions(dir))
	require.NoError(t, err)
	t.Cleanup(func() { c.Stop(context.Background()) })
	return c
}

func open(t *testing.T, dsn string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), dsn, database.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestLifecycle(t *testing.T) {
	dir := testDir(t)
	ctx := t.Context()
	c := newCluster(t, dir)
	require.NoError(t, c.Start(ctx))
	require.ErrorContains(t, c.Start(ctx), "started already")

	require.NoError(t, c.CreateDatabase(ctx, "koji"))
	require.NoError(t, c.CreateDatabase(ctx, "koji"), "again")
	db := open(t, c.DSN("koji"))
	_, err := db.Exec(ctx, `CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)`)
	require.NoError(t, err)
	for setting, want := range map[string]string{
		"server_encoding": "UTF8", "data_checksums": "on", "synchronous_commit": "on", "lc_collate": "C.UTF-8", "fsync": "off",
	} {
		got, err := database.One[string](ctx, db, `SELECT current_setting($1)`, setting)
		if setting == "lc_collate" && database.Code(err) != "" { // gone in version 16
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, got, setting)
	}

	t.Run("TCP takes the password and nothing else", func(t *testing.T) {
		tcp, err := c.TCP()
		require.NoError(t, err)
		format := "postgres://%s:%s@%s:%d/koji?sslmode=disable"
		db := open(t, fmt.Sprintf(format, tcp.User, tcp.Password, tcp.Host, tcp.Port))
		require.NoError(t, db.Ping(ctx))
		_, err = database.Open(ctx, fmt.Sprintf(format, tcp.User, "wrong", tcp.Host, tcp.Port), database.Options{})
		require.ErrorContains(t, err, "password authentication failed")
		info, err := os.Stat(filepath.Join(dir, "password"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	})

	require.NoError(t, c.Stop(ctx))
	require.NoError(t, c.Wait())

	again := newCluster(t, dir)
	require.NoError(t, again.Start(ctx))
	n, err := database.One[int](ctx, open(t, again.DSN("koji")), `SELECT n FROM kept`)
	require.NoError(t, err)
	require.Equal(t, 42, n)

	t.Run("a killed server is reported and starts again", func(t *testing.T) {
		require.NoError(t, syscall.Kill(again.server.process.Pid, syscall.SIGKILL))
		require.ErrorContains(t, again.Wait(), "signal: killed")
		require.FileExists(t, filepath.Join(again.data(), "postmaster.pid"))
		require.NoError(t, again.Start(ctx))
	})

	t.Run("a pid file with another program's number", func(t *testing.T) {
		require.NoError(t, again.Stop(ctx))
		stale := fmt.Sprintf("%d\n%s\n", os.Getpid(), again.data())
		require.NoError(t, again.write(filepath.Join(again.data(), "postmaster.pid"), stale))
		require.NoError(t, again.Start(ctx))
	})

	t.Run("an old server on the directory is stopped first", func(t *testing.T) {
		next := newCluster(t, dir)
		require.NoError(t, next.Start(ctx))
		require.Error(t, again.Wait())
		require.NoError(t, next.Stop(ctx))
	})

	t.Run("data of another version", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600))
		err := newCluster(t, dir).Start(ctx)
		require.ErrorContains(t, err, "was made by PostgreSQL 9")
	})
}

func TestDiesWithItsParent(t *testing.T) {
	dir := testDir(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	c := newCluster(t, dir)
	left, err := c.processes()
	require.NoError(t, err)
	require.NotEmpty(t, left)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.NoError(t, c.awaitGone(t.Context(), 10*time.Second))
	left, err = c.processes()
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Run("no programs", func(t *testing.T) {
		_, err := New(Options{Dir: t.TempDir(), BinDir: t.TempDir()})
		require.ErrorContains(t, err, "apt-get install postgresql")
	})
	t.Run("port in use", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		c := &Cluster{port: l.Addr().(*net.TCPAddr).Port}
		require.ErrorContains(t, c.checkPort(), "is in use; choose another")
	})
	t.Run("a bad setting", func(t *testing.T) {
		opts := testOptions(testDir(t))
		opts.Settings["work_mem"] = "lots"
		c, err := New(opts)
		require.NoError(t, err)
		require.ErrorContains(t, c.Start(t.Context()), `invalid value for parameter "work_mem"`)
	})
	t.Run("options", func(t *testing.T) {
		_, err := New(Options{})
		require.ErrorContains(t, err, "Dir is empty")
		_, err = New(Options{Dir: "x", Port: 70000})
		require.ErrorContains(t, err, "does not exist")
	})
	t.Run("ended before it was ready", func(t *testing.T) {
		c := newCluster(t, testDir(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.True(t, errors.Is(c.Start(ctx), context.Canceled))
	})
}

// Work below /root, which is closed to the server's user.
func TestClosedDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: the server runs as the same user")
	}
	dir := testDir(t)
	require.NoError(t, os.Chmod(dir, 0o700))
	c := newCluster(t, filepath.Join(dir, "pg"))
	err := c.Start(t.Context())
	if !canPass() {
		require.ErrorContains(t, err, "may not enter "+dir)
		return
	}
	require.NoError(t, err)
	require.NoError(t, c.CreateDatabase(t.Context(), "koji"))
	require.NoError(t, c.Stop(t.Context()))
}
