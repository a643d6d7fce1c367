package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// mavenBuild imports a build of Maven's with one JAR and returns its NVR, which is
// in no tag.
func (l *lab) mavenBuild(t *testing.T) koji.NVR {
	t.Helper()
	nvr := koji.NVR{Name: "org.example-lib", Version: "1.0", Release: fmt.Sprint(l.serial.Add(1))}
	info := map[string]any{"group_id": "org.example", "artifact_id": "lib", "version": "1.0"}
	build := map[string]any{"name": nvr.Name, "version": nvr.Version, "release": nvr.Release, "epoch": nil}
	call(t, l, api.CreateMavenBuild, api.CreateMavenBuildParams{BuildInfo: build, MavenInfo: info})
	jar := filepath.Join(t.TempDir(), "lib-1.0.jar")
	require.NoError(t, os.WriteFile(jar, []byte("jar of "+nvr.String()), 0o644))
	call(t, l, api.ImportArchive, api.ImportArchiveParams{FilePath: l.upload(t, jar), BuildInfo: nvr.String(), Type: "maven", TypeInfo: info})
	return nvr
}

// wrapperTemplate makes a git repository of a template of a spec file.
func (l *lab) wrapperTemplate(t *testing.T, file string) (url string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	return commit(t, filepath.Join(l.dir, "git", fmt.Sprint(l.serial.Add(1)), "wrapper"), "wrapper.spec.tmpl", text)
}

func (l *lab) wrapperRPM(t *testing.T, nvr koji.NVR, url string, opts map[string]any) int64 {
	t.Helper()
	return call(t, l, api.WrapperRPM, api.WrapperRPMParams{Build: nvr.String(), URL: url, Target: "plain", Channel: "maven", Opts: opts})
}

func TestWrapperRPM(t *testing.T) {
	t.Parallel()
	l := start(t)
	url := l.wrapperTemplate(t, "wrapper.spec.tmpl")

	t.Run("into the build", func(t *testing.T) {
		t.Parallel()
		nvr := l.mavenBuild(t)
		id := l.wrapperRPM(t, nvr, url, nil)
		l.closed(t, id)
		name := "org.example-lib-rpms-1.0-" + nvr.Release
		result := l.result(t, id).(map[string]any)
		require.Equal(t, name+".src.rpm", result["srpm"])
		require.Equal(t, []any{name + ".noarch.rpm"}, result["rpms"])
		require.Contains(t, result["logs"], "wrapper.spec")
		require.Contains(t, result["source"].(map[string]any)["source"], url)
		rpms := call(t, l, api.ListBuildRPMs, api.OneBuildParams{Build: nvr.String()})
		require.Len(t, rpms, 2)
		require.EqualValues(t, result["buildroot_id"], *rpms[0].BuildrootID)
		dir := []string{"packages", nvr.Name, nvr.Version, nvr.Release}
		require.NotEmpty(t, l.file(t, append(dir, "noarch", name+".noarch.rpm")...))
		require.Contains(t, l.file(t, append(dir, "data", "logs", "noarch", "wrapper.spec")...), "Summary:        Files of org.example as an RPM")
		require.Equal(t, 1.5, l.task(t, id).Weight)
	})
	t.Run("into a build of its own", func(t *testing.T) {
		t.Parallel()
		nvr := l.mavenBuild(t)
		own := koji.NVR{Name: nvr.Name + "-rpms", Version: nvr.Version, Release: nvr.Release}
		require.Contains(t, l.failed(t, l.wrapperRPM(t, nvr, url, map[string]any{"create_build": true})).Msg,
			"package "+own.Name+" not in list for tag plain")
		call(t, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "plain", PkgInfo: own.Name, Owner: "admin"})
		id := l.wrapperRPM(t, nvr, url, map[string]any{"create_build": true, "custom_user_metadata": map[string]any{"why": "test"}})
		l.closed(t, id)
		b := l.completed(t, own.String(), "plain", 2)
		require.Equal(t, id, *b.TaskID)
		require.Equal(t, map[string]any{"why": "test"}, b.Extra.Object()["custom_user_metadata"])
		require.Equal(t, "tag", *l.child(t, id, "tagBuild").Label)
		require.Empty(t, call(t, l, api.ListBuildRPMs, api.OneBuildParams{Build: nvr.String()}))
	})
	t.Run("scratch", func(t *testing.T) {
		t.Parallel()
		nvr := l.mavenBuild(t)
		id := l.wrapperRPM(t, nvr, url, map[string]any{"scratch": true})
		l.closed(t, id)
		require.NotEmpty(t, l.file(t, "scratch", "admin", fmt.Sprintf("task_%d", id), "org.example-lib-rpms-1.0-"+nvr.Release+".noarch.rpm"))
	})
	t.Run("Python in the template", func(t *testing.T) {
		t.Parallel()
		id := l.wrapperRPM(t, l.mavenBuild(t), l.wrapperTemplate(t, "import.spec.tmpl"), nil)
		fault := l.failed(t, id)
		require.Equal(t, koji.FaultBuild, fault.Fault)
		require.Equal(t, "wrapper.spec.tmpl: line 1: the directive #import is not supported", fault.Msg)
	})
}
