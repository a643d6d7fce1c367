package hub

import (
	"context"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// PackageChange is a change to the package list of a tag. What is nil stays as
// it is, or is inherited.
type PackageChange struct {
	Tag, Package any
	Owner        any   // user; needed for a new entry
	Block        *bool // unblocked by default
	ExtraArches  any   // by spaces, or a list
	Force        bool  // over blocks, and for admins over the policy
	Update       bool  // the package must be in the list
}

func (h *Hub) packageListAdd(ctx context.Context, p api.PackageListAddParams) (rpc.None, error) {
	c := PackageChange{
		Tag: p.TagInfo, Package: p.PkgInfo, Owner: p.Owner, ExtraArches: p.ExtraArches, Force: p.Force, Update: p.Update,
	}
	if p.Block != nil {
		block := xmlrpc.Truth(p.Block)
		c.Block = &block
	}
	return rpc.None{}, h.changePackage(ctx, c)
}

func (h *Hub) packageListSetOwner(ctx context.Context, p api.PackageListSetOwnerParams) (rpc.None, error) {
	c := PackageChange{Tag: p.TagInfo, Package: p.PkgInfo, Owner: p.Owner, Force: p.Force, Update: true}
	return rpc.None{}, h.changePackage(ctx, c)
}

func (h *Hub) packageListSetArches(ctx context.Context, p api.PackageListSetArchesParams) (rpc.None, error) {
	c := PackageChange{Tag: p.TagInfo, Package: p.PkgInfo, ExtraArches: p.Arches, Force: p.Force, Update: true}
	return rpc.None{}, h.changePackage(ctx, c)
}

func (h *Hub) packageListBlock(ctx context.Context, p api.PackageListParams) (rpc.None, error) {
	tag, pkg, err := h.tagAndPackage(ctx, p)
	if err != nil {
		return rpc.None{}, err
	}
	entry, err := h.Store.PackageEntry(ctx, tag.ID, pkg.ID, nil)
	if err != nil {
		return rpc.None{}, err
	}
	if entry == nil {
		return rpc.None{}, koji.GenericErrorf("Package %s is not in tag listing for %s", pkg.Name, tag.Name)
	}
	block := true
	c := PackageChange{Tag: p.TagInfo, Package: p.PkgInfo, Block: &block, Force: p.Force}
	return rpc.None{}, h.changePackage(ctx, c)
}

func (h *Hub) tagAndPackage(ctx context.Context, p api.PackageListParams) (*api.Tag, *api.IDName, error) {
	tag, err := h.Tag(ctx, p.TagInfo, TagOptions{Strict: true})
	if err != nil {
		return nil, nil, err
	}
	pkg, err := h.Lookup(ctx, store.Packages, p.PkgInfo, true)
	return tag, pkg, err
}

// assertPackagePolicy asks the policy package_list.
func (h *Hub) assertPackagePolicy(ctx context.Context, action string, tagID int64, pkg any, force bool) error {
	if err := assertLogin(ctx); err != nil {
		return err
	}
	data := policy.Data{"tag": tagID, "action": action, "package": pkg, "force": force}
	return h.Policy().Check(ctx, "package_list", data, policy.CheckOptions{Force: force})
}

// changePackage adds a package to the list of a tag or changes its entry, if the
// policy package_list allows it.
func (h *Hub) changePackage(ctx context.Context, c PackageChange) error {
	tag, err := h.Tag(ctx, c.Tag, TagOptions{Strict: true})
	if err != nil {
		return err
	}
	pkg, err := h.Lookup(ctx, store.Packages, c.Package, false)
	if err != nil {
		return err
	}
	if _, named := c.Package.(string); pkg == nil && !named {
		return koji.GenericErrorf("No such package: %s", pyStr(c.Package))
	}
	if c.Owner != nil {
		owner, err := h.User(ctx, c.Owner, true)
		if err != nil {
			return err
		}
		c.Owner = owner.ID
	}
	if err := h.assertPackagePolicy(ctx, c.action(), tag.ID, c.Package, c.Force); err != nil {
		return err
	}
	if pkg == nil {
		if pkg, err = h.ensureName(ctx, store.Packages, c.Package); err != nil {
			return err
		}
	}
	old, err := h.Store.PackageEntry(ctx, tag.ID, pkg.ID, nil)
	if err != nil {
		return err
	}
	return h.writePackage(ctx, c, tag, pkg, old)
}

// action is what the policy is told.
func (c PackageChange) action() string {
	switch {
	case c.Update:
		return "update"
	case c.Block != nil && *c.Block:
		return "block"
	}
	return "add"
}

// writePackage carries out a change; old is the entry that counted so far, nil
// if there was none.
func (h *Hub) writePackage(ctx context.Context, c PackageChange, tag *api.Tag, pkg *api.IDName, old *api.TagPackage) error {
	next, err := c.apply(ctx, old)
	if err != nil {
		return err
	}
	if old == nil && c.Update && !c.Force {
		return koji.GenericErrorf("cannot update: tag %s has no data for package %s", tag.Name, pkg.Name)
	}
	changed := old == nil || old.Blocked != next.Blocked || !samePtr(old.ExtraArches, next.ExtraArches)
	newOwner := old != nil && !samePtr(old.OwnerID, next.OwnerID)
	if !changed && !newOwner && !c.Force {
		return nil
	}
	if old != nil && old.Blocked && !next.Blocked && !c.Force {
		return koji.GenericErrorf("package %s is blocked in tag %s", pkg.Name, tag.Name)
	}
	if next.OwnerID == nil {
		return koji.GenericErrorf("owner not specified")
	}
	next.TagID, next.PackageID = tag.ID, pkg.ID
	switch {
	case changed:
		err = h.Store.SetPackage(ctx, next)
	case newOwner:
		err = h.Store.SetPackageOwner(ctx, tag.ID, pkg.ID, *next.OwnerID)
	}
	if err != nil {
		return err
	}
	return h.publishPackage(ctx, c.action(), tag, pkg, data{
		"owner": next.OwnerID, "block": next.Blocked, "extra_arches": next.ExtraArches, "force": c.Force, "update": c.Update,
	})
}

// apply returns the entry that results from a change of old, which may be nil.
func (c PackageChange) apply(ctx context.Context, old *api.TagPackage) (api.TagPackage, error) {
	var next api.TagPackage
	if old != nil {
		next = *old
	}
	if c.ExtraArches != nil {
		arches, err := archesOf(c.ExtraArches, true)
		if err != nil {
			return next, err
		}
		next.ExtraArches = &arches
	}
	if c.Block != nil {
		next.Blocked = *c.Block
	}
	if id, ok := c.Owner.(int64); ok {
		next.OwnerID = &id
	}
	if next.OwnerID == nil && c.Force {
		caller := session.From(ctx).UserID
		next.OwnerID = &caller
	}
	return next, nil
}

func (h *Hub) packageListRemove(ctx context.Context, p api.PackageListParams) (rpc.None, error) {
	tag, pkg, err := h.tagAndPackage(ctx, p)
	if err != nil {
		return rpc.None{}, err
	}
	if err := h.assertPackagePolicy(ctx, "remove", tag.ID, pkg.ID, p.Force); err != nil {
		return rpc.None{}, err
	}
	if err := h.Store.RemovePackage(ctx, tag.ID, pkg.ID); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.publishPackage(ctx, "remove", tag, pkg, nil)
}

func (h *Hub) packageListUnblock(ctx context.Context, p api.PackageListParams) (rpc.None, error) {
	tag, pkg, err := h.tagAndPackage(ctx, p)
	if err != nil {
		return rpc.None{}, err
	}
	if err := h.assertPackagePolicy(ctx, "unblock", tag.ID, pkg.ID, p.Force); err != nil {
		return rpc.None{}, err
	}
	old, err := h.Store.PackageEntry(ctx, tag.ID, pkg.ID, nil)
	switch {
	case err != nil:
		return rpc.None{}, err
	case old == nil:
		return rpc.None{}, koji.GenericErrorf("no data (blocked or otherwise) for package %s in tag %s", pkg.Name, tag.Name)
	case !old.Blocked:
		return rpc.None{}, koji.GenericErrorf("package %s NOT blocked in tag %s", pkg.Name, tag.Name)
	}
	if err := h.unblockPackage(ctx, tag.ID, *old); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.publishPackage(ctx, "unblock", tag, pkg, nil)
}

// unblockPackage takes the block of a package away from a tag; old is the entry
// that counts there, which may be one of a tag that it inherits from.
func (h *Hub) unblockPackage(ctx context.Context, tagID int64, old api.TagPackage) error {
	if old.TagID == tagID {
		if err := h.Store.RemovePackage(ctx, tagID, old.PackageID); err != nil {
			return err
		}
		// Without the block the tag may inherit the package again.
		rest, err := h.Store.PackageEntry(ctx, tagID, old.PackageID, nil)
		if err != nil || rest != nil && !rest.Blocked {
			return err
		}
	}
	old.TagID, old.Blocked = tagID, false
	return h.Store.SetPackage(ctx, old)
}
