package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"path"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindHostImports(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HostInitMavenBuild, h.hostInitMavenBuild)
	rpc.Bind(r, api.HostInitWinBuild, h.hostInitWinBuild)
	rpc.Bind(r, api.HostInitImageBuild, h.hostInitImageBuild)
	rpc.Bind(r, api.HostCompleteMavenBuild, h.hostCompleteMavenBuild)
	rpc.Bind(r, api.HostCompleteWinBuild, h.hostCompleteWinBuild)
	rpc.Bind(r, api.HostCompleteImageBuild, h.hostCompleteImageBuild)
	rpc.Bind(r, api.HostImportImage, h.hostImportImage)
	rpc.Bind(r, api.HostImportWrapperRPMs, h.hostImportWrapperRPMs)
	rpc.Bind(r, api.HostCreateMavenBuild, h.hostCreateMavenBuild)
	rpc.Bind(r, api.HostImportArchive, h.hostImportArchive)
	bindHostScratch(r, h)
	bindHostBuildroots(r, h)
}

// otherImport imports into a build what a host's task made that is no build of
// RPMs. The call is one transaction; files move last.
type otherImport struct {
	h      *Hub
	taskID int64
	btype  string
	build  *api.Build
	filing filing
	kinds  []api.ArchiveType

	archives []newArchive
	wrappers []*incoming
	moves    []archiveMove // of what has no row: logs, Maven's metadata
}

// newImport begins an import into a build of the task's. done says that an earlier
// try of the same call has completed the build.
func (h *Hub) newImport(ctx context.Context, taskID, buildID int64, btype string) (o *otherImport, done bool, err error) {
	if _, err := h.AssertTaskHost(ctx, taskID); err != nil {
		return nil, false, err
	}
	if err := h.Store.LockBuild(ctx, buildID); err != nil {
		return nil, false, err
	}
	b, err := h.build(ctx, buildID, true)
	switch {
	case err != nil:
		return nil, false, err
	case b.TaskID == nil || *b.TaskID != taskID: // Koji: any build will do
		return nil, false, koji.ActionNotAllowedf("build %d is not of task %d", buildID, taskID)
	case b.State == koji.BuildComplete:
		return nil, true, nil
	case b.State != koji.BuildBuilding:
		return nil, false, koji.GenericErrorf("Unable to complete build: state is %s", b.State)
	}
	o = &otherImport{h: h, taskID: taskID, btype: btype, build: b, filing: filing{work: h.Paths.Work("")}}
	o.kinds, err = h.Store.ArchiveTypes(ctx)
	return o, false, err
}

// chooseVolume asks the volume policy where the build's files go.
func (o *otherImport) chooseVolume(ctx context.Context) error {
	b := o.build
	data := policy.Data{
		"build": b.ID, "package": b.Name, "version": b.Version, "release": b.Release, "import": true, "import_type": o.btype,
	}
	if b.Source != nil {
		data["source"] = *b.Source
	}
	volume, err := o.h.volumeFor(ctx, data)
	if err == nil {
		b.VolumeID, b.VolumeName = volume.ID, volume.Name
	}
	return err
}

// output returns the directory of a task's output, below work/. The task is the
// caller's own or one below it.
//
// Koji: takes what any task left.
func (o *otherImport) output(ctx context.Context, id int64) (string, error) {
	return o.h.outputBelow(ctx, id, o.taskID)
}

func (h *Hub) outputBelow(ctx context.Context, id, top int64) (string, error) {
	ok, err := h.Store.TaskBelow(ctx, id, top)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", koji.ActionNotAllowedf("task %d is not part of task %d", id, top)
	}
	return h.Paths.TaskRel(id), nil
}

// add adds a file as an archive. Its name must be that of a kind of archives.
func (o *otherImport) add(rel string, info map[string]any, buildroot *int64) error {
	base := path.Base(rel)
	if archiveTypeOf(o.kinds, base) == nil {
		return koji.BuildErrorf("unsupported file type: %s", base)
	}
	from, err := o.filing.source(rel, "")
	if err != nil {
		return err
	}
	a := newArchive{rel: rel, info: info}
	a.BType, a.Filename, a.ChecksumType, a.BuildrootID = o.btype, base, koji.ChecksumSHA256, buildroot
	if a.Size, a.Checksum, err = sumFile(from, sha256.New()); err != nil {
		return err
	}
	o.archives = append(o.archives, a)
	return nil
}

// addFile adds a file that is to lie at a place below dir and has no row.
func (o *otherImport) addFile(rel, dir, place string, maven bool) error {
	to, err := koji.Under(dir, place)
	if err != nil {
		return err
	}
	for _, m := range o.moves {
		if m.to == to {
			return koji.GenericErrorf("Error importing build log. %s already exists.", to)
		}
	}
	if _, err := o.filing.source(rel, to); err != nil {
		return err
	}
	o.moves = append(o.moves, archiveMove{rel, to, maven})
	return nil
}

// addLogs adds logs, each in a directory of its own if subdirs is set.
func (o *otherImport) addLogs(from, sub string, logs []string, subdirs bool) error {
	dir := o.h.Paths.BuildLogs(o.build.VolumeName, o.build.Parts()) + "/" + sub
	for _, rel := range logs {
		place := path.Base(rel)
		if subdirs {
			place = rel
		}
		if err := o.addFile(from+"/"+rel, dir, place, false); err != nil {
			return err
		}
	}
	return nil
}

// addWrappers adds RPMs that wrap the build's other files, if there are any.
func (o *otherImport) addWrappers(ctx context.Context, w *api.WrapperRPMs) error {
	if w == nil || w.SRPM == "" {
		return nil
	}
	from, err := o.output(ctx, w.TaskID)
	if err != nil {
		return err
	}
	rpms := make([]string, len(w.RPMs))
	for i, rel := range w.RPMs {
		rpms[i] = from + "/" + rel
	}
	dir := o.h.Paths.Build(o.build.VolumeName, o.build.Parts())
	list, err := o.h.readRPMs(&o.filing, from+"/"+w.SRPM, rpms, func(rel string) string { return placeOfRPM(dir, rel) })
	if err != nil {
		return err
	}
	for _, in := range list {
		in.brootID = w.BuildrootID
	}
	o.wrappers = append(o.wrappers, list...)
	return o.addLogs(from, "noarch", w.Logs, false)
}

// record writes the rows and moves the files.
func (o *otherImport) record(ctx context.Context) error {
	moves, err := o.h.recordArchives(ctx, &o.filing, o.build, o.archives)
	if err != nil {
		return err
	}
	if len(o.wrappers) > 0 {
		if _, err := o.h.recordRPMs(ctx, o.build, o.wrappers); err != nil {
			return err
		}
	}
	dir := o.h.Paths.Build(o.build.VolumeName, o.build.Parts())
	for _, in := range o.wrappers {
		moves = append(moves, archiveMove{in.rel, in.place(dir), false})
	}
	return moveArchives(&o.filing, append(moves, o.moves...))
}

// complete records what was added and completes the build.
func (o *otherImport) complete(ctx context.Context) error {
	if err := o.h.Store.CompleteBuild(ctx, o.build.ID, o.build.VolumeID); err != nil {
		return err
	}
	if err := o.h.notifyBuild(ctx, o.build.ID); err != nil {
		return err
	}
	if err := o.record(ctx); err != nil {
		return err
	}
	if err := o.h.linkToVolume(o.build); err != nil {
		return errors.Join(err, o.filing.undo())
	}
	return nil
}

// initOther records a build of a task's that is under way. Without a release it
// gets the next one that is free; a task that asks again gets its build again.
func (h *Hub) initOther(ctx context.Context, taskID int64, info map[string]any) (map[string]any, error) {
	if _, err := h.AssertTaskHost(ctx, taskID); err != nil {
		return nil, err
	}
	for _, needed := range []string{"version", "release", "epoch"} {
		if _, ok := info[needed]; !ok {
			return nil, koji.GenericErrorf("No %s value for build", needed)
		}
	}
	var b struct {
		Name    string         `rpc:"name"`
		Version string         `rpc:"version"`
		Release string         `rpc:"release"`
		Epoch   *int64         `rpc:"epoch"`
		Source  string         `rpc:"source"`
		Extra   xmlrpc.Ordered `rpc:"extra"`
	}
	if err := rpc.Into(info, &b); err != nil {
		return nil, err
	}
	t, err := h.Store.TaskForWorkflow(ctx, taskID)
	if err != nil {
		return nil, err
	}
	n := newBuild{
		NVR: koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release}, Epoch: b.Epoch, State: koji.BuildBuilding,
		TaskID: taskID, OwnerID: t.OwnerID, Source: b.Source, Extra: b.Extra,
	}
	id, err := h.newOther(ctx, &n)
	if err != nil {
		return nil, err
	}
	data := maps.Clone(info)
	maps.Copy(data, map[string]any{
		"id": id, "release": n.NVR.Release, "task_id": taskID, "owner": t.OwnerID, "state": int(koji.BuildBuilding), "completion_time": nil,
	})
	return data, nil
}

// newOther records the build; its release is set if it had none.
func (h *Hub) newOther(ctx context.Context, n *newBuild) (int64, error) {
	if n.NVR.Release == "" {
		// Of two tasks that want the next release one waits here for the other.
		if _, err := h.lockPackage(ctx, n.NVR.Name); err != nil {
			return 0, err
		}
		id, err := h.Store.BuildOfTask(ctx, n.TaskID, n.NVR.Name)
		if err != nil {
			return 0, err
		}
		if id != 0 {
			b, err := h.Store.Build(ctx, store.BuildKey{ID: id})
			if err != nil {
				return 0, err
			}
			n.NVR.Release = b.Release
			return id, nil
		}
		latest, err := h.Store.LatestRelease(ctx, n.NVR.Name, n.NVR.Version)
		if err != nil {
			return 0, err
		}
		if n.NVR.Release, err = nextRelease(latest, 1); err != nil {
			return 0, err
		}
	}
	return h.newBuild(ctx, *n)
}
