package builder

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/activities/builder/buildroot"
	checkout "github.com/toji-build/toji/activities/builder/scm"
	"github.com/toji-build/toji/activities/builder/spectemplate"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/scm"
	"github.com/toji-build/toji/koji/tasks"
)

// wrapperGroup is the comps group of a root in which wrapper RPMs are made.
const wrapperGroup = "wrapper-rpm-build"

// WrapperRPMRequest is a wrapperRPM task with the repository that fills its
// buildroot.
type WrapperRPMRequest struct {
	Task   task.Task              `json:"task"`
	Params tasks.WrapperRPMParams `json:"params"`
	RepoID int64                  `json:"repo_id"`
}

// WrapperRPMReply is the result, with the build that was begun for it if there
// is to be one.
type WrapperRPMReply struct {
	Result  tasks.WrapperRPMResult `json:"result"`
	BuildID int64                  `json:"build_id,omitempty"`
}

// WrapperRPM fills in a template of a spec file and builds it with the files of a
// build as its sources.
func (a *Activities) WrapperRPM(ctx context.Context, req WrapperRPMRequest) (WrapperRPMReply, error) {
	return do(ctx, a, req.Task, func(ctx context.Context, j *job) (WrapperRPMReply, error) {
		w := &wrapperJob{job: j, params: req.Params, repoID: req.RepoID}
		err := w.run(ctx)
		return w.reply, err
	})
}

// wrapperJob is a job that makes wrapper RPMs.
type wrapperJob struct {
	*job
	params tasks.WrapperRPMParams
	repoID int64
	root   *root
	reply  WrapperRPMReply
}

func (w *wrapperJob) run(ctx context.Context) error {
	files, err := w.wrapped(ctx)
	if err != nil {
		return err
	}
	source, err := scm.Parse(w.params.SpecURL)
	if err != nil {
		return err
	}
	allow, err := w.allowed(ctx, source, w.params.Opts.Scratch)
	if err != nil {
		return err
	}
	spec := rootSpec{tag: tasks.Ref{ID: w.params.Target.BuildTag}, repoID: w.repoID, arch: "noarch", group: wrapperGroup}
	if w.root, err = w.makeRoot(ctx, spec); err != nil {
		return err
	}
	w.reply.Result.BuildrootID = w.root.ID
	log := filepath.Join(w.dir, "checkout.log")
	w.logs.watch(log)
	sources, err := checkout.Run(ctx, w.steps, checkout.Checkout{
		SCM: source, Allow: allow, Dir: filepath.Join(w.root.chroot.TmpDir, "scmroot"), Log: log, Owner: &w.root.chroot.Owner,
	})
	if err != nil {
		return err
	}
	w.reply.Result.Source = tasks.Source{Source: sources.Source, URL: w.params.SpecURL}
	specFile, err := w.furnish(ctx, sources.Dir, files)
	if err != nil {
		return err
	}
	if err := w.build(ctx, specFile); err != nil {
		return err
	}
	w.root.expire(ctx)
	return nil
}

// furnish makes the spec file of the template in the folder and puts the files
// beside it. It returns the spec file.
func (w *wrapperJob) furnish(ctx context.Context, dir string, files wrapped) (string, error) {
	template, err := findTemplate(dir)
	if err != nil {
		return "", err
	}
	dir = filepath.Dir(template)
	// What was checked out belongs to the build user: no link of theirs is followed.
	in, err := os.OpenRoot(dir)
	if err != nil {
		return "", infrastructure(err)
	}
	defer in.Close()
	names, err := remember(w.job, "wrapped", func() (map[string]string, error) { return files.names(in), nil })
	if err != nil {
		return "", infrastructure(err)
	}
	for rel, name := range names {
		fetched := filepath.Join(w.dir, "wrapped", rel)
		if _, err := os.Stat(fetched); err != nil {
			if err := w.fetch(ctx, rel, fetched); err != nil {
				return "", err
			}
		}
		if err := w.put(in, name, func() (io.ReadCloser, error) { return os.Open(fetched) }); err != nil {
			return "", infrastructure(err)
		}
	}
	text, err := in.ReadFile(filepath.Base(template))
	if err != nil {
		return "", koji.BuildErrorf("cannot read %s: %v", filepath.Base(template), err)
	}
	rendered, err := spectemplate.Render(string(text), files.values)
	if err != nil {
		return "", koji.BuildErrorf("%s: %v", filepath.Base(template), err)
	}
	spec := strings.TrimSuffix(template, ".tmpl")
	if err := w.put(in, filepath.Base(spec), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(rendered)), nil }); err != nil {
		return "", infrastructure(err)
	}
	if _, err := w.uploadResult(ctx, dir, filepath.Base(spec)); err != nil {
		return "", err
	}
	return spec, checkout.CheckSpec(spec)
}

// put writes a file of the build user's.
func (w *wrapperJob) put(in *os.Root, name string, open func() (io.ReadCloser, error)) error {
	from, err := open()
	if err != nil {
		return err
	}
	defer from.Close()
	if err := in.RemoveAll(name); err != nil {
		return err
	}
	to, err := in.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if e := to.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	owner := w.root.chroot.Owner
	return in.Lchown(name, int(owner.UID), int(owner.GID))
}

// findTemplate finds the one template of a spec file below a folder.
func findTemplate(dir string) (string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(file, ".spec.tmpl") {
			found = append(found, file)
		}
		return err
	})
	switch {
	case err != nil:
		return "", infrastructure(err)
	case len(found) == 0:
		return "", koji.BuildErrorf("no spec file template found in the sources")
	case len(found) > 1: // Koji: one of them is taken
		return "", koji.BuildErrorf("multiple spec file templates found: %s", strings.Join(found, ", "))
	}
	return found[0], nil
}

// build makes the source package, then the others, and sends them.
func (w *wrapperJob) build(ctx context.Context, spec string) error {
	srpm, err := remember(w.job, "srpm", func() (string, error) { return w.makeSRPM(ctx, spec) })
	if err != nil {
		return err
	}
	file := filepath.Join(w.dir, srpm)
	if w.params.Opts.CreateBuild && !w.params.Opts.Scratch {
		if err := w.begin(ctx, file); err != nil {
			return err
		}
	}
	built, err := w.root.build(ctx, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: file}})
	switch {
	case err != nil:
		return err
	case len(built.SRPMs) == 0:
		return koji.BuildErrorf("no srpm found")
	case len(built.SRPMs) > 1:
		return koji.BuildErrorf("multiple srpms found in %s: %s", w.root.ResultDir(), strings.Join(built.SRPMs, ", "))
	case len(built.RPMs) == 0:
		return koji.BuildErrorf("no rpms found")
	}
	if _, err := w.uploadResults(ctx, w.root.ResultDir(), slices.Concat(built.SRPMs, built.RPMs)); err != nil {
		return err
	}
	logs, err := w.logPaths(ctx)
	if err != nil {
		return err
	}
	r := &w.reply.Result
	r.SRPM, r.RPMs, r.Logs = built.SRPMs[0], built.RPMs, []string{filepath.Base(spec)}
	for _, log := range logs {
		r.Logs = append(r.Logs, path.Base(log))
	}
	if w.params.Opts.CreateBuild {
		r.CustomUserMetadata = w.params.Opts.CustomUserMetadata
	}
	return nil
}

// makeSRPM makes the source package and moves it out of the way of the one that
// the build makes.
func (w *wrapperJob) makeSRPM(ctx context.Context, spec string) (string, error) {
	built, err := w.root.build(ctx, buildroot.Job{BuildSRPM: &buildroot.BuildSRPM{Spec: spec, Sources: filepath.Dir(spec)}})
	switch {
	case err != nil:
		return "", err
	case len(built.SRPMs) == 0:
		return "", koji.BuildErrorf("no srpms found in %s", w.root.ResultDir())
	case len(built.SRPMs) > 1:
		return "", koji.BuildErrorf("multiple srpms found in %s: %s", w.root.ResultDir(), strings.Join(built.SRPMs, ", "))
	}
	name := built.SRPMs[0]
	return name, os.Rename(filepath.Join(w.root.ResultDir(), name), filepath.Join(w.dir, name))
}

// begin has the hub begin a build of the source package.
func (w *wrapperJob) begin(ctx context.Context, srpm string) error {
	header, err := rpmfile.Open(srpm)
	if err != nil {
		return koji.BuildErrorf("%s: %v", filepath.Base(srpm), err)
	}
	nvr, o := header.NVRA().NVR, w.params.Opts
	if !o.SkipTag {
		target := w.params.Target
		listed, err := rpc.Invoke(ctx, w.hub, api.GetPackageConfig, api.GetPackageConfigParams{Tag: target.DestTag, Pkg: nvr.Name})
		switch {
		case err != nil:
			return err
		case listed == nil:
			return koji.BuildErrorf("package %s not in list for tag %s", nvr.Name, target.DestTagName)
		case listed.Blocked:
			return koji.BuildErrorf("package %s is blocked for tag %s", nvr.Name, target.DestTagName)
		}
	}
	source := w.reply.Result.Source
	extra := map[string]any{"source": map[string]any{"original_url": source.URL}}
	if len(o.CustomUserMetadata) > 0 {
		extra["custom_user_metadata"] = o.CustomUserMetadata
	}
	data := map[string]any{
		"name": nvr.Name, "version": nvr.Version, "release": nvr.Release, "epoch": nil, "task_id": w.task.ID,
		"source": source.Source, "extra": extra, "draft": o.Draft,
	}
	if epoch := header.Epoch(); epoch != nil {
		data["epoch"] = *epoch
	}
	w.reply.BuildID, err = rpc.Invoke(ctx, w.hub, api.HostInitBuild, api.HostInitBuildParams{Data: data})
	return err
}
