package buildroot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/rpmfile"
)

const buildDir = "/builddir/build"

// maxLoops ends the installing of build dependencies that bring new ones each
// time; mock's default.
const maxLoops = 10

// rebuild builds a source package's packages. The order is mock's: the source
// package is unpacked and packed again by the root's own rpm, which is then the
// one whose build dependencies count.
func (n *nativeRun) rebuild(ctx context.Context, job *Rebuild) error {
	name := filepath.Base(job.SRPM)
	defer n.logs.phase("build phase for %s", name)()
	target := []string{"--target", job.arch(n.root), "--nodeps"}
	spec, dynamic, err := n.buildSetup(ctx, job.SRPM, target)
	if err != nil {
		return err
	}
	return n.buildPackages(ctx, name, append(target, spec), dynamic)
}

// buildSetup installs the source package and what it needs. It returns the spec
// file's path inside and whether there are dynamic build dependencies.
func (n *nativeRun) buildSetup(ctx context.Context, file string, target []string) (spec string, dynamic bool, err error) {
	defer n.logs.phase("build setup for %s", filepath.Base(file))()
	if spec, err = n.installSRPM(ctx, file); err != nil {
		return "", false, err
	}
	for range maxLoops {
		if err := n.rpmbuild(ctx, slices.Concat([]string{"-bs"}, target, []string{spec})...); err != nil {
			return "", false, err
		}
		rebuilt, err := n.onlySRPM()
		if err != nil {
			return "", false, err
		}
		var changed bool
		if changed, dynamic, err = n.installDeps(ctx, rebuilt); err != nil {
			return "", false, err
		}
		if !changed {
			break
		}
	}
	return spec, dynamic, nil
}

// installSRPM unpacks a source package in the root and returns its spec file.
func (n *nativeRun) installSRPM(ctx context.Context, file string) (string, error) {
	header, err := rpmfile.Open(file)
	if err != nil {
		return "", coded(exitSource, fmt.Errorf("source package: %w", err))
	}
	var spec string
	for _, f := range header.Files() {
		if strings.HasSuffix(f.Name, ".spec") {
			spec = f.Name
			break
		}
	}
	if !header.Source() || spec == "" {
		return "", coded(exitSource, fmt.Errorf("no spec file found in %s", filepath.Base(file)))
	}
	original, err := putInside(n.mnt, buildDir+"/originals", file)
	if err != nil {
		return "", err
	}
	if err := n.inRoot(ctx, n.logs.root, sandbox{}, "rpm", "-Uvh", "--nodeps", original); err != nil {
		return "", coded(exitSource, fmt.Errorf("source package is not installable: %w", err))
	}
	return path.Join(buildDir, "SPECS", path.Base(spec)), nil
}

// rpmbuild runs the root's rpmbuild, with its output in build.log.
func (n *nativeRun) rpmbuild(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, n.root.timeout())
	defer cancel()
	argv := append([]string{"bash", "--login", "-c", `exec /usr/bin/rpmbuild "$@"`, "rpmbuild"}, args...)
	err := n.inRoot(ctx, n.logs.build, sandbox{}, argv...)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		fmt.Fprintf(n.logs.build, "Timeout(%v) expired for command: rpmbuild %q\n", n.root.timeout(), args)
		return coded(exitTimeout, fmt.Errorf("rpmbuild took longer than %v", n.root.timeout()))
	}
	return coded(exitBuild, err)
}

// onlySRPM returns the path inside of the one source package that was made.
func (n *nativeRun) onlySRPM() (string, error) {
	srpms, err := glob(n.mnt, buildDir+"/SRPMS", "*.src.rpm")
	if err == nil && len(srpms) != 1 {
		err = fmt.Errorf("expected one rebuilt source package, found %d", len(srpms))
	}
	if err != nil {
		return "", coded(exitSource, err)
	}
	return srpms[0], nil
}

// installDeps installs the build dependencies that a source package names. It
// tells whether that changed the root, and whether more of them are dynamic.
func (n *nativeRun) installDeps(ctx context.Context, srpm string) (changed, dynamic bool, err error) {
	// A copy that the build user cannot exchange while root's dnf reads it.
	file := filepath.Join(n.home, path.Base(srpm))
	if err := fetch(n.mnt, srpm, file); err != nil {
		return false, false, coded(exitSource, err)
	}
	header, err := rpmfile.Open(file)
	if err != nil {
		return false, false, coded(exitSource, err)
	}
	needs := false
	for _, dep := range header.Deps(koji.DepRequire) {
		if dep.Name == "rpmlib(DynamicBuildRequires)" {
			dynamic = true
		}
		needs = needs || !strings.HasPrefix(dep.Name, "rpmlib(")
	}
	if !needs {
		return false, dynamic, nil
	}
	before, err := InstalledPackages(ctx, n.mnt)
	if err != nil {
		return false, dynamic, err
	}
	if err := n.dnf(ctx, n.mnt, "builddep", "--allowerasing", file); err != nil {
		return false, dynamic, err
	}
	after, err := InstalledPackages(ctx, n.mnt)
	return !slices.EqualFunc(before, after, samePackage), dynamic, err
}

func samePackage(a, b Package) bool {
	return a.String() == b.String() && a.PayloadHash == b.PayloadHash
}

// buildPackages runs the build proper; args end rpmbuild's command line.
func (n *nativeRun) buildPackages(ctx context.Context, name string, args []string, dynamic bool) error {
	defer n.logs.phase("rpmbuild %s", name)()
	mode := []string{"-bb"}
	if dynamic {
		if err := n.dynamicDeps(ctx, args); err != nil {
			return err
		}
		// -br has done %prep, and the source package is to name the new dependencies.
		mode = []string{"-ba", "--noprep"}
	}
	if err := n.listInstalled(ctx); err != nil {
		return err
	}
	if err := n.rpmbuild(ctx, slices.Concat(mode, args)...); err != nil {
		return err
	}
	for _, dir := range []string{"/RPMS", "/SRPMS"} {
		if err := fetchAll(n.mnt, buildDir+dir, "*.rpm", n.root.ResultDir()); err != nil {
			return err
		}
	}
	var res Result
	if err := collect(n.root.ResultDir(), &res); err != nil {
		return err
	}
	if len(res.RPMs)+len(res.SRPMs) == 0 {
		return coded(exitSource, errors.New("no build results found"))
	}
	return nil
}

// dynamicDeps runs %generate_buildrequires and installs what it names, until
// that changes nothing.
func (n *nativeRun) dynamicDeps(ctx context.Context, args []string) error {
	mode := []string{"-br"}
	for range maxLoops {
		err := n.rpmbuild(ctx, slices.Concat(mode, args)...)
		// rpmbuild -br exits with 11 when it has written a list of dependencies to install.
		if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 11) {
			return err
		}
		fmt.Fprintln(n.logs.build, "Dynamic buildrequires detected\nGoing to install missing buildrequires. See root.log for details.")
		lists, err := glob(n.mnt, buildDir+"/SRPMS", "*.buildreqs.nosrc.rpm")
		if err != nil {
			return err
		}
		anyChange := false
		for _, list := range lists {
			changed, _, err := n.installDeps(ctx, list)
			if err != nil {
				return err
			}
			anyChange = anyChange || changed
			if err := n.removeInside(list); err != nil {
				return err
			}
		}
		if !anyChange {
			return nil
		}
		mode = []string{"-br", "--noprep"}
	}
	return nil
}

func (n *nativeRun) removeInside(file string) error {
	in, err := os.OpenRoot(n.mnt)
	if err != nil {
		return err
	}
	defer in.Close()
	return in.Remove(strings.TrimPrefix(file, "/"))
}

// listInstalled writes installed_pkgs.log.
func (n *nativeRun) listInstalled(ctx context.Context) error {
	defer n.logs.phase("Outputting list of installed packages")()
	packages, err := InstalledPackages(ctx, n.mnt)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&b, "%v %d %d installed\n", p, p.BuildTime, p.Size)
	}
	return os.WriteFile(filepath.Join(n.root.ResultDir(), "installed_pkgs.log"), []byte(b.String()), 0o644)
}
