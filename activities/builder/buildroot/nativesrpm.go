package buildroot

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
)

// buildSRPM makes a source package of a checkout in TmpDir. Everything runs as
// the build user inside: the files are his.
func (n *nativeRun) buildSRPM(ctx context.Context, job *BuildSRPM) error {
	defer n.logs.phase("buildsrpm")()
	tmp := n.root.nativeTmp()
	spec, err := inside(tmp, job.Spec)
	if err != nil {
		return err
	}
	sources, err := inside(tmp, job.Sources)
	if err != nil {
		return err
	}
	if len(job.SourceCmd) > 0 {
		dir, err := inside(tmp, job.sourceDir())
		if err != nil {
			return err
		}
		if err := n.inRoot(ctx, n.logs.root, sandbox{dir: dir}, job.SourceCmd...); err != nil {
			n.doing = "error retrieving sources"
			return coded(exitCommand, err)
		}
	}
	const script = `cp -a "$1/." "$2/SOURCES/" && cp "$3" "$2/SPECS/"`
	if err := n.inRoot(ctx, n.logs.root, sandbox{}, "/bin/sh", "-c", script, "sh", sources, buildDir, spec); err != nil {
		return coded(exitSource, err)
	}
	defer n.logs.phase("rpmbuild -bs")()
	if err := n.rpmbuild(ctx, "-bs", "--target", "noarch", "--nodeps", path.Join(buildDir, "SPECS", path.Base(spec))); err != nil {
		return err
	}
	srpm, err := n.onlySRPM()
	if err != nil {
		return err
	}
	return fetch(n.mnt, srpm, filepath.Join(n.root.ResultDir(), path.Base(srpm)))
}

// rebuildSRPM unpacks a source package and packs it again.
func (n *nativeRun) rebuildSRPM(ctx context.Context, job *RebuildSRPM) error {
	const top = TmpDir + "/srpm_unpacked"
	srpm, err := putInside(n.mnt, buildDir+"/originals", job.SRPM)
	if err != nil {
		return coded(exitSource, err)
	}
	define := []string{"--define", "_topdir " + top}
	if err := makeTmpDir(filepath.Join(n.root.nativeTmp(), path.Base(top)), buildUser); err != nil {
		return err
	}
	if err := n.inRoot(ctx, n.logs.root, sandbox{}, slices.Concat([]string{"rpm"}, define, []string{"-iv", srpm})...); err != nil {
		return coded(exitSource, err)
	}
	spec, err := theSpec(n.mnt, top+"/SPECS")
	if err != nil {
		return coded(exitSource, err)
	}
	defer n.logs.phase("rpmbuild -bs")()
	if err := n.rpmbuild(ctx, slices.Concat(define, []string{"-bs", "--nodeps", spec})...); err != nil {
		return err
	}
	srpms, err := glob(n.mnt, top+"/SRPMS", "*.src.rpm")
	if err == nil && len(srpms) != 1 {
		err = coded(exitSource, fmt.Errorf("expected one rebuilt source package, found %d", len(srpms)))
	}
	if err != nil {
		return err
	}
	return fetch(n.mnt, srpms[0], filepath.Join(n.root.ResultDir(), path.Base(srpms[0])))
}
