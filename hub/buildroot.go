package hub

import (
	"context"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindBuildroots(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetBuildroot, h.getBuildroot)
	rpc.Bind(r, api.GetBuildrootListing, h.getBuildrootListing)
	rpc.Bind(r, api.ListBuildroots, h.listBuildroots)
	rpc.Bind(r, api.AddExternalRPM, h.addExternalRPM)
	rpc.Bind(r, api.HostNewBuildRoot, h.hostNewBuildRoot)
	rpc.Bind(r, api.HostSetBuildRootState, h.hostSetBuildRootState)
	rpc.Bind(r, api.HostSetBuildRootList, h.hostSetBuildRootList)
	rpc.Bind(r, api.HostUpdateBuildRootList, h.hostUpdateBuildRootList)
}

func (h *Hub) getBuildroot(ctx context.Context, p api.GetBuildrootParams) (*api.Buildroot, error) {
	list, err := loaded(h.Store.ListBuildroots(ctx, store.BuildrootFilter{IDs: []int64{p.BuildrootID}}, query.Options{}))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return strictRow[api.Buildroot](nil, nil, p.Strict, "No such buildroot: %d", p.BuildrootID)
	}
	return &list[0], nil
}

func (h *Hub) getBuildrootListing(ctx context.Context, p api.GetBuildrootListingParams) ([]api.BuildrootRPM, error) {
	missing, err := h.Store.MissingBuildroots(ctx, []int64{p.ID})
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, koji.GenericErrorf("no buildroot with ID: %d", p.ID)
	}
	return h.Store.BuildrootRPMs(ctx, p.ID)
}

func (h *Hub) listBuildroots(ctx context.Context, p api.ListBuildrootsParams) (none rpc.Rows[api.Buildroot], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	f := store.BuildrootFilter{
		HostID: p.HostID, TagID: p.TagID, RepoID: p.RepoID, TaskID: p.TaskID, RPMID: p.RPMID, ArchiveID: p.ArchiveID,
	}
	if f.States, err = intFilter(p.State); err != nil {
		return none, err
	}
	if f.IDs, err = intFilter(p.BuildrootID); err != nil {
		return none, err
	}
	return h.Store.ListBuildroots(ctx, f, opts)
}

// intFilter reads a parameter that is a number, a list of them, or nothing.
func intFilter(v any) (list []int64, err error) {
	switch v.(type) {
	case nil:
		return nil, nil
	case []any:
		err = rpc.Into(v, &list)
	default:
		err = rpc.Into([]any{v}, &list)
	}
	return list, err
}

// NewBuildroot records a buildroot of a host's, made of a repository for a task,
// and returns its id. Asked again before the buildroot was used, it returns the
// same.
func (h *Hub) NewBuildroot(ctx context.Context, hostID, repoID int64, arch string, taskID int64) (int64, error) {
	arches, err := koji.ParseArchesStrict(arch)
	if err != nil {
		return 0, err
	}
	if len(arches) != 1 {
		return 0, koji.GenericErrorf("a buildroot has one arch, not %q", arch)
	}
	var id int64
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		id, err = h.Store.AddBuildroot(ctx, store.NewBuildroot{HostID: hostID, RepoID: repoID, TaskID: taskID, Arch: arches[0]})
		return err
	})
	return id, err
}

// BuildrootOwner is who changes a buildroot.
type BuildrootOwner struct {
	HostID int64
	TaskID int64 // 0: any of the host's
}

// lockBuildroot returns a buildroot of the owner's that no one else changes
// until the transaction ends.
func (h *Hub) lockBuildroot(ctx context.Context, id int64, by BuildrootOwner) (*store.LockedBuildroot, error) {
	b, err := h.Store.LockBuildroot(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return nil, koji.GenericErrorf("no buildroot with ID: %d", id)
	case b.HostID == nil || b.State == nil:
		return nil, koji.GenericErrorf("Not a standard buildroot: %d", id)
	case *b.HostID != by.HostID:
		return nil, koji.ActionNotAllowedf("Host %d not owner of buildroot %d", by.HostID, id)
	case by.TaskID != 0 && (b.TaskID == nil || *b.TaskID != by.TaskID):
		return nil, koji.ActionNotAllowedf("Task %d does not have lock on buildroot %d", by.TaskID, id)
	}
	return b, nil
}

// SetBuildrootState changes the state of a buildroot. One that is EXPIRED stays so.
func (h *Hub) SetBuildrootState(ctx context.Context, id int64, by BuildrootOwner, state koji.BuildrootState) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		b, err := h.lockBuildroot(ctx, id, by)
		switch {
		case err != nil:
			return err
		case state == koji.BuildrootInit:
			return koji.GenericErrorf("Cannot change buildroot state to INIT")
		case *b.State == koji.BuildrootExpired && state == koji.BuildrootExpired:
			return nil
		case *b.State == koji.BuildrootExpired:
			return koji.GenericErrorf("buildroot %d is EXPIRED", id)
		}
		return h.Store.SetBuildrootState(ctx, id, state)
	})
}

// SetBuildrootList records what is in a buildroot that is in state INIT. RPMs of
// external repositories that are not known yet become known.
func (h *Hub) SetBuildrootList(ctx context.Context, id int64, by BuildrootOwner, rpms []api.InstalledRPM) error {
	return h.addToBuildroot(ctx, id, by, rpms, koji.BuildrootInit, false)
}

// UpdateBuildrootList records what was added to a buildroot for its build, when
// it is in state BUILDING. What was there before may be in the list.
func (h *Hub) UpdateBuildrootList(ctx context.Context, id int64, by BuildrootOwner, rpms []api.InstalledRPM) error {
	return h.addToBuildroot(ctx, id, by, rpms, koji.BuildrootBuilding, true)
}

func (h *Hub) addToBuildroot(ctx context.Context, id int64, by BuildrootOwner, rpms []api.InstalledRPM, in koji.BuildrootState, update bool) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		b, err := h.lockBuildroot(ctx, id, by)
		if err != nil {
			return err
		}
		if *b.State != in {
			return koji.GenericErrorf("buildroot %d in wrong state %d", id, *b.State)
		}
		ids, err := h.installedIDs(ctx, rpms)
		if err != nil {
			return err
		}
		return h.Store.AddBuildrootRPMs(ctx, id, ids, update)
	})
}

// installedIDs returns the ids of RPMs that a builder found in a buildroot.
func (h *Hub) installedIDs(ctx context.Context, rpms []api.InstalledRPM) ([]int64, error) {
	wanted, err := h.wantedRPMs(ctx, rpms)
	if err != nil {
		return nil, err
	}
	found, err := h.Store.FindRPMs(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var unknown []store.NewRPM
	for i, r := range rpms {
		switch {
		case found[i].ID == nil && wanted[i].ExternalRepoID == 0:
			return nil, koji.GenericErrorf("No such rpm: %s", describeInstalled(r))
		case found[i].ID == nil:
			unknown = append(unknown, externalRPM(r, wanted[i].ExternalRepoID))
		}
	}
	if len(unknown) > 0 {
		if _, err := h.Store.EnsureRPMs(ctx, unknown); err != nil {
			return nil, err
		}
		if found, err = h.Store.FindRPMs(ctx, wanted); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, len(rpms))
	for i, r := range rpms {
		ids[i] = *found[i].ID
		if wanted[i].ExternalRepoID != 0 && *found[i].PayloadHash != r.PayloadHash {
			return nil, koji.GenericErrorf("hash changed for external rpm: %s (%s -> %s)", wanted[i].NVRA, *found[i].PayloadHash, r.PayloadHash)
		}
	}
	return ids, nil
}

// wantedRPMs looks up the external repositories that the RPMs are from.
func (h *Hub) wantedRPMs(ctx context.Context, rpms []api.InstalledRPM) ([]store.WantedRPM, error) {
	repos := map[any]int64{nil: 0}
	wanted := make([]store.WantedRPM, len(rpms))
	for i, r := range rpms {
		ref, err := locationRef(r.Location)
		if err != nil {
			return nil, err
		}
		id, ok := repos[ref]
		if !ok {
			if id, err = h.lookupID(ctx, store.ExternalRepos, ref); err != nil {
				return nil, err
			}
			repos[ref] = id
		}
		wanted[i] = store.WantedRPM{
			NVRA:           koji.NVRA{NVR: koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release}, Arch: r.Arch},
			ExternalRepoID: id,
		}
	}
	return wanted, nil
}

// locationRef is how a builder names an external repository: nil, id or name.
func locationRef(v any) (any, error) {
	switch v := v.(type) {
	case nil, int64:
		return v, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return v, nil
	}
	return nil, koji.ParameterErrorf("Invalid external repo of an rpm: %s", xmlrpc.Repr(v))
}

func externalRPM(r api.InstalledRPM, repoID int64) store.NewRPM {
	return store.NewRPM{
		NVRA:  koji.NVRA{NVR: koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release}, Arch: r.Arch},
		Epoch: r.Epoch, ExternalRepoID: repoID, PayloadHash: r.PayloadHash, Size: r.Size, BuildTime: r.BuildTime,
	}
}

func describeInstalled(r api.InstalledRPM) string {
	return "{'name': " + xmlrpc.Repr(r.Name) + ", 'version': " + xmlrpc.Repr(r.Version) + ", 'release': " + xmlrpc.Repr(r.Release) +
		", 'arch': " + xmlrpc.Repr(r.Arch) + "}"
}

func (h *Hub) addExternalRPM(ctx context.Context, p api.AddExternalRPMParams) (none rpc.None, err error) {
	r, err := describedRPM(p.RPMInfo)
	if err != nil {
		return none, err
	}
	repo, err := h.Lookup(ctx, store.ExternalRepos, p.ExternalRepo, true)
	if err != nil {
		return none, err
	}
	r.Location = repo.Name
	wanted, err := h.wantedRPMs(ctx, []api.InstalledRPM{r})
	if err != nil {
		return none, err
	}
	found, err := h.Store.FindRPMs(ctx, wanted)
	if err != nil {
		return none, err
	}
	if found[0].ID != nil && p.Strict {
		return none, koji.GenericErrorf("external rpm already exists: %s@%s", wanted[0].NVRA, repo.Name)
	}
	_, err = h.installedIDs(ctx, []api.InstalledRPM{r})
	return none, err
}

// describedRPM reads what a caller tells of an RPM, of which nothing may be missing.
func describedRPM(info map[string]any) (r api.InstalledRPM, err error) {
	for _, field := range []string{"name", "version", "release", "epoch", "arch", "payloadhash", "size", "buildtime"} {
		v, ok := info[field]
		if !ok {
			return r, koji.GenericErrorf("%s field missing: %s", field, xmlrpc.Repr(info))
		}
		switch v.(type) {
		case string:
			ok = field != "size" && field != "buildtime" && field != "epoch"
		case int64:
			ok = field == "size" || field == "buildtime" || field == "epoch"
		default:
			ok = v == nil && field == "epoch"
		}
		if !ok {
			return r, koji.GenericErrorf("Invalid value for %s: %s", field, xmlrpc.Repr(v))
		}
	}
	return r, rpc.Into(info, &r)
}

// hostOwner returns the calling host as the owner of a buildroot, with the task
// that it names, which must be one that it has open.
func (h *Hub) hostOwner(ctx context.Context, taskID *int64) (BuildrootOwner, error) {
	if taskID == nil {
		id, err := session.From(ctx).AssertHost()
		return BuildrootOwner{HostID: id}, err
	}
	host, err := h.AssertTaskHost(ctx, *taskID)
	return BuildrootOwner{HostID: host, TaskID: *taskID}, err
}

func (h *Hub) hostNewBuildRoot(ctx context.Context, p api.NewBuildRootParams) (int64, error) {
	by, err := h.hostOwner(ctx, p.TaskID)
	if err != nil {
		return 0, err
	}
	if p.TaskID == nil {
		return 0, koji.GenericErrorf("a buildroot needs a task") // its row cannot do without
	}
	if _, err := h.repoInfo(ctx, api.RepoInfoParams{RepoID: p.Repo, Strict: true}); err != nil {
		return 0, err
	}
	return h.NewBuildroot(ctx, by.HostID, p.Repo, p.Arch, by.TaskID)
}

func (h *Hub) hostSetBuildRootState(ctx context.Context, p api.SetBuildRootStateParams) (rpc.None, error) {
	by, err := h.hostOwner(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	var state koji.BuildrootState
	if name, ok := p.State.(string); ok {
		if state, ok = koji.ParseBuildrootState(name); !ok {
			return rpc.None{}, koji.GenericErrorf("no such buildroot state: %s", name)
		}
	} else if err := rpc.Into(p.State, &state); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.SetBuildrootState(ctx, p.BrootID, by, state)
}

func (h *Hub) hostSetBuildRootList(ctx context.Context, p api.SetBuildRootListParams) (rpc.None, error) {
	by, err := h.hostOwner(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.SetBuildrootList(ctx, p.BrootID, by, p.RPMList)
}

func (h *Hub) hostUpdateBuildRootList(ctx context.Context, p api.SetBuildRootListParams) (rpc.None, error) {
	by, err := h.hostOwner(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.UpdateBuildrootList(ctx, p.BrootID, by, p.RPMList)
}
