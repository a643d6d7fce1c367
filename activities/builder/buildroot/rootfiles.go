package buildroot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Files of a root are made by whoever built in it. These functions reach them
// through os.Root, which follows no link out of the root, and take only
// regular files.

// glob returns the paths inside, absolute, of dir's regular files that match.
func glob(root, dir, pattern string) ([]string, error) {
	in, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	entries, err := fs.ReadDir(in.FS(), strings.TrimPrefix(dir, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); ok && e.Type().IsRegular() {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names, err
}

// fetch copies one regular file of a root to a path outside.
func fetch(root, file, dst string) error {
	in, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer in.Close()
	// O_NONBLOCK: a fifo must not make us wait.
	src, err := in.OpenFile(strings.TrimPrefix(file, "/"), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", file)
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, src)
	// The time of a package is shown to users, and mock keeps it.
	return errors.Join(err, out.Close(), os.Chtimes(dst, info.ModTime(), info.ModTime()))
}

// fetch copies the files that the command is to leave out of its root.
func (c *Command) fetch(root string) error {
	if len(c.Fetch) == 0 {
		return nil
	}
	in, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(c.FetchTo, 0o700); err != nil {
		return err
	}
	for _, file := range c.Fetch {
		file = path.Clean("/" + file)
		if info, err := in.Lstat(strings.TrimPrefix(file, "/")); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := fetch(root, file, filepath.Join(c.FetchTo, path.Base(file))); err != nil {
			return fmt.Errorf("fetch %s: %w", file, err)
		}
	}
	return nil
}

// putInside copies a file into a directory of a root and returns its path
// inside. One that is there already is left alone: a build may be reading it.
func putInside(root, dir, file string) (string, error) {
	in, err := os.OpenRoot(root)
	if err != nil {
		return "", err
	}
	defer in.Close()
	dst := path.Join(dir, filepath.Base(file))
	rel := strings.TrimPrefix(dst, "/")
	if _, err := in.Lstat(rel); !errors.Is(err, fs.ErrNotExist) {
		return dst, err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return dst, in.WriteFile(rel, b, 0o644)
}

// fetchAll copies the files of a directory of a root that match.
func fetchAll(root, dir, pattern, dst string) error {
	names, err := glob(root, dir, pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := fetch(root, name, filepath.Join(dst, path.Base(name))); err != nil {
			return fmt.Errorf("fetch %s: %w", name, err)
		}
	}
	return nil
}
