package hub

import (
	"context"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindHostBuildroots(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HostUpdateBuildrootArchives, h.hostUpdateBuildrootArchives)
	rpc.Bind(r, api.HostUpdateMavenBuildRootList, h.hostUpdateMavenBuildRootList)
}

func (h *Hub) hostUpdateBuildrootArchives(ctx context.Context, p api.BuildrootArchivesParams) (rpc.None, error) {
	if _, err := h.buildrootInUse(ctx, p.BrootID, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	ids := make([]int64, len(p.Archives))
	for i, a := range p.Archives {
		ids[i] = a.ID
	}
	missing, err := h.Store.MissingArchives(ctx, ids)
	if err != nil {
		return rpc.None{}, err
	}
	if len(missing) > 0 {
		return rpc.None{}, koji.GenericErrorf("No such archive: %d", missing[0])
	}
	return rpc.None{}, h.Store.AddBuildrootArchives(ctx, p.BrootID, ids, p.Project)
}

// buildrootInUse locks a buildroot that is used for a task of the calling host's.
func (h *Hub) buildrootInUse(ctx context.Context, id, taskID int64) (*store.LockedBuildroot, error) {
	by, err := h.hostOwner(ctx, &taskID)
	if err != nil {
		return nil, err
	}
	b, err := h.lockBuildroot(ctx, id, by)
	switch {
	case err != nil:
		return nil, err
	case !h.Config.EnableMaven && !h.Config.EnableWin:
		return nil, koji.GenericErrorf("non-rpm support is not enabled")
	case *b.State != koji.BuildrootBuilding:
		return nil, koji.GenericErrorf("buildroot %d in wrong state %d", id, *b.State)
	}
	return b, nil
}

// gav names a version of a Maven artifact.
type gav struct{ group, artifact, version string }

func gavOf(f api.MavenFiles) gav {
	return gav{f.MavenInfo.GroupID, f.MavenInfo.ArtifactID, f.MavenInfo.Version}
}

// mavenRoot finds out what the files of a Maven repository in a buildroot are.
type mavenRoot struct {
	h      *Hub
	builds map[gav]int64            // which build an artifact is of
	ignore map[gav]map[string]int64 // sizes of files that need not be of a build
}

// hostUpdateMavenBuildRootList notes the archives that the files are. Each must be
// of a build in the tag of the buildroot's repository, as it was then, or of one of
// the extra dependencies.
func (h *Hub) hostUpdateMavenBuildRootList(ctx context.Context, p api.MavenBuildrootParams) (rpc.None, error) {
	if !h.Config.EnableMaven {
		return rpc.None{}, errNoMaven
	}
	b, err := h.buildrootInUse(ctx, p.BrootID, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	m := mavenRoot{h: h, builds: map[gav]int64{}, ignore: map[gav]map[string]int64{}}
	if err := m.readTag(ctx, *b.RepoID); err != nil {
		return rpc.None{}, err
	}
	for _, dep := range p.ExtraDeps {
		if err := m.addDependency(ctx, dep); err != nil {
			return rpc.None{}, err
		}
	}
	for _, entry := range p.Ignore {
		for _, f := range entry.Files {
			m.mayBe(gavOf(entry), f.Filename, f.Size)
		}
	}
	ids, err := m.match(ctx, p.MavenList, p.IgnoreUnknown)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.AddBuildrootArchives(ctx, p.BrootID, ids, p.Project)
}

// readTag finds the builds of the tag that a repository shows.
func (m *mavenRoot) readTag(ctx context.Context, repoID int64) error {
	repo, err := m.h.Store.Repo(ctx, repoID)
	if err != nil {
		return err
	}
	list, err := m.h.Store.TaggedMavenArchives(ctx, repo.TagID, &repo.CreateEvent, true)
	if err != nil {
		return err
	}
	for _, a := range list {
		key := gav{a.GroupID, a.ArtifactID, a.Version}
		if _, ok := m.builds[key]; !ok {
			m.builds[key] = a.BuildID
		}
	}
	return nil
}

// addDependency adds a build, or the output of a task by its id.
func (m *mavenRoot) addDependency(ctx context.Context, dep any) error {
	if id, ok := dep.(int64); ok {
		return m.addOutput(id)
	}
	b, err := m.h.build(ctx, dep, true)
	if err != nil {
		return err
	}
	files, err := m.h.Store.MavenFiles(ctx, []int64{b.ID})
	for _, f := range files {
		m.builds[gav{f.GroupID, f.ArtifactID, f.Version}] = b.ID
	}
	return err
}

// addOutput adds a task's output, which is a Maven repository.
func (m *mavenRoot) addOutput(id int64) error {
	files, err := m.h.taskFiles(id, []api.IDName{{Name: defaultVolume}})
	if err != nil {
		return err
	}
	for _, f := range files {
		parts := strings.Split(f.name, "/")
		n := len(parts)
		if n < 4 || slices.Contains([]string{".log", ".md5", ".sha1"}, path.Ext(f.name)) {
			continue
		}
		info, err := os.Stat(f.path)
		if err != nil {
			return fmt.Errorf("output of task %d: %w", id, err)
		}
		m.mayBe(gav{strings.Join(parts[:n-3], "."), parts[n-3], parts[n-2]}, parts[n-1], info.Size())
	}
	return nil
}

// snapshotTime is the time in the name of a file of a snapshot, which may lie beside
// it under the name without a time.
var snapshotTime = regexp.MustCompile(`-\d{8}\.\d{6}-\d+`)

// mayBe lets a file be there without being of a build.
func (m *mavenRoot) mayBe(key gav, name string, size int64) {
	if m.ignore[key] == nil {
		m.ignore[key] = map[string]int64{}
	}
	m.ignore[key][name] = size
	m.ignore[key][snapshotTime.ReplaceAllString(name, "-SNAPSHOT")] = size
}

// match returns the archives that files are.
func (m *mavenRoot) match(ctx context.Context, list []api.MavenFiles, ignoreUnknown bool) ([]int64, error) {
	var builds []int64
	for _, entry := range list {
		if id, ok := m.builds[gavOf(entry)]; ok {
			builds = append(builds, id)
		}
	}
	files, err := m.h.Store.MavenFiles(ctx, builds)
	if err != nil {
		return nil, err
	}
	type key struct {
		gav
		build int64
		name  string
	}
	known := map[key]store.MavenFile{}
	for _, f := range files {
		known[key{gav{f.GroupID, f.ArtifactID, f.Version}, f.BuildID, f.Filename}] = f
	}
	var ids []int64
	for _, entry := range list {
		g := gavOf(entry)
		for _, f := range entry.Files {
			archive, found := known[key{g, m.builds[g], f.Filename}]
			size, ignored := m.ignore[g][f.Filename]
			switch {
			case found && archive.Size == f.Size:
				ids = append(ids, archive.ID)
			case ignored && size == f.Size, ignoreUnknown:
			default:
				return nil, koji.BuildrootErrorf("No such file in build environment: %s/%s, size: %d", f.Path, f.Filename, f.Size)
			}
		}
	}
	return ids, nil
}
