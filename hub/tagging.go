package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTagging(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.TagBuild, h.tagBuild)
	rpc.Bind(r, api.TagBuildBypass, h.tagBuildBypass)
	rpc.Bind(r, api.UntagBuild, h.untagBuild)
	rpc.Bind(r, api.UntagBuildBypass, h.untagBuildBypass)
	rpc.Bind(r, api.MoveBuild, h.moveBuild)
	rpc.Bind(r, api.MoveAllBuilds, h.moveAllBuilds)
	rpc.Bind(r, api.MassTag, h.massTag)
	rpc.Bind(r, api.HostTagBuild, h.hostTagBuild)
	rpc.Bind(r, api.HostTagNotification, h.hostTagNotification)
}

// tagOperation is a build on its way into a tag, out of one, or both, on the
// account of a user.
type tagOperation struct {
	build  *api.Build
	to     *api.Tag // nil: out of from only
	from   *api.Tag // nil: into to only
	userID int64
	force  bool // what an admin may override
}

// checkPolicy asks the tag policy.
func (h *Hub) checkTagPolicy(ctx context.Context, op tagOperation) error {
	data := policy.Data{"build": op.build.ID, "user_id": op.userID, "tag": nil, "fromtag": nil}
	switch {
	case op.to == nil:
		data["operation"], data["fromtag"] = "untag", op.from.ID
	case op.from == nil:
		data["operation"], data["tag"] = "tag", op.to.ID
	default:
		data["operation"], data["tag"], data["fromtag"] = "move", op.to.ID, op.from.ID
	}
	return h.Policy().Check(ctx, "tag", data, policy.CheckOptions{Force: op.force})
}

// checkTagList checks that the build's package is in the list of the tag. With
// force an admin puts it there.
func (h *Hub) checkTagList(ctx context.Context, op tagOperation) error {
	entry, err := h.Store.PackageEntry(ctx, op.to.ID, op.build.PackageID, nil)
	var refusal error
	switch {
	case err != nil:
		return err
	case entry == nil:
		refusal = koji.TagErrorf("Package %s not in list for %s", op.build.Name, op.to.Name)
		entry = &api.TagPackage{OwnerID: &op.userID}
	case entry.Blocked:
		refusal = koji.TagErrorf("Package %s blocked in %s", op.build.Name, op.to.Name)
	default:
		return nil
	}
	perms, err := h.countingPerms(ctx, op.userID)
	if err != nil {
		return err
	}
	if !op.force || !slices.Contains(perms, "admin") {
		return refusal
	}
	h.Log.InfoContext(ctx, "package list overridden by force", obs.Tag, op.to.Name, "package", op.build.Name, "user_id", op.userID)
	entry.TagID, entry.PackageID, entry.Blocked = op.to.ID, op.build.PackageID, false
	return h.Store.SetPackage(store.WithActor(ctx, op.userID), *entry)
}

// checkAccess checks the locks and permissions of the tags.
func (h *Hub) checkTagsAccess(ctx context.Context, op tagOperation) error {
	for _, tag := range []*api.Tag{op.to, op.from} {
		if tag == nil {
			continue
		}
		if err := h.AssertTagAccess(ctx, tag.ID, op.userID, op.force); err != nil {
			return err
		}
	}
	return nil
}

// apply moves the build. A build that is not complete cannot be tagged, not even
// by force.
func (h *Hub) applyTagOperation(ctx context.Context, op tagOperation, strict bool) error {
	ctx = store.WithActor(ctx, op.userID)
	if op.from != nil {
		done, err := h.Store.UntagBuild(ctx, op.from.ID, op.build.ID)
		if err != nil {
			return err
		}
		if !done && strict {
			return koji.TagErrorf("build %s not in tag %s", op.build.NVR, op.from.Name)
		}
		if done {
			if err := h.untagged(ctx, op, strict); err != nil {
				return err
			}
		}
	}
	if op.to == nil {
		return nil
	}
	if err := assertComplete(op.build); err != nil {
		return err
	}
	done, err := h.Store.TagBuild(ctx, op.to.ID, op.build.ID, op.force)
	if err == nil && !done {
		err = koji.TagErrorf("build %s already tagged (%s)", op.build.NVR, op.to.Name)
	}
	if err != nil {
		return err
	}
	return h.publishTagging(ctx, "build.tag", "Tag", op.to, op, nil)
}

// untagged does what follows when a build has left a tag.
func (h *Hub) untagged(ctx context.Context, op tagOperation, strict bool) error {
	if err := h.publishTagging(ctx, "build.untag", "Untag", op.from, op, data{"strict": strict}); err != nil {
		return err
	}
	return h.dropEmptySideTag(ctx, op.from)
}

func assertComplete(b *api.Build) error {
	if b.State != koji.BuildComplete {
		return koji.TagErrorf("build %s not complete: state %s", b.NVR, b.State)
	}
	return nil
}

// TagBuildRequest asks that a build be tagged, or moved.
type TagBuildRequest struct {
	TaskID  int64 // the task that does it; 0 for none
	UserID  int64 // on whose account
	Tag     any   // id or name
	BuildID int64
	Force   bool // for admins: pass over locks, package list, policy, and tag again
	FromTag any  // id or name of the tag to move it from; nil for none

	Notify        bool // tell of it by mail
	IgnoreSuccess bool // unless it went well
}

// TagBuild tags a build, with every check of a tagBuild task: policy, package
// list, locks and permissions of the tags. Made again by the same task it is a
// success.
func (h *Hub) TagBuild(ctx context.Context, r TagBuildRequest) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		op := tagOperation{userID: r.UserID, force: r.Force}
		var err error
		if op.build, err = h.build(ctx, r.BuildID, true); err != nil {
			return err
		}
		if op.to, err = h.Tag(ctx, r.Tag, TagOptions{Strict: true}); err != nil {
			return err
		}
		if r.FromTag != nil {
			if op.from, err = h.Tag(ctx, r.FromTag, TagOptions{Strict: true}); err != nil {
				return err
			}
		}
		if r.TaskID != 0 {
			if done, err := h.Store.TaggedByTask(ctx, r.TaskID, op.to.ID, op.build.ID); err != nil || done {
				return err
			}
		}
		for _, check := range []func(context.Context, tagOperation) error{h.checkTagPolicy, h.checkTagList, h.checkTagsAccess} {
			if err := check(ctx, op); err != nil {
				return err
			}
		}
		if err := h.applyTagOperation(ctx, op, true); err != nil || !r.Notify {
			return err
		}
		_, err = h.notifyTagging(ctx, tagNotice{
			tag: op.to.ID, from: r.FromTag, build: r.BuildID, user: r.UserID, ignoreSuccess: r.IgnoreSuccess,
		})
		return err
	})
}

func (h *Hub) tagBuild(ctx context.Context, p api.TagBuildParams) (int64, error) {
	op := tagOperation{userID: session.From(ctx).UserID, force: xmlrpc.Truth(p.Force)}
	var err error
	if op.build, err = h.build(ctx, p.Build, true); err != nil {
		return 0, err
	}
	if op.to, err = h.Tag(ctx, p.Tag, TagOptions{Strict: true}); err != nil {
		return 0, err
	}
	var from any
	if xmlrpc.Truth(p.FromTag) {
		id, err := h.lookupID(ctx, store.Tags, p.FromTag)
		if err != nil {
			return 0, err
		}
		if op.from, err = h.Tag(ctx, id, TagOptions{Strict: true}); err != nil {
			return 0, err
		}
		from = id
	}
	if err := assertComplete(op.build); err != nil {
		return 0, err
	}
	for _, check := range []func(context.Context, tagOperation) error{h.checkTagsAccess, h.checkTagList, h.checkTagPolicy} {
		if err := check(ctx, op); err != nil {
			return 0, err
		}
	}
	return h.MakeTask(ctx, "tagBuild", []any{op.to.ID, op.build.ID, p.Force, from}, TaskOpts{Priority: new(10)})
}

func (h *Hub) moveBuild(ctx context.Context, p api.MoveBuildParams) (int64, error) {
	if err := assertLogin(ctx); err != nil {
		return 0, err
	}
	return h.tagBuild(ctx, api.TagBuildParams{Tag: p.Tag2, Build: p.Build, Force: p.Force, FromTag: p.Tag1})
}

func (h *Hub) tagBuildBypass(ctx context.Context, p api.TagBuildBypassParams) (rpc.None, error) {
	op := tagOperation{userID: session.From(ctx).UserID, force: p.Force}
	var err error
	if op.to, err = h.Tag(ctx, p.Tag, TagOptions{Strict: true}); err != nil {
		return rpc.None{}, err
	}
	if op.build, err = h.build(ctx, p.Build, true); err != nil {
		return rpc.None{}, err
	}
	if err := h.tagAtOnce(ctx, op, true); err != nil || !p.Notify {
		return rpc.None{}, err
	}
	_, err = h.notifyTagging(ctx, tagNotice{tag: op.to.ID, build: op.build.ID, user: op.userID})
	return rpc.None{}, err
}

// UntagBuildRequest asks that a build be taken out of a tag.
type UntagBuildRequest struct {
	UserID int64 // on whose account
	Tag    any   // id or name
	Build  any   // id, NVR or map
	Strict bool  // a build that is not in the tag is an error
	Force  bool  // for admins: pass over locks and policy
	Notify bool  // tell of it by mail
}

// UntagBuild takes a build out of a tag, if the tag's policy, lock and
// permission allow it.
func (h *Hub) UntagBuild(ctx context.Context, r UntagBuildRequest) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		op := tagOperation{userID: r.UserID, force: r.Force}
		var err error
		if op.from, err = h.Tag(ctx, r.Tag, TagOptions{Strict: true}); err != nil {
			return err
		}
		if op.build, err = h.build(ctx, r.Build, true); err != nil {
			return err
		}
		if err := h.tagAtOnce(ctx, op, r.Strict); err != nil || !r.Notify {
			return err
		}
		_, err = h.notifyTagging(ctx, tagNotice{from: op.from.ID, build: op.build.ID, user: r.UserID})
		return err
	})
}

func (h *Hub) untagBuild(ctx context.Context, p api.UntagBuildParams) (rpc.None, error) {
	return rpc.None{}, h.UntagBuild(ctx, UntagBuildRequest{
		UserID: session.From(ctx).UserID, Tag: p.Tag, Build: p.Build, Strict: p.Strict, Force: p.Force, Notify: true,
	})
}

func (h *Hub) untagBuildBypass(ctx context.Context, p api.UntagBuildBypassParams) (rpc.None, error) {
	return rpc.None{}, h.UntagBuild(ctx, UntagBuildRequest{
		UserID: session.From(ctx).UserID, Tag: p.Tag, Build: p.Build, Strict: p.Strict, Force: p.Force, Notify: p.Notify,
	})
}

// tagAtOnce does an operation without a task and without a look at the package
// list.
func (h *Hub) tagAtOnce(ctx context.Context, op tagOperation, strict bool) error {
	if err := h.checkTagPolicy(ctx, op); err != nil {
		return err
	}
	if err := h.checkTagsAccess(ctx, op); err != nil {
		return err
	}
	return h.applyTagOperation(ctx, op, strict)
}

// moveAllBuilds makes a chain of tasks, so that the builds arrive in the order
// in which they were tagged.
func (h *Hub) moveAllBuilds(ctx context.Context, p api.MoveAllBuildsParams) ([]int64, error) {
	pkg, err := h.Lookup(ctx, store.Packages, p.Package, true)
	if err != nil {
		return nil, err
	}
	op := tagOperation{userID: session.From(ctx).UserID, force: xmlrpc.Truth(p.Force)}
	for _, tag := range []struct {
		ref any
		to  **api.Tag
	}{{p.Tag1, &op.from}, {p.Tag2, &op.to}} {
		id, err := h.lookupID(ctx, store.Tags, tag.ref)
		if err != nil {
			return nil, err
		}
		if *tag.to, err = h.Tag(ctx, id, TagOptions{Strict: true}); err != nil {
			return nil, err
		}
	}
	op.build = &api.Build{BuildInfo: api.BuildInfo{PackageID: pkg.ID, Name: pkg.Name}}
	if err := h.checkTagList(ctx, op); err != nil {
		return nil, err
	}
	if err := h.checkTagsAccess(ctx, op); err != nil {
		return nil, err
	}
	builds, err := loaded(h.Store.TaggedBuilds(ctx, store.TaggedFilter{TagID: op.from.ID, Package: pkg.Name}))
	if err != nil {
		return nil, err
	}
	slices.Reverse(builds) // the first tagged goes first
	return h.moveInOrder(ctx, op, builds, p.Force)
}

func (h *Hub) moveInOrder(ctx context.Context, op tagOperation, builds []api.TaggedBuild, force any) ([]int64, error) {
	list := []int64{}
	for _, b := range builds {
		op.build = &api.Build{BuildInfo: b.BuildInfo, ID: b.ID}
		op.force = false // Koji: an admin cannot override the policy here
		if err := h.checkTagPolicy(ctx, op); err != nil {
			return nil, err
		}
	}
	wait := []any{}
	for _, b := range builds {
		request := []any{"tagBuild", []any{op.to.ID, b.ID, force, op.from.ID}, map[string]any{"priority": int64(15)}}
		id, err := h.MakeTask(ctx, "dependantTask", []any{wait, []any{request}}, TaskOpts{})
		if err != nil {
			return nil, err
		}
		list = append(list, id)
		wait = []any{id}
	}
	return list, nil
}

func (h *Hub) massTag(ctx context.Context, p api.MassTagParams) (rpc.None, error) {
	tag, err := h.Tag(ctx, p.Tag, TagOptions{Strict: true})
	if err != nil {
		return rpc.None{}, err
	}
	for _, ref := range p.Builds {
		// Each has an event of its own, which tells their order.
		err := h.Store.Savepoint(ctx, func(ctx context.Context) error {
			b, err := h.build(ctx, ref, true)
			if err != nil {
				return err
			}
			return h.applyTagOperation(ctx, tagOperation{build: b, to: tag, userID: session.From(ctx).UserID, force: true}, true)
		})
		if err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, nil
}

func (h *Hub) hostTagBuild(ctx context.Context, p api.HostTagBuildParams) (rpc.None, error) {
	if _, err := h.AssertTaskHost(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	t, err := h.Store.TaskForWorkflow(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.TagBuild(ctx, TagBuildRequest{
		TaskID: p.TaskID, UserID: t.Task().OwnerID, Tag: p.Tag, BuildID: b.ID, Force: p.Force, FromTag: p.FromTag,
	})
}
