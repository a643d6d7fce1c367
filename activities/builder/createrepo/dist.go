package createrepo

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// Dist is one arch of a repository for users, or a part of it, such as its
// debuginfo. It holds its packages, or links to them.
type Dist struct {
	Name string // of the step; "createrepo" if empty
	// Dir has a file pkglist, with paths relative to it, and gets repodata/.
	Dir   string
	Comps string // the file with the package groups; used if it is there
	// OldRepodata is the folder repodata of an earlier repository whose content
	// is to be used again; "" for none.
	OldRepodata string
	SkipStat    bool     // trust OldRepodata without a look at the files' sizes and times
	OldPackages []string // folders of older packages to make delta RPMs against
	Zck         bool     // zchunk files beside the others
	ZckDictDir  string   // dictionaries for them; "" for none
	Log         string   // file
}

// MakeDist makes the metadata. Calling it again after an interruption goes on
// where it was.
func MakeDist(ctx context.Context, runner Runner, d Dist) error {
	if err := d.check(); err != nil {
		return err
	}
	if err := d.checkDeltas(ctx); err != nil {
		return err
	}
	update := d.OldRepodata != "" && isDir(d.OldRepodata)
	if repodata := filepath.Join(d.Dir, "repodata"); update && !isDir(repodata) {
		if err := copyRepodata(d.OldRepodata, repodata); err != nil {
			return fmt.Errorf("prepare repository: %w", err)
		}
	}
	argv, err := d.argv(update)
	if err != nil {
		return err
	}
	exit, err := runner.Run(ctx, cmp.Or(d.Name, "createrepo"), step.Spec{Argv: argv, Log: d.Log})
	if err == nil && !exit.OK() {
		err = koji.GenericErrorf("failed to create repo: %s", exit).WithKind(koji.KindInfrastructure)
	}
	return err
}

// check refuses what createrepo_c would. Koji: the texts are kojid's.
func (d Dist) check() error {
	switch {
	case d.ZckDictDir == "":
		return nil
	case !d.Zck:
		return koji.GenericErrorf("--zck-dict-dir makes no sense without --zck")
	case isDir(d.ZckDictDir):
		return nil
	}
	if _, err := os.Stat(d.ZckDictDir); err == nil {
		return koji.GenericErrorf("zchunk dir path is file: %s", d.ZckDictDir)
	}
	return koji.GenericErrorf("zchunk dir path doesn't exist: %s", d.ZckDictDir)
}

// checkDeltas holds that the host's createrepo_c was built with delta RPMs, if they
// are wanted; another host's may be.
func (d Dist) checkDeltas(ctx context.Context) error {
	if len(d.OldPackages) == 0 {
		return nil
	}
	out, err := exec.CommandContext(ctx, "createrepo_c", "--version").Output()
	if err == nil && !bytes.Contains(out, []byte("DeltaRPM")) {
		err = koji.GenericErrorf("createrepo_c of this host makes no delta RPMs").WithKind(koji.KindInfrastructure)
	}
	return err
}

func (d Dist) argv(update bool) ([]string, error) {
	list := filepath.Join(d.Dir, "pkglist")
	info, err := os.Stat(list)
	if err != nil {
		return nil, fmt.Errorf("read package list: %w", err)
	}
	argv := []string{"createrepo_c", "--error-exit-val", "-vd", "-i", list}
	if info.Size() == 0 {
		// It takes an empty list for none and would find what other parts hold.
		argv = append(argv[:3:3], "-x", "*.rpm")
	}
	if d.Comps != "" && isFile(d.Comps) {
		argv = append(argv, "-g", d.Comps)
	}
	if update {
		argv = append(argv, "--update")
		if d.SkipStat {
			argv = append(argv, "--skip-stat")
		}
	}
	if len(d.OldPackages) > 0 {
		argv = append(argv, "--deltas")
		for _, dir := range d.OldPackages {
			argv = append(argv, "--oldpackagedirs", dir)
		}
	}
	if d.Zck {
		argv = append(argv, "--zck")
	}
	if d.ZckDictDir != "" {
		argv = append(argv, "--zck-dict-dir", filepath.Clean(d.ZckDictDir))
	}
	return append(argv, d.Dir), nil
}

// copyRepodata copies a folder repodata as a whole, without what tells where
// packages of external repositories came from then.
func copyRepodata(from, to string) error {
	staging := to + ".new"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := os.CopyFS(staging, os.DirFS(from)); err != nil {
		return err
	}
	origins, err := filepath.Glob(filepath.Join(staging, "*pkgorigins.gz"))
	if err != nil {
		return err
	}
	for _, f := range origins {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return os.Rename(staging, to)
}
