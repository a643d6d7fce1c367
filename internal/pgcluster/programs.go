package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// findPrograms returns the directory with the programs of the newest version of
// PostgreSQL: where Debian's packages put them, or else where PATH leads.
func findPrograms() (string, error) {
	const debian = "/usr/lib/postgresql"
	newest, bin := 0, ""
	found, err := filepath.Glob(filepath.Join(debian, "*", "bin"))
	if err != nil {
		return "", fmt.Errorf("pgcluster: look for PostgreSQL: %w", err)
	}
	for _, dir := range found {
		major, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && major > newest && hasPrograms(dir) {
			newest, bin = major, dir
		}
	}
	if bin != "" {
		return bin, nil
	}
	// initdb looks for postgres beside itself, so follow links to the real place.
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && hasPrograms(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	return "", errors.New("pgcluster: PostgreSQL is not installed; run `apt-get install postgresql` (`dnf install postgresql-server`)")
}

func hasPrograms(dir string) bool {
	for _, program := range []string{"postgres", "initdb"} {
		if info, err := os.Stat(filepath.Join(dir, program)); err != nil || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

var majorVersion = regexp.MustCompile(`PostgreSQL\) (\d+)`)

// programsVersion returns the major version of the programs, such as "15".
func programsVersion(ctx context.Context, bin string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("pgcluster: ask postgres for its version: %w", err)
	}
	m := majorVersion.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("pgcluster: no version in %q", out)
	}
	return string(m[1]), nil
}
