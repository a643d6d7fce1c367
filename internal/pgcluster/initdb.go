package pgcluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// hba says who may connect: nobody but the owner reaches the socket, TCP takes
// the password.
const hba = `# Written at every start.
local all all              trust
host  all all 127.0.0.1/32 scram-sha-256
`

// prepare makes the directory fit for a start: everything in place, owned by
// whom the server runs as, and of the programs' version.
func (c *Cluster) prepare(ctx context.Context) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if err := c.owner.reach(c.dir); err != nil {
		return err
	}
	// A path too long for a socket's address fails late and darkly.
	if path := filepath.Join(c.socket(), ".s.PGSQL.65535"); len(path) > 107 {
		return fmt.Errorf("pgcluster: the path of the socket, %s, is longer than 107 bytes; choose a shorter data directory", path)
	}
	if err := os.RemoveAll(c.socket()); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if err := os.Mkdir(c.socket(), 0o700); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if err := c.owner.own(c.socket()); err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = c.initdb(ctx)
	case err != nil:
		err = fmt.Errorf("pgcluster: %w", err)
	default:
		err = c.checkVersion(ctx, strings.TrimSpace(string(have)))
	}
	if err != nil {
		return err
	}
	if err := c.owner.own(c.data()); err != nil {
		return err
	}
	return c.write(filepath.Join(c.data(), "pg_hba.conf"), hba)
}

func (c *Cluster) checkVersion(ctx context.Context, have string) error {
	want, err := programsVersion(ctx, c.bin)
	if err != nil {
		return err
	}
	if have != want {
		return fmt.Errorf("pgcluster: %s was made by PostgreSQL %s, but %s holds version %s; install version %s, or move the data over with pg_upgrade",
			c.data(), have, c.bin, want, have)
	}
	return nil
}

// write writes a file of the server's.
func (c *Cluster) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if c.owner == nil {
		return nil
	}
	if err := os.Chown(path, c.owner.uid, c.owner.gid); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	return nil
}

// initdb makes the data directory under another name and moves it in place when
// it is complete.
func (c *Cluster) initdb(ctx context.Context) error {
	password := rand.Text()
	if err := os.WriteFile(filepath.Join(c.dir, "password"), []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("pgcluster: keep password: %w", err)
	}
	fresh := c.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if err := c.owner.own(fresh); err != nil {
		return err
	}
	// The server's user cannot read the password's file; this one is in its own
	// directory and goes away.
	pwfile := filepath.Join(c.socket(), "initdb-password")
	if err := c.write(pwfile, password+"\n"); err != nil {
		return err
	}
	defer os.Remove(pwfile)
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"),
		"--pgdata="+fresh, "--username="+superuser, "--pwfile="+pwfile,
		"--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums",
		"--auth-local=trust", "--auth-host=scram-sha-256")
	if c.opts.Settings["fsync"] == "off" {
		cmd.Args = append(cmd.Args, "--no-sync")
	}
	cmd.Dir = "/" // which the server's user may enter, unlike ours
	cmd.SysProcAttr = c.owner.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgcluster: initdb: %w: %s", err, lastLine(string(out)))
	}
	// Fails when the directory holds anything that is not PostgreSQL's.
	if err := os.Rename(fresh, c.data()); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
