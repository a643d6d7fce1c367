package buildroot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// Archive says what of a root is to be saved.
type Archive struct {
	File    string   // where the archive goes, a compressed tar
	Full    bool     // all of the root instead of its build folder
	Exclude []string // patterns of paths, where * is for any characters: left out with all below
}

// tar is the command that makes the archive of a root in baseDir; paths in it are
// NAME/root/....
func (a Archive) tar(baseDir, name string, more ...string) []string {
	argv := append([]string{"tar", "--create", "--gzip", "--numeric-owner", "--file", a.File, "--directory", baseDir,
		"--anchored", "--wildcards", "--wildcards-match-slash"}, more...)
	for _, pattern := range a.Exclude {
		argv = append(argv, "--exclude="+pattern)
	}
	return append(argv, "--", filepath.Join(name, "root", a.part()))
}

func (a Archive) part() string {
	if a.Full {
		return ""
	}
	return "builddir"
}

// SaveLog is the file, beside the archive, with what was said while it was made.
const SaveLog = "save.log"

// Save archives the root of a task that has ended; dir is its Root.Dir. A root, or
// a build folder, that is not there any more is a GenericError.
func Save(ctx context.Context, cfg Config, dir string, a Archive) error {
	var exit step.Exit
	spec, err := readNativeSpec(filepath.Join(dir, "native-init.json"))
	switch {
	case err == nil:
		var native *nativeDriver
		if native, err = newNative(cfg); err == nil {
			exit, err = native.save(ctx, spec, a)
		}
	case errors.Is(err, fs.ErrNotExist): // mock's, which lies open
		part := filepath.Join(dir, "root", a.part())
		if _, err := os.Lstat(part); err != nil {
			return koji.GenericErrorf("Buildroot directory is missing: %s", part)
		}
		exit, err = cfg.Runner.Run(ctx, "save", step.Spec{
			Argv: a.tar(filepath.Dir(dir), filepath.Base(dir), "--one-file-system"), Log: filepath.Join(filepath.Dir(a.File), SaveLog),
		})
	}
	if err != nil {
		return err
	}
	if !exit.OK() {
		return koji.GenericErrorf("the buildroot cannot be archived: %v, see %s", exit, SaveLog)
	}
	return nil
}

// save has native-build archive a root that was made with the spec.
func (d *nativeDriver) save(ctx context.Context, spec nativeSpec, a Archive) (step.Exit, error) {
	spec.Archive, spec.CacheDir = &a, d.cacheDir
	dir := filepath.Dir(a.File)
	spec.Root.WorkDir, spec.Result = dir, filepath.Join(dir, "save-result.json")
	return d.start(ctx, "save", filepath.Join(dir, "save.json"), filepath.Join(dir, SaveLog), spec)
}

// save archives the root, which is mounted as it was left.
func (n *nativeRun) save(ctx context.Context, a *Archive) error {
	base, err := n.base(ctx)
	if err != nil {
		return err
	}
	if err := n.mountRoot(ctx, base, false); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(n.mnt, a.part())); err != nil {
		return fmt.Errorf("there is no build folder: %w", err)
	}
	return n.onHost(ctx, a.tar(n.root.BaseDir, n.root.Name())...)
}
