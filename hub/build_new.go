package hub

import (
	"context"
	"fmt"
	"os"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/pyjson"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// newBuild is a build to record.
type newBuild struct {
	NVR     koji.NVR // of a draft, what it will be once it is promoted
	Epoch   *int64
	Draft   bool
	State   koji.BuildState
	TaskID  int64 // 0 for none
	OwnerID int64 // the caller if 0
	Source  string
	Extra   xmlrpc.Ordered
	CGID    *int64 // the content generator that it is imported by, if any

	VolumeID          int64
	WithFiles         bool      // its files are put into place in the same transaction
	Start, Completion koji.Time // now if zero
}

// newBuild records a build and returns its id. The NVR must be new, or that of a
// build that failed or was canceled and left nothing behind. A task that asks
// again for its own build gets it again.
//
// Builds of one package are made one after the other, so that of two tasks that
// want the same NVR one is told so.
func (h *Hub) newBuild(ctx context.Context, n newBuild) (id int64, err error) {
	if err := n.NVR.Check(); err != nil {
		return 0, err
	}
	if n.OwnerID == 0 {
		n.OwnerID = session.From(ctx).UserID
	}
	row, err := n.row()
	if err != nil {
		return 0, err
	}
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		if row.PackageID, err = h.lockPackage(ctx, n.NVR.Name); err != nil {
			return err
		}
		old, err := h.Store.Build(ctx, store.BuildKey{NVR: n.NVR})
		switch {
		case err != nil:
			return err
		case old == nil:
			id, err = h.Store.AddBuild(ctx, row)
			return err
		case n.Draft:
			return koji.GenericErrorf("Target build already exists: %s (id=%d)", old.NVR, old.ID)
		}
		id = old.ID
		return h.recycleBuild(ctx, old, n, row)
	})
	return id, err
}

func (n *newBuild) row() (store.NewBuild, error) {
	row := store.NewBuild{
		Version: n.NVR.Version, Release: n.NVR.Release, Epoch: n.Epoch, Draft: n.Draft, State: n.State, OwnerID: n.OwnerID,
		CGID: n.CGID, VolumeID: n.VolumeID, Start: n.Start, Completion: n.Completion,
	}
	if n.TaskID != 0 {
		row.TaskID = &n.TaskID
	}
	if n.Source != "" {
		row.Source = &n.Source
	}
	if n.Extra != nil {
		text, err := pyjson.Format(n.Extra)
		if err != nil {
			return row, koji.GenericErrorf("No such build extra data: %s", xmlrpc.Repr(n.Extra))
		}
		row.Extra = &text
	}
	return row, nil
}

func (h *Hub) lockPackage(ctx context.Context, name string) (int64, error) {
	id, err := h.Store.LockPackageName(ctx, name)
	if err != nil || id != 0 {
		return id, err
	}
	if err := h.Names.CheckName(name); err != nil {
		return 0, err
	}
	return h.Store.EnsurePackage(ctx, name)
}

// recycleBuild makes a build that came to nothing into the new one.
func (h *Hub) recycleBuild(ctx context.Context, old *api.Build, n newBuild, row store.NewBuild) error {
	switch old.State {
	case koji.BuildBuilding:
		if n.State == old.State && samePtr(old.TaskID, row.TaskID) {
			return nil
		}
		return koji.GenericErrorf("Build already in progress (task %s)", optionalID(old.TaskID))
	case koji.BuildFailed, koji.BuildCanceled:
	default:
		if n.State == koji.BuildBuilding && n.TaskID != 0 && samePtr(old.TaskID, row.TaskID) {
			return nil // the task was freed after its build was complete
		}
		return koji.GenericErrorf("Build already exists (id=%d, state=%s): %s", old.ID, old.State, n.describe(row))
	}
	left, err := h.Store.BuildContent(ctx, old.ID)
	switch {
	case err != nil:
		return err
	case left.Tagged:
		return koji.GenericErrorf("Build already exists. Unable to recycle, has tag history")
	case left.RPMs:
		return koji.GenericErrorf("Build already exists. Unable to recycle, has rpm data")
	case left.Archives:
		return koji.GenericErrorf("Build already exists. Unable to recycle, has archive data")
	}
	if err := h.Store.RecycleBuild(ctx, old.ID, row); err != nil {
		return err
	}
	if n.WithFiles {
		return nil // what is removed after the transaction might be the new files
	}
	return h.removeStrayFiles(ctx, n.NVR)
}

// removeStrayFiles removes what an earlier build of an NVR left on any volume.
func (h *Hub) removeStrayFiles(ctx context.Context, n koji.NVR) error {
	volumes, err := h.Store.Volumes(ctx)
	if err != nil {
		return err
	}
	database.AfterCommit(ctx, func() {
		for _, v := range volumes {
			dir := h.Paths.Build(v.Name, n)
			if _, err := os.Lstat(dir); err != nil {
				continue
			}
			h.Log.WarnContext(ctx, "removing stray build directory", obs.Path, dir)
			if err := os.RemoveAll(dir); err != nil {
				h.Log.ErrorContext(ctx, "cannot remove stray build directory", obs.Error, err)
			}
		}
	})
	return nil
}

// describe writes the build as Koji's fault about a taken NVR does: as Python
// prints the data that it would have recorded.
func (n *newBuild) describe(row store.NewBuild) string {
	completion := "'NOW'"
	if n.State == koji.BuildBuilding {
		completion = "None"
	}
	repr := func(p *string) string {
		if p == nil {
			return "None"
		}
		return xmlrpc.Repr(*p)
	}
	return fmt.Sprintf("{'name': %s, 'version': %s, 'release': %s, 'epoch': %s, 'draft': %s, 'pkg_id': %d, 'extra': %s, "+
		"'state': %d, 'start_time': 'NOW', 'completion_time': %s, 'source': %s, 'owner': %d, 'task_id': %s, 'volume_id': %d}",
		xmlrpc.Repr(n.NVR.Name), xmlrpc.Repr(n.NVR.Version), xmlrpc.Repr(n.NVR.Release), optionalID(n.Epoch), xmlrpc.Repr(n.Draft),
		row.PackageID, repr(row.Extra), n.State, completion, repr(row.Source), n.OwnerID, optionalID(row.TaskID), row.VolumeID)
}

// optionalID writes a number, or Python's None.
func optionalID(id *int64) string {
	if id == nil {
		return "None"
	}
	return fmt.Sprint(*id)
}

func (h *Hub) createEmptyBuild(ctx context.Context, p api.CreateEmptyBuildParams) (int64, error) {
	n := newBuild{
		NVR:   koji.NVR{Name: p.Name, Version: p.Version, Release: p.Release},
		Epoch: p.Epoch, Draft: p.Draft, State: koji.BuildComplete,
	}
	if p.Name == "" {
		return 0, koji.GenericErrorf("No name or package id provided for build")
	}
	if p.Owner != nil {
		owner, err := h.User(ctx, p.Owner, true)
		if err != nil {
			return 0, err
		}
		n.OwnerID = owner.ID
	}
	return h.newBuild(ctx, n)
}
