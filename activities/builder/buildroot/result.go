package buildroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// collect sorts the files of a result directory by what they are.
func collect(dir string, res *Result) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("collect results: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case !e.Type().IsRegular():
			res.Unexpected = append(res.Unexpected, name)
		case strings.HasSuffix(name, ".log"):
			res.Logs = append(res.Logs, name)
		case strings.HasSuffix(name, ".src.rpm"):
			res.SRPMs = append(res.SRPMs, name)
		case strings.HasSuffix(name, ".rpm"):
			res.RPMs = append(res.RPMs, name)
		default:
			res.Unexpected = append(res.Unexpected, name)
		}
	}
	return nil
}

// inside maps a path outside of a root to the one inside: below tmp, which is
// TmpDir inside.
func inside(tmp, path string) (string, error) {
	rel, err := filepath.Rel(tmp, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("buildroot: %s is not in %s", path, tmp)
	}
	return filepath.Join(TmpDir, rel), nil
}
