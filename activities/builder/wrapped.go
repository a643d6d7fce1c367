package builder

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// wrapped are the files to wrap, and what a template can ask about them.
type wrapped struct {
	files  []string // paths below the hub's top directory
	values map[string]any
}

// names says what the files are called in a folder of sources, by path: their own
// name, or the path where that is taken.
func (f wrapped) names(in *os.Root) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, rel := range f.files {
		name := path.Base(rel)
		if _, err := in.Lstat(name); err == nil || taken[name] {
			name = strings.ReplaceAll(rel, "/", "-")
		}
		names[rel], taken[name] = name, true
	}
	return names
}

// add adds a file by its path and by the one that templates see.
func (f *wrapped) add(rel, shown string) {
	name := path.Base(rel)
	f.files = append(f.files, rel)
	byExt := f.values["artifacts"].(map[string]any)
	list, _ := byExt[path.Ext(name)].([]any)
	byExt[path.Ext(name)] = append(list, name)
	for key, v := range map[string]string{"all_artifacts": name, "all_artifacts_with_path": shown} {
		f.values[key] = append(f.values[key].([]any), v)
	}
}

// wrapped finds out what to wrap.
func (w *wrapperJob) wrapped(ctx context.Context) (wrapped, error) {
	f := wrapped{values: map[string]any{"artifacts": map[string]any{}, "all_artifacts": []any{}, "all_artifacts_with_path": []any{}}}
	b, t := w.params.Build, w.params.Task
	if b == nil && t == nil {
		return f, koji.BuildErrorf("build and/or task must be specified")
	}
	var err error
	btype := ""
	if b != nil {
		if btype, err = w.describeBuild(ctx, b, f.values); err != nil {
			return f, err
		}
	} else if err = w.describeTask(ctx, t, f.values); err != nil {
		return f, err
	}
	if t != nil {
		err = w.addOutput(ctx, t.ID, &f)
	} else {
		err = w.addArchives(ctx, b, btype, &f)
	}
	if err == nil && len(f.files) == 0 {
		err = koji.BuildErrorf("no output found to wrap")
	}
	return f, err
}

// describeBuild fills in what templates see of a build and returns its type.
func (w *wrapperJob) describeBuild(ctx context.Context, b *tasks.WrappedBuild, values map[string]any) (btype string, err error) {
	maps.Copy(values, map[string]any{"name": b.Name, "version": b.Version, "release": b.Release, "epoch": nil})
	if b.Epoch != nil {
		values["epoch"] = *b.Epoch
	}
	p := api.BuildParams{BuildInfo: b.ID}
	maven, err := rpc.Invoke(ctx, w.hub, api.GetMavenBuild, p)
	if err != nil {
		return "", err
	}
	if maven != nil {
		values["maven_info"] = map[string]any{
			"build_id": maven.BuildID, "group_id": maven.GroupID, "artifact_id": maven.ArtifactID, "version": maven.Version}
		return "maven", nil
	}
	win, err := rpc.Invoke(ctx, w.hub, api.GetWinBuild, p)
	if err != nil {
		return "", err
	}
	if win != nil {
		values["win_info"] = map[string]any{"build_id": win.BuildID, "platform": win.Platform}
		return "win", nil
	}
	image, err := rpc.Invoke(ctx, w.hub, api.GetImageBuild, p)
	if err != nil {
		return "", err
	}
	if image != nil {
		values["image_info"] = map[string]any{"build_id": image.BuildID}
		return "image", nil
	}
	return "", koji.BuildErrorf("unsupported build type")
}

// describeTask is describeBuild for a scratch build, of which there is only the
// result of its task.
func (w *wrapperJob) describeTask(ctx context.Context, t *tasks.WrappedTask, values map[string]any) error {
	answer, err := rpc.Invoke(ctx, w.hub, api.GetTaskResult, api.TaskResultParams{TaskID: t.ID, RaiseFault: true})
	if err != nil {
		return err
	}
	result, _ := answer.(map[string]any)
	if t.Method == "buildMaven" {
		info, _ := result["maven_info"].(map[string]any)
		group, _ := info["group_id"].(string)
		artifact, _ := info["artifact_id"].(string)
		version, _ := info["version"].(string)
		maps.Copy(values, map[string]any{
			"name": group + "-" + artifact, "version": strings.ReplaceAll(version, "-", "_"), "release": "0.scratch", "epoch": nil,
			"maven_info": info,
		})
		return nil
	}
	for _, key := range []string{"name", "version", "release", "epoch"} {
		values[key] = result[key]
	}
	if t.Method == "vmExec" {
		values["win_info"] = map[string]any{"platform": result["platform"]}
	}
	return nil
}

// addOutput adds what a task left, but for its logs.
func (w *wrapperJob) addOutput(ctx context.Context, id int64, f *wrapped) error {
	answer, err := rpc.Invoke(ctx, w.hub, api.ListTaskOutput, api.ListTaskOutputParams{TaskID: id, AllVolumes: true})
	if err != nil {
		return err
	}
	var volumes map[string][]string
	if err := rpc.Into(answer, &volumes); err != nil {
		return infrastructure(err)
	}
	for _, name := range slices.Sorted(maps.Keys(volumes)) {
		if path.Ext(name) == ".log" {
			continue
		}
		for _, volume := range volumes[name] {
			rel := strings.TrimPrefix(koji.PathInfo{}.Task(volume, id), "/") + "/" + name
			f.add(rel, rel)
		}
	}
	return nil
}

// addArchives adds the archives of a complete build.
func (w *wrapperJob) addArchives(ctx context.Context, b *tasks.WrappedBuild, btype string, f *wrapped) error {
	if b.State != koji.BuildComplete {
		return koji.BuildErrorf("cannot call wrapperRPM on a build that did not complete successfully")
	}
	rows, err := rpc.Invoke(ctx, w.hub, api.ListArchives, api.ListArchivesParams{BuildID: &b.ID, Type: &btype})
	if err != nil {
		return err
	}
	for _, a := range rows.List {
		shown := a.Filename
		switch btype {
		case "maven":
			shown = koji.PathInfo{}.MavenRepo(a.GroupID, a.ArtifactID, a.Version) + "/" + a.Filename
		case "win":
			shown = filepath.Join(a.RelPath, a.Filename)
		}
		f.add(strings.TrimPrefix(koji.PathInfo{}.TypeDir(b.Volume, b.NVR(), btype), "/")+"/"+shown, shown)
	}
	return nil
}
