package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	l := start(t)
	s := l.srpm(t, "hello-noarch", 0)
	id := l.build(t, s, "plain", nil)
	l.closed(t, id)
	b := l.completed(t, s.nvr, "plain", 2)
	require.Equal(t, id, *b.TaskID)
	require.Equal(t, "admin", b.OwnerName)

	t.Run("files", func(t *testing.T) {
		dir := filepath.Join(l.Env["TOJI_TOPDIR"], "packages", "hello-noarch", "1.0", s.release)
		for _, file := range []string{"noarch/" + s.nvr + ".noarch.rpm", "src/" + s.nvr + ".src.rpm"} {
			out, err := exec.Command("rpm", "-K", "--nosignature", filepath.Join(dir, file)).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
		for _, log := range []string{"build.log", "root.log", "state.log"} {
			require.FileExists(t, filepath.Join(dir, "data", "logs", "noarch", log))
		}
		require.Contains(t, l.file(t, "packages", "hello-noarch", "1.0", s.release, "data", "logs", "noarch", "build.log"), "hello-noarch")
	})
	t.Run("rows", func(t *testing.T) {
		for _, r := range call(t, l, api.ListBuildRPMs, api.OneBuildParams{Build: b.ID}) {
			require.NotNil(t, r.BuildrootID, "%s.%s", r.NVR, r.Arch)
			root := call(t, l, api.GetBuildroot, api.GetBuildrootParams{BuildrootID: *r.BuildrootID, Strict: true})
			require.Equal(t, "builder1", *root.HostName)
			require.Equal(t, "plain-build", *root.TagName)
			names := map[string]bool{}
			for _, in := range call(t, l, api.GetBuildrootListing, api.GetBuildrootListingParams{ID: root.ID}) {
				names[in.Name] = true
				require.Equal(t, "seed", in.ExternalRepoName)
			}
			require.Equal(t, map[string]bool{"seed-filesystem": true, "seed-tiny": true}, names)
		}
	})
	t.Run("tasks", func(t *testing.T) {
		children := l.children(t, id)
		for method, label := range map[string]string{"rebuildSRPM": "srpm", "buildArch": "noarch", "tagBuild": "tag"} {
			require.Len(t, children[method], 1, method)
			require.Equal(t, label, *children[method][0].Label)
		}
		arch := children["buildArch"][0]
		result := l.result(t, arch.ID).(map[string]any)
		require.Len(t, result["rpms"], 1)
		require.Len(t, result["srpms"], 1)
		require.NotZero(t, result["brootid"])
		require.Equal(t, []string{"closed"}, l.outcomes(t, arch.ID))
		// Koji's own clients read the column as it is.
		require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM task WHERE id = $1
			AND result LIKE '%<methodResponse>%' AND result NOT LIKE '%<fault>%'`, arch.ID))
	})
	t.Run("history", func(t *testing.T) {
		require.Equal(t, attributes{Task: id, Method: "build", Owner: "admin", Tag: "plain", NVR: s.nvr}, l.attributes(t, id))
		child := l.children(t, id)["buildArch"][0].ID
		require.Equal(t, attributes{Task: child, Method: "buildArch", Owner: "admin"}, l.attributes(t, child))
	})
}

// An epoch, and a subpackage of another name and version.
func TestSubpackages(t *testing.T) {
	t.Parallel()
	l := start(t)
	s := l.srpm(t, "multi", 0)
	l.closed(t, l.build(t, s, "plain", nil))
	b := l.completed(t, s.nvr, "plain", 4)
	require.Equal(t, int64(1), *b.Epoch)

	var names []string
	for _, r := range call(t, l, api.ListBuildRPMs, api.OneBuildParams{Build: b.ID}) {
		names = append(names, r.NVR+"."+r.Arch)
		require.Equal(t, int64(1), *r.Epoch, r.NVR)
		require.FileExists(t, filepath.Join(l.Env["TOJI_TOPDIR"], "packages", "multi", "2.1", s.release, r.Arch, r.NVR+"."+r.Arch+".rpm"))
	}
	require.ElementsMatch(t, []string{
		s.nvr + ".src", s.nvr + ".noarch", "multi-doc-2.1-" + s.release + ".noarch", "libmulti-7-" + s.release + ".noarch",
	}, names)
}

// A tagged build gets into a new repository by itself, and builds after it find
// it there.
func TestChain(t *testing.T) {
	t.Parallel()
	l := start(t)
	first := l.srpm(t, "hello-noarch", 0)
	before := l.anyRepo(t, "chain-build")
	l.closed(t, l.build(t, first, "chain", nil))
	after := l.repo(t, "chain-build", before.ID)
	require.Equal(t, "kojira", l.owner(t, *after.TaskID))
	require.Greater(t, after.CreateEvent, before.CreateEvent)

	t.Run("in the new repository", func(t *testing.T) {
		user := l.srpm(t, "use-noarch", 0)
		l.closed(t, l.build(t, user, "chain", map[string]any{"repo_id": after.ID}))
		require.Contains(t, l.buildrootOf(t, user.nvr), first.nvr)
	})
	t.Run("as soon as a build is in it", func(t *testing.T) {
		next, user := l.srpm(t, "hello-noarch", 0), l.srpm(t, "use-noarch", 0)
		waiting := l.build(t, user, "chain", map[string]any{"wait_builds": []string{next.nvr}})
		wait := l.child(t, waiting, "waitrepo")
		await(t, "a reason to wait", func() bool {
			w := l.status(t, wait.ID).Wait
			return w != nil && w.Code == "repo"
		})
		l.closed(t, l.build(t, next, "chain", nil))
		l.closed(t, waiting)
		require.Contains(t, l.buildrootOf(t, user.nvr), next.nvr)
	})
}

// repo waits for a ready repository of the tag that is newer than the one with
// the id.
func (l *lab) repo(t *testing.T, tag string, id int64) *api.Repo {
	t.Helper()
	var found *api.Repo
	await(t, "a new repository of "+tag, func() bool {
		found = call(t, l, api.GetRepo, api.GetRepoParams{Tag: tag})
		return found != nil && found.ID > id
	})
	return found
}

// anyRepo returns a ready repository of the tag, which it asks for: a tag's first
// one does not come by itself.
func (l *lab) anyRepo(t *testing.T, tag string) *api.Repo {
	t.Helper()
	call(t, l, api.RepoRequestMethod, api.RepoRequestParams{Tag: tag})
	return l.repo(t, tag, 0)
}

// owner is the name of a task's owner.
func (l *lab) owner(t *testing.T, task int64) string {
	t.Helper()
	user := call(t, l, api.GetUser, api.GetUserParams{UserInfo: l.task(t, task).Owner, Strict: true})
	return user.Name
}

// buildrootOf lists the NVRs of what a build's first RPM was built in.
func (l *lab) buildrootOf(t *testing.T, nvr string) (list []string) {
	t.Helper()
	rpms := call(t, l, api.ListBuildRPMs, api.OneBuildParams{Build: nvr})
	require.NotEmpty(t, rpms)
	for _, in := range call(t, l, api.GetBuildrootListing, api.GetBuildrootListingParams{ID: *rpms[0].BuildrootID}) {
		list = append(list, in.Name+"-"+in.Version+"-"+in.Release)
	}
	return list
}

func TestOptions(t *testing.T) {
	t.Parallel()
	l := start(t)

	t.Run("scratch", func(t *testing.T) {
		t.Parallel()
		s := l.srpm(t, "hello-noarch", 0)
		id := l.build(t, s, "plain", map[string]any{"scratch": true, "arch_override": "x86_64"})
		l.closed(t, id)
		require.Nil(t, l.buildOf(t, s.nvr))
		dir := filepath.Join(l.Env["TOJI_TOPDIR"], "scratch", "admin", fmt.Sprintf("task_%d", id))
		require.FileExists(t, filepath.Join(dir, s.nvr+".noarch.rpm"))
		require.FileExists(t, filepath.Join(dir, s.nvr+".src.rpm"))
		require.Empty(t, l.children(t, id)["tagBuild"])
	})
	t.Run("skip_tag", func(t *testing.T) {
		t.Parallel()
		s := l.srpm(t, "hello-noarch", 0)
		id := l.build(t, s, "plain", map[string]any{"skip_tag": true})
		l.closed(t, id)
		b := l.buildOf(t, s.nvr)
		require.Equal(t, koji.BuildComplete, b.State)
		require.Zero(t, l.count(t, `SELECT count(*) FROM tag_listing WHERE build_id = $1`, b.ID))
	})
	t.Run("arch_override", func(t *testing.T) {
		t.Parallel()
		s := l.srpm(t, "hello-noarch", 0)
		fault := l.failed(t, l.build(t, s, "plain", map[string]any{"arch_override": "x86_64"}))
		require.Equal(t, koji.FaultBuild, fault.Fault)
		require.Contains(t, fault.Msg, "arch_override is only allowed for scratch builds")
	})
	t.Run("repo_id of another tag", func(t *testing.T) {
		t.Parallel()
		s := l.srpm(t, "hello-noarch", 0)
		fault := l.failed(t, l.build(t, s, "plain", map[string]any{"repo_id": l.anyRepo(t, "chain-build").ID}))
		require.Equal(t, koji.FaultBuild, fault.Fault)
		require.Contains(t, fault.Msg, "Repo/Target mismatch: chain-build/plain-build")
	})
}
