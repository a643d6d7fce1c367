package createrepo_test

import (
	"compress/gzip"
	"context"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/createrepo"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// TestMain makes the test binary its own shim.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "run-step" {
		os.Exit(step.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// recorder is a runner that notes the command lines.
type recorder struct {
	step.Runner
	calls [][]string
}

func (r *recorder) Run(ctx context.Context, name string, spec step.Spec) (step.Exit, error) {
	r.calls = append(r.calls, spec.Argv)
	return r.Runner.Run(ctx, name, spec)
}

// top is a top directory with one arch of a repository.
type top struct {
	dir  string
	repo createrepo.Repo
	run  *recorder
}

func newTop(t *testing.T) top {
	t.Helper()
	for _, prog := range []string{"createrepo_c", "mergerepo_c", "rpmbuild"} {
		if _, err := exec.LookPath(prog); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	r := createrepo.Repo{ID: 5, Arch: "x86_64", ReposDir: filepath.Join(dir, "repos"), Dir: filepath.Join(dir, "repos/tag/5/x86_64"),
		Comps: filepath.Join(dir, "repos/tag/5/groups/comps.xml"), WorkDir: work}
	for _, d := range []string{r.Dir, filepath.Dir(r.Comps), work} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	require.NoError(t, os.WriteFile(r.Comps, []byte("<comps><group><id>build</id><packagelist/></group></comps>"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(r.Dir, "blocklist"), []byte("blocked\n"), 0o644))
	return top{dir, r, &recorder{Runner: step.Runner{Dir: filepath.Join(work, "steps")}}}
}

// makeRPM makes an empty package and returns its path.
func makeRPM(t *testing.T, dir, name string) string {
	t.Helper()
	spec := filepath.Join(t.TempDir(), name+".spec")
	require.NoError(t, os.WriteFile(spec, []byte("Name: "+name+"\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n"), 0o644))
	out, err := exec.Command("rpmbuild", "-ba", "-D", "_topdir "+t.TempDir(), "-D", "_dbpath "+t.TempDir(), "-D", "_rpmdir "+dir,
		"-D", "_rpmfilename %%{NAME}.rpm", spec).CombinedOutput()
	require.NoError(t, err, string(out))
	return filepath.Join(dir, name+".rpm")
}

// packages puts packages into the repository and lists them.
func (tp top) packages(t *testing.T, names ...string) {
	t.Helper()
	var list strings.Builder
	for _, name := range names {
		list.WriteString(filepath.Base(makeRPM(t, tp.repo.Dir, name)) + "\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(tp.repo.Dir, "pkglist"), []byte(list.String()), 0o644))
}

// externalRepo makes another repository.
func externalRepo(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		makeRPM(t, dir, name)
	}
	require.NoError(t, exec.Command("createrepo_c", dir).Run())
	return "file://" + dir
}

// content returns the names of the packages and the types of metadata in repodata.
func content(t *testing.T, repodata string) (packages, types []string) {
	t.Helper()
	var repomd struct {
		Data []struct {
			Type     string `xml:"type,attr"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"data"`
	}
	b, err := os.ReadFile(filepath.Join(repodata, "repomd.xml"))
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(b, &repomd))
	for _, d := range repomd.Data {
		types = append(types, d.Type)
		file := filepath.Join(repodata, filepath.Base(d.Location.Href))
		require.FileExists(t, file)
		if d.Type != "primary" {
			continue
		}
		f, err := os.Open(file)
		require.NoError(t, err)
		defer f.Close()
		z, err := gzip.NewReader(f)
		require.NoError(t, err)
		b, err := io.ReadAll(z)
		require.NoError(t, err)
		var primary struct {
			Packages []struct {
				Name string `xml:"name"`
			} `xml:"package"`
		}
		require.NoError(t, xml.Unmarshal(b, &primary))
		for _, p := range primary.Packages {
			packages = append(packages, p.Name)
		}
	}
	slices.Sort(packages)
	return packages, types
}

func TestMake(t *testing.T) {
	tp := newTop(t)
	tp.packages(t, "one", "two")
	makeRPM(t, tp.repo.Dir, "unlisted")
	files, err := createrepo.Make(t.Context(), tp.run, tp.repo, nil)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"createrepo_c", "--error-exit-val", "--no-database", "-o", tp.repo.OutDir(),
		"-i", tp.repo.Dir + "/pkglist", "-g", tp.repo.Comps, tp.repo.Dir}}, tp.run.calls)
	require.Contains(t, files, "repomd.xml")
	packages, types := content(t, tp.repo.Repodata())
	require.Equal(t, []string{"one", "two"}, packages)
	require.Contains(t, types, "group")
	require.NotContains(t, types, "primary_db")
	require.NotContains(t, files, "EMPTY_REPO")
	require.FileExists(t, tp.repo.Logs()[0])

	again, err := createrepo.Make(t.Context(), tp.run, tp.repo, nil)
	require.NoError(t, err, "asking again finds the result")
	require.Equal(t, files, again)
}

func TestMakeEmpty(t *testing.T) {
	tp := newTop(t)
	tp.packages(t)
	require.NoError(t, os.Remove(tp.repo.Comps))
	files, err := createrepo.Make(t.Context(), tp.run, tp.repo, nil)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"createrepo_c", "--error-exit-val", "--no-database", "-o", tp.repo.OutDir(), tp.repo.OutDir()}}, tp.run.calls)
	require.Contains(t, files, "EMPTY_REPO")
	packages, _ := content(t, tp.repo.Repodata())
	require.Empty(t, packages)
}

// Databases are for yum, where a host is told so.
func TestMakeDatabases(t *testing.T) {
	tp := newTop(t)
	tp.packages(t, "one")
	tp.repo.Databases = true
	_, err := createrepo.Make(t.Context(), tp.run, tp.repo, []createrepo.External{{URL: externalRepo(t, "ext")}})
	require.NoError(t, err)
	_, types := content(t, tp.repo.Repodata())
	require.Contains(t, types, "primary_db")
}

// A repository with an external one, then the next that begins with its metadata.
func TestMakeMergeAndUpdate(t *testing.T) {
	first := newTop(t)
	first.packages(t, "one")
	external := []createrepo.External{
		{URL: externalRepo(t, "ext", "blocked", "one"), Arches: "i386 x86_64"},
		{URL: "file:///nonexistent/$arch", Arches: "s390x"},
	}
	_, err := createrepo.Make(t.Context(), first.run, first.repo, external)
	require.NoError(t, err)
	require.Equal(t, []string{"mergerepo_c", "--no-database", "--koji", "-b", first.repo.Dir + "/blocklist", "-a", "x86_64", "-o", first.repo.OutDir(),
		"--arch-expand", "-g", first.repo.Comps, "-r", "file://" + first.repo.WorkDir + "/repo_5_premerge/", "-r", external[0].URL}, first.run.calls[1])
	packages, types := content(t, first.repo.Repodata())
	require.Equal(t, []string{"ext", "one"}, packages, "our own package wins, the blocked one is not there")
	require.Contains(t, types, "origin")

	next := newTop(t)
	next.packages(t, "one", "three")
	next.repo.OldRepodata, next.repo.SkipStat = first.repo.Repodata(), true
	_, err = createrepo.Make(t.Context(), next.run, next.repo, nil)
	require.NoError(t, err)
	require.Contains(t, next.run.calls[0], "--skip-stat")
	packages, types = content(t, next.repo.Repodata())
	require.Equal(t, []string{"one", "three"}, packages)
	require.NotContains(t, types, "origin")
}

func TestMergeModes(t *testing.T) {
	url := externalRepo(t, "ext")
	for mode, want := range map[string]string{"simple": "mergerepo_c --no-database --koji --simple -b ", "bare": "mergerepo_c --no-database --pkgorigins --all -a "} {
		t.Run(mode, func(t *testing.T) {
			tp := newTop(t)
			tp.packages(t, "one")
			_, err := createrepo.Make(t.Context(), tp.run, tp.repo, []createrepo.External{{URL: url, MergeMode: mode}})
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(strings.Join(tp.run.calls[1], " "), want))
			packages, types := content(t, tp.repo.Repodata())
			require.Equal(t, []string{"ext", "one"}, packages)
			require.Contains(t, types, "origin")
		})
	}
	tp := newTop(t)
	_, err := createrepo.Make(t.Context(), tp.run, tp.repo, []createrepo.External{{URL: url}, {URL: url, MergeMode: "bare"}})
	require.EqualError(t, err, "Found multiple merge modes for external repos: koji, bare")
}

func TestMakeFails(t *testing.T) {
	tp := newTop(t)
	require.NoError(t, os.WriteFile(filepath.Join(tp.repo.Dir, "pkglist"), []byte("missing.rpm\n"), 0o644))
	_, err := createrepo.Make(t.Context(), tp.run, tp.repo, nil)
	require.ErrorContains(t, err, "failed to create repo: createrepo_c --error-exit-val")
	require.Equal(t, koji.KindInfrastructure, koji.KindOf(err))

	require.NoError(t, os.RemoveAll(tp.repo.Dir))
	_, err = createrepo.Make(t.Context(), tp.run, tp.repo, nil)
	require.EqualError(t, err, "Repo directory missing: "+tp.repo.Dir)
	require.NoError(t, os.RemoveAll(tp.repo.ReposDir))
	_, err = createrepo.Make(t.Context(), tp.run, tp.repo, nil)
	require.ErrorIs(t, err, createrepo.ErrNoAccess)
}
