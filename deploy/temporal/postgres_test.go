package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	testRole     = "temporal"
	testPassword = "a/b+c%@" // what a URL would mangle
)

// testPostgres is a private PostgreSQL on a free port, made but not started.
type testPostgres struct {
	t    *testing.T
	dir  string
	cred *syscall.Credential // PostgreSQL refuses to run as root
	addr string
	cmd  *exec.Cmd
}

func newTestPostgres(t *testing.T) *testPostgres {
	if _, err := findPostgres("initdb"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "temporal-pg")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &testPostgres{t: t, dir: dir, addr: freeAddr(t)}
	t.Cleanup(p.kill)
	if os.Getuid() == 0 {
		p.cred = unprivileged(t)
		require.NoError(t, os.Chown(dir, int(p.cred.Uid), int(p.cred.Gid)))
	}
	password := filepath.Join(dir, "password")
	require.NoError(t, os.WriteFile(password, []byte(testPassword), 0o644))
	out, err := p.command("initdb", "--auth=scram-sha-256", "--auth-local=trust", "--pwfile", password,
		"-U", "postgres", "-N", "-D", p.data()).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return p
}

func (p *testPostgres) data() string { return filepath.Join(p.dir, "data") }

func (p *testPostgres) command(name string, args ...string) *exec.Cmd {
	path, err := findPostgres(name)
	require.NoError(p.t, err)
	cmd := exec.Command(path, args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// start returns when PostgreSQL takes connections. After a kill it refuses to start until the
// last child of its predecessor has noticed, so it is tried again.
func (p *testPostgres) start() {
	host, port, err := net.SplitHostPort(p.addr)
	require.NoError(p.t, err)
	require.EventuallyWithT(p.t, func(t *assert.CollectT) {
		if p.cmd == nil {
			cmd := p.command("postgres", "-D", p.data(), "-h", host, "-p", port, "-k", p.dir)
			require.NoError(t, cmd.Start())
			p.cmd = cmd
		}
		ready := p.command("pg_isready", "-h", host, "-p", port).Run()
		if ready != nil && p.hasEnded() {
			p.kill()
		}
		require.NoError(t, ready)
	}, 30*time.Second, 50*time.Millisecond)
}

func (p *testPostgres) hasEnded() bool {
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WNOHANG, nil)
	return err != nil || pid != 0
}

// kill is kill -9 of the postmaster; its children notice and end.
func (p *testPostgres) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// createRole makes the role that the server logs in with: it may create databases and is no
// superuser.
func (p *testPostgres) createRole(ctx context.Context) {
	conn := p.connect(ctx, "postgres", "postgres")
	defer conn.Close(ctx)
	_, err := conn.Exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB PASSWORD '%s'", testRole, testPassword))
	require.NoError(p.t, err)
}

// connect waits for PostgreSQL with the code under test.
func (p *testPostgres) connect(ctx context.Context, role, database string) *pgx.Conn {
	opts := Options{PGAddr: p.addr, PGUser: role, PGPass: testPassword, PGSSLMode: "disable"}
	conn, err := postgres{opts: opts, log: testLog(p.t)}.connect(ctx, database)
	require.NoError(p.t, err)
	return conn
}

// findPostgres looks where Debian hides the server's programs, then in PATH.
func findPostgres(name string) (string, error) {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1], nil
	}
	return exec.LookPath(name)
}

func unprivileged(t *testing.T) *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("no unprivileged user to run PostgreSQL as")
	return nil
}

func freeAddr(t *testing.T) string {
	ports, err := freePorts(1)
	require.NoError(t, err)
	return fmt.Sprintf("%s:%d", loopback, ports[0])
}
