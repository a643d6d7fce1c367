package buildroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// nativeDriver runs each job as one step, the hidden command "native-build":
// its process can outlive the daemon, and all its mounts die with it.
type nativeDriver struct {
	runner   Runner
	cacheDir string
	self     []string

	noUserNamespaces bool
}

// buildUser is who builds in a native root, inside and outside.
var buildUser = step.User{UID: 1000, GID: 1000}

// nativeSpec is what the driver tells native-build.
type nativeSpec struct {
	Root     Root
	Job      *Job     `json:",omitempty"` // nil: only make the root
	Archive  *Archive `json:",omitempty"` // save the root as it is instead
	CacheDir string
	Result   string // file for a nativeResult

	NoUserNamespaces bool
}

// nativeResult is what native-build says beside its exit status.
type nativeResult struct {
	Packages []Package
	Doing    string // what failed, in Koji's words, when it is not the job as a whole
	Status   int    // of a Command that ran and failed; 0 if there is none
	Said     string // the whole message, where Koji's does not speak of an exit status
}

func (r Root) nativeFile(name string) string { return filepath.Join(r.Dir(), "native-"+name+".json") }

// Init implements Driver.
func (d *nativeDriver) Init(ctx context.Context, root Root) (Chroot, error) {
	if err := root.validate(); err != nil {
		return Chroot{}, err
	}
	res, exit, err := d.run(ctx, root, "init", nil)
	if err != nil {
		return Chroot{}, err
	}
	if !exit.OK() {
		return Chroot{}, failed(koji.FaultBuildroot, "could not init buildroot", nativeTool, exit, root.ResultDir())
	}
	return Chroot{Packages: res.Packages, TmpDir: root.nativeTmp(), Owner: buildUser}, nil
}

// nativeTool is what stands for "mock" in Koji's sentences.
const nativeTool = "native build"

func (r Root) nativeTmp() string { return filepath.Join(r.Dir(), "tmp") }

// Build implements Driver.
func (d *nativeDriver) Build(ctx context.Context, root Root, job Job) (Result, error) {
	if err := errors.Join(root.validate(), job.validate()); err != nil {
		return Result{}, err
	}
	res, exit, err := d.run(ctx, root, job.step(), &job)
	if err != nil {
		return Result{Exit: exit}, err
	}
	if !exit.OK() {
		doing, fault := job.doing(root)
		if res.Doing != "" {
			doing = res.Doing
		}
		err = failed(fault, doing, nativeTool, exit, root.ResultDir())
		if res.Said != "" {
			err = koji.BuildErrorf("%s", res.Said)
		}
	}
	if res.Status != 0 {
		exit.Code = res.Status
	}
	out := Result{Packages: res.Packages, Exit: exit}
	return out, errors.Join(err, collect(root.ResultDir(), &out))
}

// doing returns Koji's words for a job, and the fault when it fails.
func (j Job) doing(root Root) (string, int) {
	switch {
	case j.Rebuild != nil:
		return "error building package (arch " + j.Rebuild.arch(root) + ")", koji.FaultBuild
	case j.Install != nil:
		return "could not install packages", koji.FaultBuildroot
	case j.Command != nil:
		return "error running " + j.Command.Name, koji.FaultBuildroot
	}
	return "error building srpm", koji.FaultBuild
}

func (d *nativeDriver) run(ctx context.Context, root Root, name string, job *Job) (nativeResult, step.Exit, error) {
	for _, dir := range []string{root.Dir(), root.ResultDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nativeResult{}, step.Exit{}, fmt.Errorf("make buildroot: %w", err)
		}
	}
	spec := nativeSpec{Root: root, Job: job, CacheDir: d.cacheDir, Result: root.nativeFile(name + "-result"), NoUserNamespaces: d.noUserNamespaces}
	exit, err := d.start(ctx, name, root.nativeFile(name), root.OutputLog(), spec)
	if err != nil {
		return nativeResult{}, exit, err
	}
	var res nativeResult
	b, err := os.ReadFile(spec.Result)
	if errors.Is(err, fs.ErrNotExist) { // it died before it could tell
		return res, exit, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &res)
	}
	return res, exit, err
}

// start runs native-build as the step name; file is where it reads what to do.
func (d *nativeDriver) start(ctx context.Context, name, file, log string, spec nativeSpec) (step.Exit, error) {
	b, err := json.Marshal(spec)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return step.Exit{}, fmt.Errorf("make buildroot: %w", err)
	}
	exit, err := d.runner.Run(ctx, name, step.Spec{Argv: append(d.self[:len(d.self):len(d.self)], "--spec", file), Log: log})
	if err != nil {
		err = fmt.Errorf("run native build: %w", err)
	}
	return exit, err
}

// Clean implements Driver.
func (d *nativeDriver) Clean(_ context.Context, root Root) error {
	if err := root.validate(); err != nil {
		return err
	}
	return removeRoot(root.Dir())
}
