package buildroot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// mockDriver runs mock as Koji's builder does: one configuration file per root,
// "-r koji/NAME", as an unprivileged user of the group mock.
type mockDriver struct {
	runner    Runner
	path      string
	owner     step.User
	configDir string
}

// mockGrace is how long mock has to unmount and leave after each of SIGINT and
// SIGTERM.
const mockGrace = 10 * time.Second

// Init implements Driver.
func (d *mockDriver) Init(ctx context.Context, root Root) (Chroot, error) {
	if err := root.validate(); err != nil {
		return Chroot{}, err
	}
	if err := d.writeConfig(root); err != nil {
		return Chroot{}, fmt.Errorf("write mock's configuration: %w", err)
	}
	// Mock makes its folders as its user, who need not own BaseDir.
	if err := makeTmpDir(root.Dir(), d.owner); err != nil {
		return Chroot{}, fmt.Errorf("make buildroot: %w", err)
	}
	exit, err := d.mock(ctx, root, "init", "--init")
	if err != nil {
		return Chroot{}, err
	}
	if !exit.OK() {
		return Chroot{}, failed(koji.FaultBuildroot, "could not init mock buildroot", "mock", exit, root.ResultDir())
	}
	// Only for the log, so its end does not matter.
	if _, err := d.mock(ctx, root, "uname", "--chroot", "uname -r"); err != nil {
		return Chroot{}, err
	}
	packages, err := InstalledPackages(ctx, root.RootDir())
	if err != nil {
		return Chroot{}, err
	}
	tmp := filepath.Join(root.RootDir(), TmpDir)
	if err := makeTmpDir(tmp, d.owner); err != nil {
		return Chroot{}, err
	}
	return Chroot{Packages: packages, TmpDir: tmp, Owner: d.owner}, nil
}

// makeTmpDir makes a root's TmpDir for its build user.
func makeTmpDir(dir string, owner step.User) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Lchown(dir, int(owner.UID), int(owner.GID))
}

func (d *mockDriver) configFile(root Root) string {
	return mockConfigFile(d.configDir, root.Name())
}

func mockConfigFile(configDir, root string) string {
	return filepath.Join(cmp.Or(configDir, "/etc/mock"), "koji", root+".cfg")
}

func (d *mockDriver) writeConfig(root Root) error {
	text, err := mockConfig(root)
	if err != nil {
		return err
	}
	file := d.configFile(root)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// mock runs mock as the step name.
func (d *mockDriver) mock(ctx context.Context, root Root, name string, args ...string) (step.Exit, error) {
	argv := []string{d.path, "-r", "koji/" + root.Name()}
	if d.configDir != "/etc/mock" {
		argv = append(argv, "--configdir", d.configDir)
	}
	if v, ok := root.Extra["mock.new_chroot"]; ok {
		if truth(v) {
			argv = append(argv, "--new-chroot")
		} else {
			argv = append(argv, "--old-chroot")
		}
	}
	if truth(root.Extra["mock.bootstrap_image_ready"]) {
		argv = append(argv, "--bootstrap-image-ready")
	}
	spec := step.Spec{
		Argv:        append(argv, args...),
		Log:         root.OutputLog(),
		StopSignals: []syscall.Signal{syscall.SIGINT, syscall.SIGTERM},
		Grace:       mockGrace,
		Umask:       0o002,
	}
	if os.Getuid() == 0 {
		spec.User = &d.owner
	}
	exit, err := d.runner.Run(ctx, name, spec)
	if err != nil {
		return exit, fmt.Errorf("run mock: %w", err)
	}
	return exit, nil
}

// Build implements Driver.
func (d *mockDriver) Build(ctx context.Context, root Root, job Job) (Result, error) {
	if err := errors.Join(root.validate(), job.validate()); err != nil {
		return Result{}, err
	}
	var res Result
	var err error
	switch {
	case job.Rebuild != nil:
		res.Exit, err = d.rebuild(ctx, root, job)
	case job.BuildSRPM != nil:
		res.Exit, err = d.buildSRPM(ctx, root, job.BuildSRPM)
	case job.RebuildSRPM != nil:
		res.Exit, err = d.rebuildSRPM(ctx, root, job.RebuildSRPM)
	case job.Install != nil:
		res.Exit, err = d.install(ctx, root, job)
	default:
		res.Exit, err = d.command(ctx, root, job)
	}
	if ctx.Err() != nil {
		return res, err
	}
	// Koji: the list is taken before the exit is judged, and only of jobs that install.
	if job.Rebuild != nil || job.Install != nil {
		var listErr error
		if res.Packages, listErr = InstalledPackages(ctx, root.RootDir()); err == nil {
			err = listErr
		}
	}
	return res, errors.Join(err, collect(root.ResultDir(), &res))
}

func (d *mockDriver) rebuild(ctx context.Context, root Root, job Job) (step.Exit, error) {
	args := []string{"--no-clean"}
	if job.Rebuild.Arch != "" {
		args = append(args, "--target", job.Rebuild.Arch)
	}
	exit, err := d.mock(ctx, root, job.step(), append(args, "--rebuild", job.Rebuild.SRPM)...)
	if err == nil && !exit.OK() {
		err = failed(koji.FaultBuild, "error building package (arch "+job.Rebuild.arch(root)+")", "mock", exit, root.ResultDir())
	}
	return exit, err
}

func (r *Rebuild) arch(root Root) string {
	if r.Arch != "" {
		return r.Arch
	}
	return root.targetArch()
}

func (d *mockDriver) buildSRPM(ctx context.Context, root Root, job *BuildSRPM) (step.Exit, error) {
	if len(job.SourceCmd) > 0 {
		dir, err := inside(filepath.Join(root.RootDir(), TmpDir), job.sourceDir())
		if err != nil {
			return step.Exit{}, err
		}
		args := append([]string{"--no-clean", "--unpriv", "--cwd", dir, "--chroot"}, job.SourceCmd...)
		exit, err := d.mock(ctx, root, "source", args...)
		if err == nil && !exit.OK() {
			err = failed(koji.FaultBuild, "error retrieving sources", "mock", exit, root.ResultDir())
		}
		if err != nil {
			return exit, err
		}
	}
	exit, err := d.mock(ctx, root, "buildsrpm", "--no-clean", "--buildsrpm",
		"--spec", job.Spec, "--sources", job.Sources, "--target", "noarch")
	if err == nil && !exit.OK() {
		err = failed(koji.FaultBuild, "error building srpm", "mock", exit, root.ResultDir())
	}
	return exit, err
}

func (b *BuildSRPM) sourceDir() string {
	if b.SourceDir != "" {
		return b.SourceDir
	}
	return b.Sources
}

// rebuildSRPM unpacks the SRPM below TmpDir and packs it from there.
func (d *mockDriver) rebuildSRPM(ctx context.Context, root Root, job *RebuildSRPM) (step.Exit, error) {
	const top = TmpDir + "/srpm_unpacked"
	srpm, err := putInside(root.RootDir(), TmpDir, job.SRPM)
	if err != nil {
		return step.Exit{}, err
	}
	if err := makeTmpDir(filepath.Join(root.RootDir(), top), d.owner); err != nil {
		return step.Exit{}, err
	}
	inRoot := []string{"--no-clean", "--target", "noarch", "--chroot", "--"}
	define := []string{"--define", "_topdir " + top}
	// Koji: how this ends does not matter, only whether there is a spec file.
	exit, err := d.mock(ctx, root, "unpack", concat(inRoot, []string{"rpm"}, define, []string{"-iv", srpm})...)
	if err != nil {
		return exit, err
	}
	spec, err := theSpec(root.RootDir(), top+"/SPECS")
	if err != nil {
		return exit, err
	}
	exit, err = d.mock(ctx, root, "rebuildsrpm", concat(inRoot, []string{"rpmbuild"}, define, []string{"-bs", "--nodeps", spec})...)
	if err == nil && !exit.OK() {
		err = failed(koji.FaultBuild, "error building srpm", "mock", exit, root.ResultDir())
	}
	if err == nil {
		err = fetchAll(root.RootDir(), top+"/SRPMS", "*.src.rpm", root.ResultDir())
	}
	return exit, err
}

func concat(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// theSpec returns the path inside of the only spec file in a directory of a root.
func theSpec(root, dir string) (string, error) {
	names, err := glob(root, dir, "*.spec")
	switch {
	case err != nil:
		return "", err
	case len(names) == 0:
		return "", koji.BuildErrorf("No spec file found")
	case len(names) > 1:
		return "", koji.BuildErrorf("Multiple spec files found: ['%s']", strings.Join(names, "', '"))
	}
	return names[0], nil
}

func (d *mockDriver) install(ctx context.Context, root Root, job Job) (step.Exit, error) {
	exit, err := d.mock(ctx, root, job.step(), append([]string{"--install"}, job.Install.Packages...)...)
	if err == nil && !exit.OK() {
		doing, fault := job.doing(root)
		err = failed(fault, doing, "mock", exit, root.ResultDir())
	}
	return exit, err
}

func (d *mockDriver) command(ctx context.Context, root Root, job Job) (step.Exit, error) {
	c := job.Command
	args := []string{"--no-clean"}
	if c.Unpriv {
		args = append(args, "--unpriv")
	}
	if c.Dir != "" {
		args = append(args, "--cwd", c.Dir)
	}
	if c.HostArch {
		args = append(args, "--arch", hostArch())
	}
	exit, err := d.mock(ctx, root, job.step(), concat(args, []string{"--chroot", "--"}, c.Argv)...)
	if err == nil && !exit.OK() {
		err = failed(koji.FaultBuildroot, "error running "+c.Name, "mock", exit, root.ResultDir())
	}
	if ctx.Err() == nil {
		err = errors.Join(err, c.fetch(root.RootDir()))
	}
	return exit, err
}

// Clean implements Driver.
func (d *mockDriver) Clean(_ context.Context, root Root) error {
	if err := root.validate(); err != nil {
		return err
	}
	err := removeRoot(root.Dir())
	if rm := os.Remove(d.configFile(root)); !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
