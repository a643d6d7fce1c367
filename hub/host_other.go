package hub

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func (h *Hub) hostInitMavenBuild(ctx context.Context, p api.InitMavenBuildParams) (map[string]any, error) {
	if !h.Config.EnableMaven {
		return nil, errNoMaven
	}
	info := map[string]any{}
	maps.Copy(info, p.BuildInfo)
	info["release"] = nil // it is always the next one
	data, err := h.initOther(ctx, p.TaskID, info)
	if err != nil {
		return nil, err
	}
	return data, h.setMavenBuild(ctx, data["id"].(int64), p.MavenInfo)
}

func (h *Hub) hostInitWinBuild(ctx context.Context, p api.InitWinBuildParams) (map[string]any, error) {
	if !h.Config.EnableWin {
		return nil, errNoWin
	}
	data, err := h.initOther(ctx, p.TaskID, p.BuildInfo)
	if err != nil {
		return nil, err
	}
	return data, h.setWinBuild(ctx, data["id"].(int64), p.WinInfo)
}

func (h *Hub) hostCreateMavenBuild(ctx context.Context, p api.CreateMavenBuildParams) (rpc.None, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return rpc.None{}, err
	}
	if !h.Config.EnableMaven {
		return rpc.None{}, errNoMaven
	}
	b, err := h.build(ctx, p.BuildInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.setMavenBuild(ctx, b.ID, p.MavenInfo)
}

// hostImportArchive imports one file.
//
// Koji: the file is any that the hub can read, by its full name.
func (h *Hub) hostImportArchive(ctx context.Context, p api.ImportArchiveParams) (rpc.None, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return rpc.None{}, err
	}
	switch {
	case p.Type == "maven" && !h.Config.EnableMaven:
		return rpc.None{}, errNoMaven
	case p.Type == "win" && !h.Config.EnableWin:
		return rpc.None{}, errNoWin
	case p.Type != "maven" && p.Type != "win":
		return rpc.None{}, koji.GenericErrorf("unsupported archive type: %s", p.Type)
	}
	rel := strings.TrimPrefix(p.FilePath, h.Paths.Work("")+"/")
	id, ok := taskOfOutput(rel)
	if !ok {
		return rpc.None{}, koji.ActionNotAllowedf("not in the output of a task: %s", p.FilePath)
	}
	if _, err := h.AssertTaskHost(ctx, id); err != nil {
		return rpc.None{}, err
	}
	b, err := h.build(ctx, p.BuildInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	o := &otherImport{h: h, btype: p.Type, build: b, filing: filing{work: h.Paths.Work("")}}
	if o.kinds, err = h.Store.ArchiveTypes(ctx); err != nil {
		return rpc.None{}, err
	}
	if err := o.add(rel, p.TypeInfo, nil); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, o.record(ctx)
}

func (h *Hub) hostCompleteMavenBuild(ctx context.Context, p api.CompleteMavenBuildParams) (rpc.None, error) {
	if !h.Config.EnableMaven {
		return rpc.None{}, errNoMaven
	}
	o, done, err := h.newImport(ctx, p.TaskID, p.BuildID, "maven")
	if err != nil || done {
		return rpc.None{}, err
	}
	for _, step := range []func(context.Context) error{
		o.chooseVolume,
		func(ctx context.Context) error { return o.mavenFiles(ctx, p.Results) },
		func(ctx context.Context) error { return o.addWrappers(ctx, p.RPMs) },
		o.complete,
	} {
		if err := step(ctx); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, nil
}

// mavenFiles adds what Maven built. A directory with a POM has the coordinates of
// the POM, others those of the build.
func (o *otherImport) mavenFiles(ctx context.Context, r api.MavenResults) error {
	from, err := o.output(ctx, r.TaskID)
	if err != nil {
		return err
	}
	own, err := o.h.Store.MavenBuild(ctx, o.build.ID)
	if err != nil {
		return err
	}
	if own == nil {
		return koji.GenericErrorf("no such maven build: %d", o.build.ID)
	}
	build := map[string]any{"group_id": own.GroupID, "artifact_id": own.ArtifactID, "version": own.Version}
	for _, dir := range slices.Sorted(maps.Keys(r.Files)) {
		info, err := o.pomInfo(from, dir, r.Files[dir])
		if err != nil {
			return err
		}
		for _, name := range r.Files[dir] {
			rel := path.Join(dir, name)
			switch ext := path.Ext(name); {
			case ext == ".md5" || ext == ".sha1":
				continue // they are made anew
			case name == "maven-metadata.xml":
				// It has no row: the repositories of tags have their own.
				err = o.addFile(from+"/"+rel, o.h.Paths.TypeDir(o.build.VolumeName, o.build.Parts(), "maven"), rel, true)
			case info != nil:
				err = o.add(from+"/"+rel, info, r.BuildrootID)
			default:
				err = o.add(from+"/"+rel, build, r.BuildrootID)
			}
			if err != nil {
				return err
			}
		}
	}
	return o.addLogs(from, "maven", r.Logs, false)
}

// pomInfo returns the coordinates in a directory's POM, nil if it has none.
func (o *otherImport) pomInfo(from, dir string, files []string) (map[string]any, error) {
	poms := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !strings.HasSuffix(f, ".pom") })
	switch len(poms) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, koji.BuildErrorf("multiple .pom files in %s: %s", dir, strings.Join(poms, ", "))
	}
	name, err := o.filing.source(path.Join(from, cmp.Or(dir, "."), poms[0]), "")
	if err != nil {
		return nil, err
	}
	p, err := readPOM(name)
	if err != nil {
		return nil, err
	}
	return map[string]any{"group_id": p.GroupID, "artifact_id": p.ArtifactID, "version": p.Version}, nil
}

func (h *Hub) hostCompleteWinBuild(ctx context.Context, p api.CompleteWinBuildParams) (rpc.None, error) {
	if !h.Config.EnableWin {
		return rpc.None{}, errNoWin
	}
	o, done, err := h.newImport(ctx, p.TaskID, p.BuildID, "win")
	if err != nil || done {
		return rpc.None{}, err
	}
	for _, step := range []func(context.Context) error{
		o.chooseVolume,
		func(ctx context.Context) error { return o.winFiles(ctx, p.Results) },
		func(ctx context.Context) error { return o.addWrappers(ctx, p.RPMs) },
		o.complete,
	} {
		if err := step(ctx); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, nil
}

func (o *otherImport) winFiles(ctx context.Context, r api.WinResults) error {
	from, err := o.output(ctx, r.TaskID)
	if err != nil {
		return err
	}
	build, err := o.h.Store.WinBuild(ctx, o.build.ID)
	if err != nil {
		return err
	}
	if build == nil {
		return koji.GenericErrorf("no such Windows build: %d", o.build.ID)
	}
	for _, rel := range slices.Sorted(maps.Keys(r.Output)) {
		info := map[string]any{}
		maps.Copy(info, r.Output[rel])
		info["relpath"] = strings.TrimPrefix(path.Dir(rel), ".")
		if err := o.add(from+"/"+rel, info, r.BuildrootID); err != nil {
			return err
		}
	}
	return o.addLogs(from, "win", r.Logs, true)
}
