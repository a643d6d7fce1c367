package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindSnapshots(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.SnapshotTag, h.snapshotTag)
	rpc.Bind(r, api.SnapshotTagModify, h.snapshotTagModify)
}

// snapshot copies one tag to another.
type snapshot struct {
	*Hub
	ask      api.SnapshotTagParams
	src, dst *api.Tag
}

// step runs one change with an event of its own. Koji: so does each change that
// a snapshot is made of, since events tell the order of builds.
func (s *snapshot) step(ctx context.Context, change func(ctx context.Context) error) error {
	return s.Store.Savepoint(ctx, change)
}

func (s *snapshot) open(ctx context.Context) (err error) {
	if s.ask.Builds && !s.ask.Pkgs {
		return koji.ParameterErrorf("builds can't be used without pkgs in snapshotTag")
	}
	s.src, err = s.Tag(ctx, s.ask.Src, TagOptions{Strict: true, Event: s.ask.Event})
	return err
}

func (h *Hub) snapshotTag(ctx context.Context, p api.SnapshotTagParams) (rpc.None, error) {
	s := &snapshot{Hub: h, ask: p}
	there, err := h.Tag(ctx, p.Dst, TagOptions{})
	if err != nil {
		return rpc.None{}, err
	}
	if err := s.open(ctx); err != nil {
		return rpc.None{}, err
	}
	if there != nil {
		return rpc.None{}, koji.GenericErrorf("Target tag already exists")
	}
	if s.src.Locked && !p.Force {
		return rpc.None{}, koji.GenericErrorf("Source tag is locked, use force to copy")
	}
	if err := s.create(ctx); err != nil {
		return rpc.None{}, err
	}
	if p.Pkgs {
		list, err := h.Store.PackageList(ctx, store.PackageFilter{TagID: &s.src.ID, Event: p.Event, Inherit: true})
		if err != nil {
			return rpc.None{}, err
		}
		if err := h.Store.CopyPackages(ctx, s.dst.ID, list); err != nil {
			return rpc.None{}, err
		}
	}
	if p.Builds {
		if err := s.copyBuilds(ctx); err != nil {
			return rpc.None{}, err
		}
	}
	if p.Groups {
		return rpc.None{}, s.copyGroups(ctx)
	}
	return rpc.None{}, nil
}

// create makes the new tag.
func (s *snapshot) create(ctx context.Context) error {
	p := api.CreateTagParams{Name: pyStr(s.ask.Dst)}
	if s.ask.Config {
		p.Locked, p.MavenSupport, p.MavenIncludeAll = s.src.Locked, s.src.MavenSupport, s.src.MavenIncludeAll
		p.Extra = s.src.Extra
		if s.src.Arches != nil {
			p.Arches = *s.src.Arches
		}
		if s.src.PermID != nil {
			p.Perm = *s.src.PermID
		}
	}
	return s.step(ctx, func(ctx context.Context) error {
		id, err := s.createTag(ctx, p)
		if err != nil {
			return err
		}
		s.dst, err = s.Tag(ctx, id, TagOptions{Strict: true})
		return err
	})
}

// builds lists the builds of a tag, the one that was tagged first first.
func (s *snapshot) builds(ctx context.Context, f store.TaggedFilter) ([]api.TaggedBuild, error) {
	list, err := loaded(s.Store.TaggedBuilds(ctx, f))
	slices.Reverse(list)
	return list, err
}

func (s *snapshot) sourceBuilds(ctx context.Context) ([]api.TaggedBuild, error) {
	f := store.TaggedFilter{TagID: s.src.ID, Event: s.ask.Event, Inherit: s.ask.InheritBuilds}
	if s.ask.LatestOnly {
		f.Latest = 1
	}
	return s.builds(ctx, f)
}

func (s *snapshot) copyBuilds(ctx context.Context) error {
	builds, err := s.sourceBuilds(ctx)
	if err != nil {
		return err
	}
	for _, b := range builds {
		if err := s.tagIt(ctx, b, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) tagIt(ctx context.Context, b api.TaggedBuild, force bool) error {
	return s.step(ctx, func(ctx context.Context) error {
		done, err := s.Store.TagBuild(ctx, s.dst.ID, b.BuildID, force)
		if err == nil && !done {
			err = koji.TagErrorf("build %s already tagged (%s)", b.NVR, s.dst.Name)
		}
		return err
	})
}

func (s *snapshot) untagIt(ctx context.Context, b api.TaggedBuild) error {
	return s.step(ctx, func(ctx context.Context) error {
		_, err := s.Store.UntagBuild(ctx, s.dst.ID, b.BuildID)
		return err
	})
}

// copyGroups copies groups to a tag that has none. Koji: of a group, of its
// packages and of the groups that it needs only the names are copied.
func (s *snapshot) copyGroups(ctx context.Context) error {
	groups, err := s.Store.TagGroups(ctx, s.src.ID, store.GroupOptions{Event: s.ask.Event, Inherit: true})
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := s.copyGroup(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) copyGroup(ctx context.Context, g api.TagGroup) error {
	add := func(table string, row store.Row) error {
		row["tag_id"], row["group_id"] = s.dst.ID, g.GroupID
		return s.step(ctx, func(ctx context.Context) error { return s.Store.Create(ctx, table, row) })
	}
	err := add(store.GroupConfigs, store.Row{
		"blocked": false, "display_name": g.Name, "biarchonly": false, "exported": true, "uservisible": true,
	})
	if err != nil {
		return err
	}
	for _, p := range *g.Packages {
		if err := add(store.GroupPackages, store.Row{"package": p.Package, "type": "mandatory", "blocked": false}); err != nil {
			return err
		}
	}
	for _, r := range *g.Requires {
		if err := add(store.GroupRequires, store.Row{"req_id": r.ReqID, "type": "mandatory", "blocked": false}); err != nil {
			return err
		}
	}
	return nil
}
