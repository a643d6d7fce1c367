package hub

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// The life of a build: InitBuild, then CompleteBuild, FailBuild or CancelBuild.
// Each is one transaction, and a call that is made again by the same task after
// it had succeeded succeeds again.

func bindBuildLife(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.CreateEmptyBuild, h.createEmptyBuild)
	rpc.Bind(r, api.ImportRPM, h.importRPM)
	rpc.Bind(r, api.CancelBuild, h.cancelBuild)
	rpc.Bind(r, api.HostInitBuild, h.hostInitBuild)
	rpc.Bind(r, api.HostCompleteBuild, h.hostCompleteBuild)
	rpc.Bind(r, api.HostFailBuild, h.hostFailBuild)
	rpc.Bind(r, api.HostMoveBuildToScratch, h.hostMoveBuildToScratch)
}

// InitBuildRequest is a build that a task begins.
type InitBuildRequest struct {
	TaskID, Owner          int64
	Name, Version, Release string // of a draft, what it will be once it is promoted
	Epoch                  *int64
	Source                 string // URL with a commit, if it is from SCM
	Extra                  map[string]any
	Draft                  bool
}

// InitBuild records a build of RPMs that is under way and returns its id. An NVR
// that is taken is a GenericError with Koji's text.
func (h *Hub) InitBuild(ctx context.Context, r InitBuildRequest) (id int64, err error) {
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		if r.Draft { // it has a release of its own, so that newBuild cannot find it
			if id, err = h.Store.BuildOfTask(ctx, r.TaskID, r.Name); err != nil || id != 0 {
				return err
			}
		}
		id, err = h.newBuild(ctx, newBuild{
			NVR:   koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release},
			Epoch: r.Epoch, Draft: r.Draft, State: koji.BuildBuilding,
			TaskID: r.TaskID, OwnerID: r.Owner, Source: r.Source, Extra: xmlrpc.Sorted(r.Extra),
		})
		if err != nil {
			return err
		}
		return h.Store.SetBuildType(ctx, id, "rpm")
	})
	return id, err
}

// CompleteBuildRequest is what a build made. Files are relative to the work
// directory.
type CompleteBuildRequest struct {
	TaskID, BuildID int64
	SRPM            string
	RPMs            []string
	BuildrootOf     map[string]int64    // by file
	Logs            map[string][]string // by arch; "" for logs of the build as a whole
}

// CompleteBuild imports the files of a build and completes it. Every RPM is
// verified, and found to belong to the build, before the first change.
func (h *Hub) CompleteBuild(ctx context.Context, r CompleteBuildRequest) error {
	c := completion{h: h, r: r, filing: filing{work: h.Paths.Work("")}}
	if done, err := c.find(ctx); err != nil || done {
		return err
	}
	// What takes long is done before the transaction.
	for _, step := range []func(context.Context) error{c.chooseVolume, c.checkBuildroots, c.readFiles, c.planMoves} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		if err := h.Store.LockBuild(ctx, r.BuildID); err != nil {
			return err
		}
		if done, err := c.find(ctx); err != nil || done {
			return err
		}
		return c.record(ctx)
	})
}

// completion is one CompleteBuild.
type completion struct {
	h      *Hub
	r      CompleteBuildRequest
	build  *api.Build  // as it is now
	volume *api.IDName // where it goes
	filing filing

	rpms  []*incoming // the source RPM first
	moves [][2]string // what will be moved: from, below the work directory, and to
}

// find reads the build, and reports whether an earlier try of this call has
// completed it.
func (c *completion) find(ctx context.Context) (done bool, err error) {
	c.build, err = c.h.build(ctx, c.r.BuildID, true)
	if err != nil {
		return false, err
	}
	return c.build.State == koji.BuildComplete && c.build.TaskID != nil && *c.build.TaskID == c.r.TaskID, nil
}

// record does what is to be done in one transaction.
func (c *completion) record(ctx context.Context) error {
	if err := c.checkBuild(); err != nil {
		return err
	}
	if err := c.h.Store.CompleteBuild(ctx, c.build.ID, c.volume.ID); err != nil {
		return err
	}
	c.build.VolumeID, c.build.VolumeName = c.volume.ID, c.volume.Name
	if _, err := c.h.recordRPMs(ctx, c.build, c.rpms); err != nil {
		return err
	}
	if err := c.h.publishImport(ctx, "build", c.build, data{
		"srpm": c.r.SRPM, "rpms": c.r.RPMs, "brmap": c.r.BuildrootOf, "task_id": c.r.TaskID, "build_id": c.build.ID, "logs": c.r.Logs,
	}); err != nil {
		return err
	}
	if err := c.h.notifyBuild(ctx, c.build.ID); err != nil {
		return err
	}
	for _, m := range c.moves {
		if err := c.filing.move(m[0], m[1]); err != nil {
			return errors.Join(err, c.filing.undo())
		}
	}
	return c.h.linkToVolume(c.build)
}

// chooseVolume asks the volume policy where the build's files go.
func (c *completion) chooseVolume(ctx context.Context) (err error) {
	data := policy.Data{
		"package": c.build.Name, "version": c.build.Version, "release": c.build.Release,
		"buildroots": roots(c.r.BuildrootOf), "import": true, "import_type": "rpm",
	}
	ofTask, err := c.h.buildTaskPolicyData(ctx, c.build.TaskID)
	if err != nil {
		return err
	}
	maps.Copy(data, ofTask)
	c.volume, err = c.h.volumeFor(ctx, data)
	return err
}

// roots lists the buildroots of a build's files, each once.
func roots(of map[string]int64) []any {
	ids := slices.Compact(slices.Sorted(maps.Values(of)))
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return list
}

// volumeFor returns the volume that the volume policy names; the default one if
// it names none that there is.
func (h *Hub) volumeFor(ctx context.Context, data policy.Data) (*api.IDName, error) {
	result, err := h.Policy().Eval(ctx, "volume", data)
	if err != nil {
		h.Log.ErrorContext(ctx, "volume policy error", obs.Error, err)
	}
	name := strings.TrimSpace(result.Action)
	if name != "" && name != "DEFAULT" {
		volume, err := h.Lookup(ctx, store.Volumes, name, false)
		if err != nil || volume != nil {
			return volume, err
		}
		h.Log.ErrorContext(ctx, "volume policy returned no such volume", "volume", name)
	}
	return h.Lookup(ctx, store.Volumes, "DEFAULT", true)
}

func (c *completion) checkBuildroots(ctx context.Context) error {
	missing, err := c.h.Store.MissingBuildroots(ctx, slices.Collect(maps.Values(c.r.BuildrootOf)))
	if err == nil && len(missing) > 0 {
		err = koji.GenericErrorf("no buildroot with ID: %d", missing[0])
	}
	return err
}

// dir is the directory of the build.
func (c *completion) dir() string { return c.h.Paths.Build(c.volume.Name, c.build.Parts()) }

// readFiles reads and verifies the RPMs, those of one noarch package once.
func (c *completion) readFiles(context.Context) error {
	rpms, err := c.h.readRPMs(&c.filing, c.r.SRPM, c.r.RPMs, func(rel string) string { return placeOfRPM(c.dir(), rel) })
	if err != nil {
		return err
	}
	for _, in := range rpms {
		if id, ok := c.r.BuildrootOf[in.rel]; ok {
			in.brootID = &id
		}
	}
	c.rpms = rpms
	return nil
}

// placeOfRPM returns where an RPM goes in the directory of its build, by its file
// name; "" if that is no name of an RPM.
func placeOfRPM(dir, rel string) string {
	nvra, err := koji.ParseNVRA(path.Base(rel))
	if err != nil || nvra.Check() != nil {
		return ""
	}
	return dir + "/" + koji.PathInfo{}.RPM(nvra)
}

// readRPMs reads a source RPM and what was built from it. place tells where a
// file may have been moved to by an earlier try. Of the same noarch package from
// several arches the first is returned, if all are alike.
func (h *Hub) readRPMs(f *filing, srpm string, rpms []string, place func(rel string) string) ([]*incoming, error) {
	byName := map[string]*incoming{}
	var list []*incoming
	for i, rel := range slices.Concat([]string{srpm}, rpms) {
		base := path.Base(rel)
		first, again := byName[base]
		if again && first.nvra.Arch != "noarch" {
			return nil, koji.GenericErrorf("more than one file of the name %s", base)
		}
		name, err := f.source(rel, place(rel))
		if err != nil {
			return nil, err
		}
		in, err := readRPM(name, rel)
		switch {
		case err != nil:
			return nil, err
		case i == 0 && !in.header.Source():
			return nil, koji.GenericErrorf("not a source package: %s", name)
		case again:
			if err := sameNoarch(first, in); err != nil {
				return nil, err
			}
		default:
			byName[base] = in
			list = append(list, in)
		}
	}
	return list, nil
}

// sameNoarch checks that a noarch package came out the same on two arches.
//
// Koji: builders note hashes of their noarch packages in noarch_rpmdiff.json, so
// that the hub need not read the packages. Here they have been read by now, and
// what a builder says of its own work is no proof of anything.
func sameNoarch(a, b *incoming) error {
	diff := rpmfile.NoarchDiff(a.header, b.header)
	if len(diff) == 0 {
		return nil
	}
	return koji.BuildErrorf("The following noarch package built differently on different architectures: %s\n"+
		"rpmdiff output was:\n%s", path.Base(a.rel), strings.Join(diff, "\n"))
}

// checkBuild checks that the files are those of the build and that it waits for
// them.
func (c *completion) checkBuild() error {
	b, source := c.build, c.rpms[0]
	target := b.Parts()
	if b.Draft {
		release, err := koji.TargetRelease(b.Release)
		if err != nil {
			return err
		}
		target.Release = release
	}
	for _, field := range []struct{ name, build, rpm string }{
		{"name", target.Name, source.nvra.Name},
		{"version", target.Version, source.nvra.Version},
		{"release", target.Release, source.nvra.Release},
		{"epoch", optionalID(b.Epoch), optionalID(source.header.Epoch())},
		{"task_id", optionalID(b.TaskID), optionalID(&c.r.TaskID)},
	} {
		if field.build != field.rpm {
			return koji.GenericErrorf("Unable to complete build: %s mismatch (build: %s, rpm: %s)", field.name, field.build, field.rpm)
		}
	}
	if b.State != koji.BuildBuilding {
		return koji.GenericErrorf("Unable to complete build: state is %s", b.State)
	}
	for _, in := range c.rpms {
		if err := in.checkSource(target); err != nil {
			return err
		}
	}
	return nil
}

// planMoves lists the moves and checks that the logs are there.
func (c *completion) planMoves(context.Context) error {
	for _, in := range c.rpms {
		c.moves = append(c.moves, [2]string{in.rel, in.place(c.dir())})
	}
	logs, err := logMoves(&c.filing, c.r.Logs, c.h.Paths.BuildLogs(c.volume.Name, c.build.Parts()))
	c.moves = append(c.moves, logs...)
	return err
}

// logMoves lists the moves of logs by arch to a directory.
func logMoves(f *filing, logs map[string][]string, dir string) ([][2]string, error) {
	var moves [][2]string
	taken := map[string]bool{}
	for _, arch := range slices.Sorted(maps.Keys(logs)) {
		sub := dir
		if arch != "" {
			var err error
			if sub, err = koji.Under(dir, arch); err != nil {
				return nil, err
			}
		}
		for _, rel := range logs[arch] {
			to := sub + "/" + path.Base(rel)
			if taken[to] {
				return nil, koji.GenericErrorf("Error importing build log. %s already exists.", to)
			}
			taken[to] = true
			if _, err := f.source(rel, to); err != nil {
				return nil, err
			}
			moves = append(moves, [2]string{rel, to})
		}
	}
	return moves, nil
}

// FailBuild marks a build that the task left unfinished as failed.
func (h *Hub) FailBuild(ctx context.Context, taskID, buildID int64) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		b, err := h.build(ctx, buildID, true)
		switch {
		case err != nil:
			return err
		case b.TaskID == nil || *b.TaskID != taskID:
			return koji.ActionNotAllowedf("build %d is not of task %d", buildID, taskID)
		}
		failed, err := h.Store.EndBuild(ctx, buildID, koji.BuildFailed)
		switch {
		case err != nil || b.State == koji.BuildFailed: // by an earlier try of this call
			return err
		case failed:
			return h.notifyBuild(ctx, buildID)
		}
		return koji.GenericErrorf("cannot update build %d, state: %s", buildID, b.State)
	})
}

// CancelBuild cancels a build under way, and its task if there is one and
// cancelTask is set. It reports false if the build was not under way. It checks
// no permission.
func (h *Hub) CancelBuild(ctx context.Context, buildID int64, cancelTask bool) (canceled bool, err error) {
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		b, err := h.build(ctx, buildID, true)
		if err != nil {
			return err
		}
		if canceled, err = h.Store.EndBuild(ctx, buildID, koji.BuildCanceled); err != nil || !canceled {
			return err
		}
		if err := h.notifyBuild(ctx, buildID); err != nil {
			return err
		}
		if cancelTask && b.TaskID != nil {
			err = h.CancelTaskFull(ctx, *b.TaskID)
		}
		return err
	})
	return canceled, err
}

func (h *Hub) cancelBuild(ctx context.Context, p api.CancelBuildParams) (bool, error) {
	b, err := h.build(ctx, p.BuildID, p.Strict)
	if err != nil || b == nil {
		return false, err
	}
	if s := session.From(ctx); b.OwnerID != s.UserID && !s.HasPerm("admin") {
		return false, koji.ActionNotAllowedf("Cannot cancel build, not owner")
	}
	return h.CancelBuild(ctx, b.ID, true)
}
