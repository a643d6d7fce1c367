package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func (h *Hub) snapshotTagModify(ctx context.Context, p api.SnapshotTagModifyParams) (rpc.None, error) {
	s := &snapshot{Hub: h, ask: p.SnapshotTagParams}
	if err := s.open(ctx); err != nil {
		return rpc.None{}, err
	}
	var err error
	if s.dst, err = h.Tag(ctx, p.Dst, TagOptions{Strict: true}); err != nil {
		return rpc.None{}, err
	}
	if (s.src.Locked || s.dst.Locked) && !p.Force {
		return rpc.None{}, koji.GenericErrorf("Source or destination tag is locked, use force to copy")
	}
	for _, part := range []struct {
		wanted bool
		match  func(context.Context) error
	}{
		{p.Config, s.matchConfig},
		{p.Pkgs, s.matchPackages},
		{p.Builds, func(ctx context.Context) error { return s.matchBuilds(ctx, p.Remove) }},
		{p.Groups, func(ctx context.Context) error { return s.matchGroups(ctx, p.Remove) }},
	} {
		if !part.wanted {
			continue
		}
		if err := part.match(ctx); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, nil
}

func (s *snapshot) matchConfig(ctx context.Context) error {
	var gone []any
	for key := range s.dst.Extra {
		if _, has := s.src.Extra[key]; !has {
			gone = append(gone, key)
		}
	}
	changes := map[string]any{
		"arches": nil, "perm_id": nil, "locked": s.src.Locked, "extra": map[string]any(s.src.Extra), "remove_extra": gone,
		// Koji: these are refused where Maven is not enabled, whatever they are.
		"maven_support": s.src.MavenSupport, "maven_include_all": s.src.MavenIncludeAll,
	}
	if s.src.Arches != nil {
		changes["arches"] = *s.src.Arches
	}
	if s.src.PermID != nil {
		changes["perm_id"] = *s.src.PermID
	}
	return s.step(ctx, func(ctx context.Context) error { return s.changeTag(ctx, s.dst.ID, changes) })
}

// matchPackages adds the packages that only the source has, and blocks those
// that only the destination has.
func (s *snapshot) matchPackages(ctx context.Context) error {
	src, err := s.Store.PackageList(ctx, store.PackageFilter{TagID: &s.src.ID, Event: s.ask.Event, Inherit: true})
	if err != nil {
		return err
	}
	dst, err := s.Store.PackageList(ctx, store.PackageFilter{TagID: &s.dst.ID, Inherit: true})
	if err != nil {
		return err
	}
	have := map[int64]bool{}
	for _, p := range src {
		have[p.PackageID] = true
	}
	for _, p := range dst {
		if have[p.PackageID] {
			delete(have, p.PackageID)
			continue
		}
		p.Blocked = true
		if err := s.setPackage(ctx, p); err != nil {
			return err
		}
	}
	for _, p := range src {
		if !have[p.PackageID] {
			continue
		}
		if err := s.setPackage(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// setPackage gives the destination an entry for a package.
func (s *snapshot) setPackage(ctx context.Context, p api.TagPackage) error {
	p.TagID = s.dst.ID
	return s.step(ctx, func(ctx context.Context) error { return s.Store.SetPackage(ctx, p) })
}

// byPackage sorts builds by their packages, in the order in which these first
// come.
func byPackage(builds []api.TaggedBuild) (names []string, byName map[string][]api.TaggedBuild) {
	byName = map[string][]api.TaggedBuild{}
	for _, b := range builds {
		if _, known := byName[b.PackageName]; !known {
			names = append(names, b.PackageName)
		}
		byName[b.PackageName] = append(byName[b.PackageName], b)
	}
	return names, byName
}

// matchBuilds tags builds until the destination has those of the source in
// their order. Others go, if remove is set, or come before them.
func (s *snapshot) matchBuilds(ctx context.Context, remove bool) error {
	ctx = store.WithActor(ctx, session.From(ctx).UserID)
	src, err := s.sourceBuilds(ctx)
	if err != nil {
		return err
	}
	dst, err := s.builds(ctx, store.TaggedFilter{TagID: s.dst.ID})
	if err != nil {
		return err
	}
	names, wanted := byPackage(src)
	there, present := byPackage(dst)
	for _, name := range there {
		if _, known := wanted[name]; known || !remove {
			continue
		}
		if err := s.untagAll(ctx, present[name]); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := s.matchPackageBuilds(ctx, wanted[name], present[name], remove); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) untagAll(ctx context.Context, builds []api.TaggedBuild) error {
	for _, b := range builds {
		if err := s.untagIt(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// matchPackageBuilds is matchBuilds for one package, oldest builds first. What
// stands in the way of the order is taken out; its turn to come in again is yet
// to come.
func (s *snapshot) matchPackageBuilds(ctx context.Context, wanted, present []api.TaggedBuild, remove bool) error {
	at := func(list []api.TaggedBuild, b api.TaggedBuild) int {
		return slices.IndexFunc(list, func(o api.TaggedBuild) bool { return o.BuildID == b.BuildID })
	}
	var extra, kept []api.TaggedBuild
	for _, b := range present {
		if at(wanted, b) < 0 {
			extra = append(extra, b)
		} else {
			kept = append(kept, b)
		}
	}
	if remove {
		if err := s.untagAll(ctx, extra); err != nil {
			return err
		}
		present = kept
	} else {
		wanted = slices.Concat(extra, wanted)
	}
	for _, b := range wanted {
		i := at(present, b)
		inTheWay := present
		if i >= 0 {
			inTheWay, present = present[:i], present[i+1:]
		} else {
			present = nil
		}
		if err := s.untagAll(ctx, inTheWay); err != nil {
			return err
		}
		if i < 0 {
			if err := s.tagIt(ctx, b, s.ask.Force); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *snapshot) groups(ctx context.Context, tagID int64, event *int64) ([]string, map[string]api.TagGroup, error) {
	list, err := s.Store.TagGroups(ctx, tagID, store.GroupOptions{Event: event, Inherit: true, Blocked: true})
	var names []string
	byName := map[string]api.TagGroup{}
	for _, g := range list {
		names = append(names, g.Name)
		byName[g.Name] = g
	}
	return names, byName, err
}

func (s *snapshot) matchGroups(ctx context.Context, remove bool) error {
	names, src, err := s.groups(ctx, s.src.ID, s.ask.Event)
	if err != nil {
		return err
	}
	there, dst, err := s.groups(ctx, s.dst.ID, nil)
	if err != nil {
		return err
	}
	for _, name := range names {
		if old, has := dst[name]; has && old.Blocked == src[name].Blocked {
			continue
		}
		if err := s.addGroup(ctx, name, src[name].Blocked); err != nil {
			return err
		}
	}
	for _, name := range there {
		if _, known := src[name]; known || !remove {
			continue
		}
		if err := s.dropGroup(ctx, dst[name]); err != nil {
			return err
		}
	}
	for _, name := range names {
		if src[name].Blocked {
			continue
		}
		old, has := dst[name]
		if !has {
			old = api.TagGroup{Packages: &[]api.GroupPackage{}, Requires: &[]api.GroupReq{}}
		}
		if err := s.matchGroup(ctx, src[name], old, remove); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) addGroup(ctx context.Context, name string, block bool) error {
	return s.step(ctx, func(ctx context.Context) error {
		_, err := s.groupListAdd(ctx, api.GroupListAddParams{
			TagInfo: s.dst.ID, GrpInfo: name, Block: block, Force: s.ask.Force, Opts: map[string]any{},
		})
		return err
	})
}

// dropGroup removes a group from the destination, or blocks it if it is inherited.
func (s *snapshot) dropGroup(ctx context.Context, g api.TagGroup) error {
	if g.TagID != s.dst.ID {
		return s.addGroup(ctx, g.Name, true)
	}
	return s.step(ctx, func(ctx context.Context) error {
		_, err := s.groupListRemove(ctx, api.GroupListRemoveParams{TagInfo: s.dst.ID, GrpInfo: g.GroupID, Force: s.ask.Force})
		return err
	})
}

// matchGroup makes the packages and needed groups of a group like the source's.
func (s *snapshot) matchGroup(ctx context.Context, src, dst api.TagGroup, remove bool) error {
	packages, requires := map[string]api.GroupPackage{}, map[string]api.GroupReq{}
	for _, p := range *dst.Packages {
		packages[p.Package] = p
	}
	for _, r := range *dst.Requires {
		requires[r.Name] = r
	}
	for _, p := range *src.Packages {
		old, has := packages[p.Package]
		delete(packages, p.Package)
		if has && !(remove && p.Blocked && !old.Blocked) {
			continue
		}
		if err := s.addPackage(ctx, src.Name, p.Package, has && p.Blocked); err != nil {
			return err
		}
	}
	for _, r := range *src.Requires {
		_, has := requires[r.Name]
		delete(requires, r.Name)
		if has {
			continue
		}
		if err := s.addRequire(ctx, src.Name, r.Name, r.Blocked); err != nil {
			return err
		}
	}
	if !remove {
		return nil
	}
	return s.dropFromGroup(ctx, src.Name, packages, requires)
}

// dropFromGroup takes out of a group what the source's does not have. Koji: an
// inherited package stays, while an inherited need is blocked.
func (s *snapshot) dropFromGroup(ctx context.Context, group string, packages map[string]api.GroupPackage, requires map[string]api.GroupReq) error {
	for _, p := range packages {
		if p.Blocked || p.TagID != s.dst.ID {
			continue
		}
		err := s.step(ctx, func(ctx context.Context) error {
			_, err := s.groupPackageListRemove(ctx, api.GroupPackageListParams{TagInfo: s.dst.ID, GrpInfo: group, PkgName: p.Package})
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, r := range requires {
		if r.Blocked {
			continue
		}
		if r.TagID != s.dst.ID {
			if err := s.addRequire(ctx, group, r.Name, true); err != nil {
				return err
			}
			continue
		}
		err := s.step(ctx, func(ctx context.Context) error {
			_, err := s.groupReqListRemove(ctx, api.GroupReqListRemoveParams{TagInfo: s.dst.ID, GrpInfo: group, ReqInfo: r.Name})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) addPackage(ctx context.Context, group, name string, block bool) error {
	return s.step(ctx, func(ctx context.Context) error {
		_, err := s.groupPackageListAdd(ctx, api.GroupPackageListAddParams{
			TagInfo: s.dst.ID, GrpInfo: group, PkgName: name, Block: block, Force: s.ask.Force,
		})
		return err
	})
}

func (s *snapshot) addRequire(ctx context.Context, group, name string, block bool) error {
	return s.step(ctx, func(ctx context.Context) error {
		_, err := s.groupReqListAdd(ctx, api.GroupReqListAddParams{
			TagInfo: s.dst.ID, GrpInfo: group, ReqInfo: name, Block: block, Force: s.ask.Force,
		})
		return err
	})
}
