package scm

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
)

// FindSpec returns the path of the spec file in a folder of sources: the only
// one, or the one with the name of the folder. With rpmLayout it is looked for
// in a folder SPECS, too. None, or several, is a BuildError.
func FindSpec(dir string, rpmLayout bool) (string, error) {
	found, err := specs(dir)
	if len(found) == 0 && rpmLayout && err == nil {
		found, err = specs(filepath.Join(dir, "SPECS"))
	}
	if err != nil {
		return "", fmt.Errorf("find spec file: %w", err)
	}
	switch len(found) {
	case 0:
		return "", koji.BuildErrorf("No spec file found")
	case 1:
		return found[0], nil
	}
	i := slices.IndexFunc(found, func(f string) bool { return filepath.Base(f) == filepath.Base(dir)+".spec" })
	if i < 0 {
		return "", koji.BuildErrorf("Multiple spec files found but none is matching SCM checkout dir name: ['%s']", strings.Join(found, "', '"))
	}
	return found[i], nil
}

// specs lists the spec files of a folder. Links do not count: they could lead
// to the host's files.
func specs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	var found []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".spec") {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, err
}

// SourcesDir returns the folder to take the sources from: with rpmLayout a
// folder SOURCES in dir if there is one, else dir.
func SourcesDir(dir string, rpmLayout bool) string {
	alt := filepath.Join(dir, "SOURCES")
	if info, err := os.Lstat(alt); rpmLayout && err == nil && info.IsDir() {
		return alt
	}
	return dir
}

// Koji: both look at the beginning of the file only.
var (
	setTag    = regexp.MustCompile(`\A(Packager|Distribution|Vendor):`)
	defineTag = regexp.MustCompile(`\A%define\s+(packager|distribution|vendor)\s+`)
)

// CheckSpec refuses a spec file that sets what the build system sets, with a
// BuildError.
func CheckSpec(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read spec file: %w", err)
	}
	if m := setTag.FindSubmatch(b); m != nil {
		return koji.BuildErrorf("%s is not allowed to be set in spec file", m[1])
	}
	if m := defineTag.FindSubmatch(b); m != nil {
		return koji.BuildErrorf("%s is not allowed to be defined in spec file", m[1])
	}
	return nil
}
