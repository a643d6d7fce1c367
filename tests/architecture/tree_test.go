package architecture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the top of the source tree.
const root = "../.."

// The folders at the top are those of the design; a new one wants a reason.
func TestTopFolders(t *testing.T) {
	want := []string{"activities", "cli", "cmd", "deploy", "docs", "hub", "internal", "koji", "schema", "tests", "web", "workers", "workflows"}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	var got []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" {
			got = append(got, e.Name())
		}
	}
	require.Equal(t, want, got)
}

// Sizes that we keep to (ARCHITECTURE.md, House style).
const (
	maxFileLines     = 700
	maxFunctionLines = 80
)

// Files and functions stay small enough to be read.
func TestSizes(t *testing.T) {
	eachGoFile(t, func(path string, lines []string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		if len(lines) > maxFileLines {
			t.Errorf("%s has %d lines, %d are the most", path, len(lines), maxFileLines)
		}
		start, name := -1, ""
		for i, line := range lines {
			switch {
			case strings.HasPrefix(line, "func ") && !strings.HasSuffix(line, "}"):
				start, name = i, line
			case line == "}" && start >= 0:
				if n := i - start; n > maxFunctionLines {
					t.Errorf("%s:%d has %d lines, %d are the most: %s", path, start+1, n, maxFunctionLines, name)
				}
				start = -1
			}
		}
	})
}

// Names that say nothing about what is inside.
func TestPackageNames(t *testing.T) {
	empty := map[string]bool{"util": true, "utils": true, "common": true, "helpers": true, "helper": true, "types": true, "misc": true, "base": true}
	eachGoFile(t, func(path string, _ []string) {
		if dir := filepath.Base(filepath.Dir(path)); empty[dir] {
			t.Errorf("%s: a package named %s says nothing", path, dir)
		}
	})
}

// Every package says what it is for.
func TestPackageComments(t *testing.T) {
	has, seen := map[string]bool{}, map[string]bool{}
	eachGoFile(t, func(path string, lines []string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		dir := filepath.Dir(path)
		seen[dir] = true
		for i, line := range lines {
			if strings.HasPrefix(line, "package ") && i > 0 && strings.HasPrefix(lines[i-1], "//") {
				has[dir] = true
			}
		}
	})
	for dir := range seen {
		if !has[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func eachGoFile(t *testing.T, f func(path string, lines []string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f(path, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
		return nil
	})
	require.NoError(t, err)
}
