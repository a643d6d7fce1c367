package hub

import (
	"context"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func (h *Hub) hostInitImageBuild(ctx context.Context, p api.InitImageBuildParams) (map[string]any, error) {
	info := maps.Clone(p.BuildInfo)
	if info == nil {
		info = map[string]any{}
	}
	if _, ok := info["release"]; !ok {
		info["release"] = nil
	}
	data, err := h.initOther(ctx, p.TaskID, info)
	if err != nil {
		return nil, err
	}
	return data, h.setImageBuild(ctx, data["id"].(int64))
}

func (h *Hub) hostCompleteImageBuild(ctx context.Context, p api.CompleteImageBuildParams) (rpc.None, error) {
	o, done, err := h.newImport(ctx, p.TaskID, p.BuildID, "image")
	if err != nil || done {
		return rpc.None{}, err
	}
	if err := o.chooseVolume(ctx); err != nil {
		return rpc.None{}, err
	}
	if err := o.images(ctx, p.Results); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, o.complete(ctx)
}

func (h *Hub) hostImportImage(ctx context.Context, p api.ImportImageParams) (rpc.None, error) {
	o, done, err := h.newImport(ctx, p.TaskID, p.Build.ID, "image")
	if err != nil || done {
		return rpc.None{}, err
	}
	if err := o.images(ctx, p.Results); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, o.record(ctx)
}

// oneLogDir are the types of tasks whose logs are not kept by arch.
var oneLogDir = []string{"appliance", "image", "indirectionimage", "livecd"}

// images adds what the tasks of several arches built. Those that failed have
// nothing.
func (o *otherImport) images(ctx context.Context, results map[string]api.ImageResults) error {
	t, err := o.h.Store.TaskForWorkflow(ctx, o.taskID)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(results)) {
		r := results[key]
		if r.TaskID == nil {
			continue
		}
		if err := o.image(ctx, r, !slices.Contains(oneLogDir, t.Method)); err != nil {
			return err
		}
	}
	return nil
}

// image adds one arch's image, with the logs that its task left and the RPMs that
// are in it.
func (o *otherImport) image(ctx context.Context, r api.ImageResults, logsByArch bool) error {
	from, err := o.output(ctx, *r.TaskID)
	if err != nil {
		return err
	}
	inside, err := o.h.rpmsInImage(ctx, r.RPMList)
	if err != nil {
		return err
	}
	for _, name := range r.Files {
		if err := o.add(from+"/"+name, map[string]any{"arch": r.Arch}, nil); err != nil {
			return err
		}
		if a := &o.archives[len(o.archives)-1]; path.Ext(a.Filename) != ".xml" {
			a.RPMs = inside
		}
	}
	if err := o.imageLogs(from, r.Arch, logsByArch); err != nil {
		return err
	}
	return o.addWrappers(ctx, r.RPMs)
}

// imageLogs adds the logs of a task: in the directory of the arch if byArch is
// set, or if another arch's log has the name.
func (o *otherImport) imageLogs(from, arch string, byArch bool) error {
	entries, err := os.ReadDir(o.filing.work + "/" + from)
	if err != nil {
		return koji.GenericErrorf("No such directory: %s", from)
	}
	dir := o.h.Paths.BuildLogs(o.build.VolumeName, o.build.Parts()) + "/image"
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".log") {
			continue
		}
		place := e.Name()
		taken := slices.ContainsFunc(o.moves, func(m archiveMove) bool { return m.to == dir+"/"+place })
		if byArch || taken {
			place = path.Join(arch, place)
		}
		if err := o.addFile(from+"/"+e.Name(), dir, place, false); err != nil {
			return err
		}
	}
	return nil
}

// rpmsInImage returns the ids of RPMs; those of external repositories become
// known.
func (h *Hub) rpmsInImage(ctx context.Context, list []api.InstalledRPM) ([]int64, error) {
	wanted, err := h.wantedRPMs(ctx, list)
	if err != nil {
		return nil, err
	}
	found, err := h.Store.FindRPMs(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i].Draft && wanted[i].ExternalRepoID == 0 {
			return nil, koji.GenericErrorf("Draft rpm not supported")
		}
	}
	return h.installedIDs(ctx, list)
}
