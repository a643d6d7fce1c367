package hub

import (
	"context"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindBuildRemoval(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.BuildReferences, h.buildReferences)
	rpc.Bind(r, api.DeleteBuild, h.deleteBuild)
	rpc.Bind(r, api.ResetBuild, h.resetBuild)
	rpc.Bind(r, api.SetBuildOwner, h.setBuildOwner)
	rpc.Bind(r, api.SetBuildTimestamp, h.setBuildTimestamp)
}

func (h *Hub) buildReferences(ctx context.Context, p api.BuildReferencesParams) (map[string]any, error) {
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return nil, err
	}
	if p.Limit != nil && *p.Limit == 0 {
		p.Limit = nil // Koji: 0 is none
	}
	refs := map[string]any{}
	for _, kind := range []struct {
		name string
		find func() (list any, n int, err error)
	}{
		{"tags", found(func() ([]api.TagReference, error) { return h.Store.BuildTags(ctx, b.ID) })},
		{"rpms", found(func() ([]api.RPMReference, error) { return h.Store.RPMsBuiltWith(ctx, b.ID, p.Limit) })},
		{"component_of", found(func() ([]int64, error) { return h.Store.ArchivesContaining(ctx, b.ID, p.Limit) })},
		{"archives", found(func() ([]api.ArchiveReference, error) { return h.Store.ArchivesBuiltWith(ctx, b.ID, p.Limit) })},
	} {
		list, n, err := kind.find()
		if err != nil {
			return nil, err
		}
		refs[kind.name] = list
		if p.Lazy && n > 0 {
			return refs, nil
		}
	}
	refs["images"] = refs["component_of"] // Koji: for old clients
	refs["last_used"], err = h.Store.BuildLastUsed(ctx, b.ID)
	return refs, err
}

// found erases the type of a list.
func found[T any](find func() ([]T, error)) func() (any, int, error) {
	return func() (any, int, error) {
		list, err := find()
		return list, len(list), err
	}
}

func (h *Hub) deleteBuild(ctx context.Context, p api.DeleteBuildParams) (*bool, error) {
	b, err := h.build(ctx, p.Build, true)
	if err != nil || b.State == koji.BuildDeleted {
		return nil, err
	}
	refusal, err := h.deletionRefusal(ctx, b, p.MinRefAge)
	switch {
	case err != nil:
		return nil, err
	case refusal != nil && p.Strict:
		return nil, refusal
	case refusal != nil:
		return new(false), nil
	}
	if err := h.Store.DeleteBuild(ctx, b.ID); err != nil {
		return nil, err
	}
	return new(true), h.removeBuildFiles(ctx, b)
}

// deletionRefusal says why a build cannot be deleted, nil if it can.
func (h *Hub) deletionRefusal(ctx context.Context, b *api.Build, minAge float64) (refusal, err error) {
	refs, err := h.buildReferences(ctx, api.BuildReferencesParams{Build: b.ID, Limit: new(int64(10)), Lazy: true})
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct{ name, text string }{
		{"tags", "Cannot delete build, tagged: %s"},
		{"rpms", "Cannot delete build, used in buildroots: %s"},
		{"archives", "Cannot delete build, used in archive buildroots: %s"},
		{"component_of", "Cannot delete build, used as component of: %s"},
	} {
		plain, err := xmlrpc.Plain(refs[kind.name])
		if err != nil {
			return nil, err
		}
		if list, _ := plain.([]any); len(list) > 0 {
			return koji.GenericErrorf(kind.text, xmlrpc.Repr(list)), nil
		}
	}
	used, _ := refs["last_used"].(*float64)
	if used != nil && h.Now().Sub(koji.FromTS(*used).Time) < time.Duration(minAge*float64(time.Second)) {
		return koji.GenericErrorf("Cannot delete build, used in recent buildroot"), nil
	}
	return nil, nil
}

// removeBuildFiles removes the files of a build, and the links to them from the
// default volume and from the name that it had as a draft, once the transaction
// is committed.
func (h *Hub) removeBuildFiles(ctx context.Context, b *api.Build) error {
	volumes, err := h.Store.Volumes(ctx)
	if err != nil {
		return err
	}
	if err := h.noteBuildRemoval(ctx, b.ID, h.Paths.Build(b.VolumeName, b.Parts()), fs.ModeDir); err != nil {
		return err
	}
	links := []string{h.Paths.Build(defaultVolume, b.Parts())}
	if !b.Draft {
		draft := b.Parts()
		draft.Release = koji.DraftRelease(b.Release, b.ID)
		for _, v := range volumes {
			links = append(links, h.Paths.Build(v.Name, draft))
		}
	}
	for _, link := range links {
		if err := h.noteBuildRemoval(ctx, b.ID, link, fs.ModeSymlink); err != nil {
			return err
		}
	}
	database.AfterCommit(ctx, func() {
		ctx := database.Detached(context.WithoutCancel(ctx))
		ids, err := h.Store.RemovalsOfBuild(ctx, b.ID)
		if err == nil {
			err = h.removeAll(ctx, ids, nil)
		}
		if err != nil {
			h.Log.ErrorContext(ctx, "build deleted, but not its files: the next sweep tries again", obs.Build, b.NVR, obs.Error, err)
		}
	})
	return nil
}

// noteBuildRemoval notes that a path of a build is to go, if it is there and of the
// kind.
func (h *Hub) noteBuildRemoval(ctx context.Context, buildID int64, path string, kind fs.FileMode) error {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != kind {
		return nil
	}
	place, rel := h.buildPlace(path)
	return h.Store.AddRemoval(ctx, store.Removal{Place: place, Rel: rel, BuildID: &buildID})
}

// buildPlace splits the path of a build, which ends in NAME/VERSION/RELEASE.
func (h *Hub) buildPlace(dir string) (place, rel string) {
	packages := path.Dir(path.Dir(path.Dir(dir)))
	return h.belowTop(packages), strings.TrimPrefix(dir, packages+"/")
}

func (h *Hub) belowTop(path string) string { return strings.TrimPrefix(path, h.Paths.TopDir+"/") }

// buildUsage returns how many bytes the files of a build hold.
func (h *Hub) buildUsage(b *api.Build) (int64, error) {
	dir, rel := h.buildPlace(h.Paths.Build(b.VolumeName, b.Parts()))
	p, err := h.openPlace(dir)
	if err != nil || p == nil {
		return 0, err
	}
	defer p.root.Close()
	u, err := p.measure(rel)
	return u.bytes, err
}

func (h *Hub) resetBuild(ctx context.Context, p api.OneBuildParams) (rpc.None, error) {
	b, err := h.build(ctx, p.Build, false)
	if err != nil || b == nil {
		return rpc.None{}, err
	}
	if err := h.Store.ResetBuild(ctx, b.ID); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.removeBuildFiles(ctx, b)
}

func (h *Hub) setBuildOwner(ctx context.Context, p api.SetBuildOwnerParams) (rpc.None, error) {
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return rpc.None{}, err
	}
	owner, err := h.User(ctx, p.User, true)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.SetBuildOwner(ctx, b.ID, owner.ID)
}

func (h *Hub) setBuildTimestamp(ctx context.Context, p api.SetBuildTimestampParams) (rpc.None, error) {
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return rpc.None{}, err
	}
	var t koji.Time
	switch ts := p.TS.(type) {
	case int64:
		t = koji.FromTS(float64(ts))
	case float64:
		t = koji.FromTS(ts)
	case time.Time:
		t = koji.NewTime(ts)
	default:
		return rpc.None{}, koji.GenericErrorf("Invalid type for timestamp")
	}
	return rpc.None{}, h.Store.SetBuildCompletion(ctx, b.ID, t)
}
