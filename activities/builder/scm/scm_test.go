package scm_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	builderscm "github.com/toji-build/toji/activities/builder/scm"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/scm"
	"github.com/toji-build/toji/workers/step"
)

// TestMain makes the test binary its own shim.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "run-step" {
		os.Exit(step.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// repos makes two repositories: hello, with a branch and a module, and common.
// It returns their folder and the commits of hello's branches.
func repos(t *testing.T) (dir string, commits map[string]string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Setenv("HOME", t.TempDir())
	dir = t.TempDir()
	out, err := exec.Command("sh", "-ec", `
cd "$1"
git config --global user.name test
git config --global user.email test@example.com
git config --global init.defaultBranch main
git init -q common && cd common && echo all: >Makefile.common && git add . && git commit -qm common && cd ..
git init -q work && cd work
echo Name: hello >hello.spec && mkdir -p sub/pkg && echo Name: pkg >sub/pkg/pkg.spec && ln -s /etc evil
git add . && git commit -qm one
git checkout -qb f40 && echo f40 >f40 && git add . && git commit -qm two && git checkout -q main
git clone -q --bare . ../hello.git && mv ../common ../c && git clone -q --bare ../c ../common.git`, "sh", dir).CombinedOutput()
	require.NoError(t, err, string(out))
	commits = map[string]string{}
	for _, branch := range []string{"main", "f40"} {
		out, err := exec.Command("git", "-C", filepath.Join(dir, "hello.git"), "rev-parse", branch).Output()
		require.NoError(t, err)
		commits[branch] = strings.TrimSpace(string(out))
	}
	return dir, commits
}

func checkout(t *testing.T, url string) (builderscm.Checkout, step.Runner) {
	t.Helper()
	s, err := scm.Parse(url)
	require.NoError(t, err)
	dir := t.TempDir()
	return builderscm.Checkout{SCM: s, Dir: filepath.Join(dir, "scmroot"), Log: filepath.Join(dir, "checkout.log")}, step.Runner{Dir: filepath.Join(dir, "steps")}
}

func TestRun(t *testing.T) {
	dir, commits := repos(t)
	base := "git+file://" + dir + "/hello.git"
	tests := []struct {
		name, url, dir, commit string
	}{
		{"branch", base + "#f40", "hello", "f40"},
		{"branch by its old name", base + "#origin/f40", "hello", "f40"},
		{"commit", base + "#" + commits["f40"], "hello", "f40"},
		{"short commit", base + "#" + commits["main"][:10], "hello", "main"},
		{"module", base + "?sub/pkg#main", "hello/sub/pkg", "main"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, runner := checkout(t, tt.url)
			got, err := builderscm.Run(t.Context(), runner, c)
			require.NoError(t, err)
			require.Equal(t, filepath.Join(c.Dir, tt.dir), got.Dir)
			before, _, _ := strings.Cut(tt.url, "#")
			require.Equal(t, before+"#"+commits[tt.commit], got.Source)
			_, err = builderscm.FindSpec(got.Dir, false)
			require.NoError(t, err)
			log, err := os.ReadFile(c.Log)
			require.NoError(t, err)
			require.Contains(t, string(log), "$ git clone -n file://"+dir+"/hello.git "+c.Dir+"/hello\n")

			again, err := builderscm.Run(t.Context(), runner, c)
			require.NoError(t, err, "asking again finds the result")
			require.Equal(t, got, again)
		})
	}
}

func TestRunCommonAndOwner(t *testing.T) {
	dir, _ := repos(t)
	c, runner := checkout(t, "git+file://"+dir+"/hello.git?sub/pkg#main")
	c.Allow.UseCommon = true
	if os.Getuid() == 0 {
		c.Owner = &step.User{UID: 1000, GID: 1000}
	}
	got, err := builderscm.Run(t.Context(), runner, c)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(got.Dir, "../common/Makefile.common"))
	link, err := os.Readlink(filepath.Join(got.Dir, "../common"))
	require.NoError(t, err)
	require.Equal(t, "../../common", link)
	if c.Owner != nil {
		for _, f := range []string{"hello/evil", "hello/.git/config", "common", "hello/sub/common"} {
			info, err := os.Lstat(filepath.Join(c.Dir, f))
			require.NoError(t, err)
			require.EqualValues(t, 1000, info.Sys().(*syscall.Stat_t).Uid, f)
		}
		info, err := os.Stat("/etc")
		require.NoError(t, err)
		require.EqualValues(t, 0, info.Sys().(*syscall.Stat_t).Uid, "where a link of the checkout leads")
	}
}

func TestRunFails(t *testing.T) {
	dir, _ := repos(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	tests := []struct {
		name, url, message string
		kind               koji.Kind
	}{
		{"no repository", "git+file://" + dir + "/none.git#main", `Error running GIT command "git clone -n file://`, koji.KindPackage},
		{"no revision", "git+file://" + dir + "/hello.git#none", `Error running GIT command "git reset --hard none --", see checkout.log for details`, koji.KindPackage},
		{"no module", "git+file://" + dir + "/hello.git?none#main", "no folder none in the repository", koji.KindPackage},
		{"module is a link", "git+file://" + dir + "/hello.git?evil#main", "the sources are not in the repository: evil is a link", koji.KindPackage},
		{"no server", "git+http://" + closed.Addr().String() + "/hello.git#main", `Error running GIT command "git clone -n http://`, koji.KindPackage},
		{"not git", "svn://host/repo#1", "cannot build from svn://host/repo#1", koji.KindPackage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, runner := checkout(t, tt.url)
			_, err := builderscm.Run(t.Context(), runner, c)
			require.ErrorContains(t, err, tt.message)
			require.Equal(t, koji.FaultBuild, koji.FaultOf(err))
			require.Equal(t, tt.kind, koji.KindOf(err))
		})
	}
}

func TestPasswordStaysOutOfTheLog(t *testing.T) {
	repos(t)
	c, runner := checkout(t, "git+http://127.0.0.1:1/hello.git#main")
	var err error
	c.SCM, err = scm.ParseWithPassword("git+http://me:s3cret@127.0.0.1:1/hello.git#main")
	require.NoError(t, err)
	_, err = builderscm.Run(t.Context(), runner, c)
	require.ErrorContains(t, err, "git clone -n http://me:***@127.0.0.1:1/hello.git")
	log, err := os.ReadFile(c.Log)
	require.NoError(t, err)
	require.NotContains(t, string(log), "s3cret")
}

func TestFindSpec(t *testing.T) {
	tests := []struct {
		name   string
		files  []string
		layout bool
		want   string
		err    string
	}{
		{"one", []string{"any.spec", "README"}, false, "any.spec", ""},
		{"by name", []string{"a.spec", "pkg.spec"}, false, "pkg.spec", ""},
		{"none", []string{"README"}, true, "", "No spec file found"},
		{"several", []string{"a.spec", "b.spec"}, false, "", "Multiple spec files found but none is matching SCM checkout dir name"},
		{"rpm's layout", []string{"SPECS/x.spec"}, true, "SPECS/x.spec", ""},
		{"rpm's layout is off", []string{"SPECS/x.spec"}, false, "", "No spec file found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "pkg")
			for _, f := range tt.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, f), nil, 0o644))
			}
			require.NoError(t, os.Symlink("/etc/shadow", filepath.Join(dir, "evil.spec")))
			got, err := builderscm.FindSpec(dir, tt.layout)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.Equal(t, koji.FaultBuild, koji.FaultOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, filepath.Join(dir, tt.want), got)
		})
	}
}

func TestSourcesDir(t *testing.T) {
	dir := t.TempDir()
	require.Equal(t, dir, builderscm.SourcesDir(dir, true))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "SOURCES"), 0o755))
	require.Equal(t, filepath.Join(dir, "SOURCES"), builderscm.SourcesDir(dir, true))
	require.Equal(t, dir, builderscm.SourcesDir(dir, false))
}

func TestCheckSpec(t *testing.T) {
	for text, want := range map[string]string{
		"Name: x\nVendor: me\n":  "",
		"Vendor: me\nName: x\n":  "Vendor is not allowed to be set in spec file",
		"%define packager me\n":  "packager is not allowed to be defined in spec file",
		"%define packagers me\n": "",
	} {
		file := filepath.Join(t.TempDir(), "x.spec")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		err := builderscm.CheckSpec(file)
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.EqualError(t, err, want)
		}
	}
}
