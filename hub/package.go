package hub

import (
	"context"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindPackages(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetPackage, h.getPackage)
	rpc.Bind(r, api.GetPackageID, h.getPackageID)
	rpc.Bind(r, api.ListPackages, h.listPackages)
	rpc.Bind(r, api.ListPackagesSimple, h.listPackagesSimple)
	rpc.Bind(r, api.CheckTagPackage, h.checkTagPackage)
	rpc.Bind(r, api.GetPackageConfig, h.getPackageConfig)
	rpc.Bind(r, api.PackageListAdd, h.packageListAdd)
	rpc.Bind(r, api.PackageListBlock, h.packageListBlock)
	rpc.Bind(r, api.PackageListUnblock, h.packageListUnblock)
	rpc.Bind(r, api.PackageListRemove, h.packageListRemove)
	rpc.Bind(r, api.PackageListSetOwner, h.packageListSetOwner)
	rpc.Bind(r, api.PackageListSetArches, h.packageListSetArches)
}

func (h *Hub) getPackage(ctx context.Context, p api.GetPackageParams) (*api.IDName, error) {
	return h.findOrAdd(ctx, store.Packages, p.Info, p.Strict, p.Create)
}

func (h *Hub) getPackageID(ctx context.Context, p api.GetPackageIDParams) (*int64, error) {
	row, err := h.Lookup(ctx, store.Packages, p.Name, false)
	if row, err = strictRow(row, err, p.Strict, "No such package name: %s", p.Name); row == nil {
		return nil, err
	}
	return &row.ID, nil
}

func (h *Hub) listPackages(ctx context.Context, p api.ListPackagesParams) (any, error) {
	if p.TagID == nil && p.UserID == nil && p.PkgID == nil {
		return h.listPackagesSimple(ctx, api.ListPackagesSimpleParams{Prefix: p.Prefix, QueryOpts: p.QueryOpts})
	}
	f, err := h.packageFilter(ctx, p)
	if err != nil {
		return nil, err
	}
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return nil, err
	}
	list, err := h.Store.PackageList(ctx, f)
	if err != nil {
		return nil, err
	}
	if p.Prefix != nil {
		prefix := strings.ToLower(*p.Prefix)
		list = slices.DeleteFunc(list, func(t api.TagPackage) bool {
			return !strings.HasPrefix(strings.ToLower(t.PackageName), prefix)
		})
	}
	return query.Apply(list, opts)
}

func (h *Hub) packageFilter(ctx context.Context, p api.ListPackagesParams) (store.PackageFilter, error) {
	f := store.PackageFilter{
		Event: p.Event, Inherit: p.Inherited, Dups: p.WithDups, NoOwners: !p.WithOwners, NoBlocked: !p.WithBlocked,
	}
	if p.TagID != nil {
		id, err := h.lookupID(ctx, store.Tags, p.TagID)
		if err != nil {
			return f, err
		}
		f.TagID = &id
	}
	if p.UserID != nil {
		user, err := h.User(ctx, p.UserID, true)
		if err != nil {
			return f, err
		}
		if !p.WithOwners {
			return f, koji.GenericErrorf("userID and with_owners=False can't be used together")
		}
		f.OwnerID = &user.ID
	}
	if p.PkgID != nil {
		id, err := h.lookupID(ctx, store.Packages, p.PkgID)
		if err != nil {
			return f, err
		}
		f.PackageID = &id
	}
	return f, nil
}

func (h *Hub) listPackagesSimple(ctx context.Context, p api.ListPackagesSimpleParams) (none rpc.Rows[api.Package], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	return h.Store.Packages(ctx, p.Prefix, opts)
}

func (h *Hub) checkTagPackage(ctx context.Context, p api.CheckTagPackageParams) (bool, error) {
	entry, err := h.PackageEntry(ctx, p.Tag, p.Pkg, nil)
	return entry != nil && !entry.Blocked, err
}

func (h *Hub) getPackageConfig(ctx context.Context, p api.GetPackageConfigParams) (*api.TagPackage, error) {
	return h.PackageEntry(ctx, p.Tag, p.Pkg, p.Event)
}

// PackageEntry returns the entry that counts for a package in a tag, inherited
// or not, blocked or not; nil if there is none, or no such tag or package.
func (h *Hub) PackageEntry(ctx context.Context, tag, pkg any, event *int64) (*api.TagPackage, error) {
	t, err := h.Lookup(ctx, store.Tags, tag, false)
	if err != nil || t == nil {
		return nil, err
	}
	row, err := h.Lookup(ctx, store.Packages, pkg, false)
	if err != nil || row == nil {
		return nil, err
	}
	return h.Store.PackageEntry(ctx, t.ID, row.ID, event)
}
