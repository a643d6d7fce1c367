// Package createrepo makes the metadata of one arch of a repository, with
// createrepo_c, and merges external repositories into it, with mergerepo_c.
//
// What the hub has prepared is read only; all that is made is below Repo.WorkDir:
//
//	repo/repodata/        the result
//	repo_ID_premerge/     our own part of it, when external ones were merged in
//	createrepo.log, mergerepos.log
package createrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// Runner runs commands; *step.Runner outside of the daemon's life.
type Runner interface {
	Run(ctx context.Context, name string, spec step.Spec) (step.Exit, error)
}

// Repo is one arch of a repository.
type Repo struct {
	ID   int64
	Arch string
	// ReposDir is the folder "repos" of the top directory.
	ReposDir string
	// Dir is where the hub has written pkglist and blocklist, with the packages
	// or links to them: ReposDir/TAG/ID/ARCH.
	Dir string
	// Comps is the file with the package groups; used if it is there.
	Comps string
	// OldRepodata is the folder repodata of an earlier repository whose content
	// is to be used again; "" for none.
	OldRepodata string
	// SkipStat trusts OldRepodata without a look at the files' sizes and times.
	SkipStat bool
	// Databases asks for SQLite databases beside the XML, for yum.
	Databases bool
	// WorkDir is the task's directory.
	WorkDir string
}

// External is a repository to merge in.
type External struct {
	URL       string // "$arch" stands for the arch
	Arches    string // those that it is for, separated by blanks; all when empty
	MergeMode string // "koji" (also when empty), "simple" or "bare"
}

// ErrNoAccess tells that the host does not see the repositories at all: a
// storage that is not mounted. Another host may.
var ErrNoAccess = errors.New("no access to repos dir")

// OutDir returns the folder that holds the finished repodata.
func (r Repo) OutDir() string { return filepath.Join(r.WorkDir, "repo") }

// Repodata returns the folder of the finished metadata files.
func (r Repo) Repodata() string { return filepath.Join(r.OutDir(), "repodata") }

// Logs returns the log files, which appear as the commands run.
func (r Repo) Logs() []string {
	return []string{filepath.Join(r.WorkDir, "createrepo.log"), filepath.Join(r.WorkDir, "mergerepos.log")}
}

func (r Repo) premerge() string {
	return filepath.Join(r.WorkDir, fmt.Sprintf("repo_%d_premerge", r.ID))
}

func (r Repo) check() error {
	if isDir(r.Dir) {
		return nil
	}
	if !isDir(r.ReposDir) {
		return fmt.Errorf("%w %s", ErrNoAccess, r.ReposDir)
	}
	return koji.GenericErrorf("Repo directory missing: %s", r.Dir)
}

// Make makes the metadata and merges the external repositories in. It returns
// the names of the files in Repodata. Calling it again after an interruption
// goes on where it was.
func Make(ctx context.Context, runner Runner, r Repo, external []External) ([]string, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	mode, err := mergeMode(external)
	if err != nil {
		return nil, err
	}
	empty, err := r.empty()
	if err != nil {
		return nil, err
	}
	if !isDir(r.premerge()) { // else we came further than this before
		if err := r.create(ctx, runner, empty); err != nil {
			return nil, err
		}
	}
	switch {
	case len(external) > 0:
		err = r.merge(ctx, runner, mode, external)
	case empty:
		err = os.WriteFile(filepath.Join(r.Repodata(), "EMPTY_REPO"),
			[]byte("This repo is empty because its tag has no content for this arch\n"), 0o644)
	}
	if err != nil {
		return nil, err
	}
	return fileNames(r.Repodata())
}

func (r Repo) pkglist() string { return filepath.Join(r.Dir, "pkglist") }

func (r Repo) empty() (bool, error) {
	info, err := os.Stat(r.pkglist())
	if err != nil {
		return false, fmt.Errorf("read package list: %w", err)
	}
	return info.Size() == 0, nil
}

// create runs createrepo_c.
func (r Repo) create(ctx context.Context, runner Runner, empty bool) error {
	update := !empty && r.OldRepodata != "" && isDir(r.OldRepodata)
	if err := os.MkdirAll(r.OutDir(), 0o755); err != nil {
		return fmt.Errorf("prepare repository: %w", err)
	}
	spec := step.Spec{Argv: r.createArgv(empty, update), Log: r.Logs()[0]}
	return r.run(ctx, runner, "createrepo", "failed to create repo", spec)
}

// createArgv returns the command line of createrepo_c.
func (r Repo) createArgv(empty, update bool) []string {
	argv := []string{"createrepo_c", "--error-exit-val", r.databases(), "-o", r.OutDir()}
	if !empty {
		argv = append(argv, "-i", r.pkglist())
	}
	if isFile(r.Comps) {
		argv = append(argv, "-g", r.Comps)
	}
	if update {
		argv = append(argv, "--update", "--update-md-path", filepath.Dir(r.OldRepodata))
		if r.SkipStat {
			argv = append(argv, "--skip-stat")
		}
	}
	if empty {
		return append(argv, r.OutDir())
	}
	return append(argv, r.Dir)
}

// databases is the option that both commands have.
func (r Repo) databases() string {
	if r.Databases {
		return "--database"
	}
	return "--no-database"
}

// mergeMode returns the one mode in which all repositories are merged.
func mergeMode(external []External) (string, error) {
	var modes []string
	for _, e := range external {
		mode := e.MergeMode
		if mode == "" {
			mode = "koji"
		}
		if !slices.Contains(modes, mode) {
			modes = append(modes, mode)
		}
	}
	switch {
	case len(modes) == 0:
		return "", nil
	case len(modes) > 1:
		return "", koji.GenericErrorf("Found multiple merge modes for external repos: %s", strings.Join(modes, ", "))
	case !slices.Contains([]string{"koji", "simple", "bare"}, modes[0]):
		return "", koji.GenericErrorf("Unknown merge mode for external repos: %s", modes[0])
	}
	return modes[0], nil
}

// merge moves our own part aside and runs mergerepo_c.
func (r Repo) merge(ctx context.Context, runner Runner, mode string, external []External) error {
	if !isDir(r.premerge()) {
		if err := os.Rename(r.OutDir(), r.premerge()); err != nil {
			return fmt.Errorf("prepare merge: %w", err)
		}
	}
	if err := os.MkdirAll(r.OutDir(), 0o755); err != nil {
		return fmt.Errorf("prepare merge: %w", err)
	}
	spec := step.Spec{Argv: r.mergeArgv(mode, external), Log: r.Logs()[1],
		Env: append(step.DefaultEnv[:len(step.DefaultEnv):len(step.DefaultEnv)], "TMPDIR="+r.WorkDir)}
	return r.run(ctx, runner, "mergerepos", "failed to merge repos", spec)
}

// mergeArgv returns the command line of mergerepo_c, 0.15.11 or later.
func (r Repo) mergeArgv(mode string, external []External) []string {
	argv := []string{"mergerepo_c", r.databases()}
	switch mode {
	case "bare": // keeps modular metadata
		argv = append(argv, "--pkgorigins", "--all")
	case "simple":
		argv = append(argv, "--koji", "--simple")
	default:
		argv = append(argv, "--koji")
	}
	if blocklist := filepath.Join(r.Dir, "blocklist"); mode != "bare" && isFile(blocklist) {
		argv = append(argv, "-b", blocklist)
	}
	argv = append(argv, "-a", r.Arch, "-o", r.OutDir(), "--arch-expand")
	if isFile(r.Comps) {
		argv = append(argv, "-g", r.Comps)
	}
	// Koji: builders recognize our own packages by the end of this URL.
	argv = append(argv, "-r", "file://"+r.premerge()+"/")
	for _, e := range external {
		if e.Arches != "" && !slices.Contains(strings.Fields(e.Arches), r.Arch) {
			continue
		}
		argv = append(argv, "-r", strings.ReplaceAll(e.URL, "$arch", r.Arch))
	}
	return argv
}

// run runs a command that has to succeed. What fails here is storage or network.
func (r Repo) run(ctx context.Context, runner Runner, name, failed string, spec step.Spec) error {
	exit, err := runner.Run(ctx, name, spec)
	if err == nil && !exit.OK() {
		err = koji.GenericErrorf("%s: %s %v", failed, strings.Join(spec.Argv, " "), exit).WithKind(koji.KindInfrastructure)
	}
	if errors.Is(err, step.ErrLost) {
		// Half of an output would only be in the way of the next try.
		err = errors.Join(err, os.RemoveAll(r.OutDir()))
	}
	return err
}

func fileNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list repodata: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeType == 0
}
