package buildroot_test

import (
	"os"

	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// TestMain makes the test binary its own shim and native build.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "run-step":
			os.Exit(step.Main(os.Args[2:]))
		case "native-build":
			os.Exit(buildroot.NativeMain(os.Args[2:]))
		case "daemon":
			os.Exit(daemon())
		}
	}
	code := m.Run()
	os.RemoveAll(lab.dir)
	os.Exit(code)
}

func TestNativeBuild(t *testing.T) {
	tests := []struct {
		name, repo, pkg string
		rpms            []string
		message         string // of the error, "" for success
		kind            koji.Kind
		log             string // file and what it has to contain
		text            string
	}{
		{name: "noarch", repo: "tiny", pkg: "hello-noarch", rpms: []string{"hello-noarch-1.0-1.seed12.noarch.rpm"},
			log: "build.log", text: "Wrote: /builddir/build/RPMS/hello-noarch-1.0-1.seed12.noarch.rpm"},
		{name: "C", repo: "full", pkg: "hello-c", rpms: []string{"hello-c-1.0-1.seed12.x86_64.rpm",
			"hello-c-devel-1.0-1.seed12.x86_64.rpm", "hello-c-libs-1.0-1.seed12.x86_64.rpm"}, log: "installed_pkgs.log", text: "seed-gcc-12-1.seed.x86_64 "},
		{name: "subpackages", repo: "full", pkg: "multi", rpms: []string{"libmulti-2.1-3.seed12.x86_64.rpm", "multi-2.1-3.seed12.x86_64.rpm",
			"multi-doc-2.1-3.seed12.noarch.rpm", "multi-tools-2.1-3.seed12.x86_64.rpm"}, log: "hw_info.log", text: "CPU info:"},
		{name: "dynamic dependencies", repo: "full", pkg: "dyn-br", rpms: []string{"dyn-br-1.0-1.seed12.noarch.rpm"}, log: "build.log", text: "Dynamic buildrequires detected"},
		{name: "build fails", repo: "tiny", pkg: "fail-build", kind: koji.KindPackage,
			message: "error building package (arch x86_64), native build exited with status 10; see build.log for more information",
			log:     "build.log", text: "about to fail on purpose"},
		{name: "unknown dependency", repo: "tiny", pkg: "bad-br", kind: koji.KindPackage,
			message: "error building package (arch x86_64), native build exited with status 30; see root.log for more information",
			log:     "root.log", text: "no-such-package-anywhere >= 9"},
		{name: "generator of dependencies fails", repo: "full", pkg: "dyn-fail", kind: koji.KindPackage,
			message: "error building package (arch x86_64), native build exited with status 10; see build.log for more information",
			log:     "build.log", text: "(%generate_buildrequires)"},
		{name: "other arch only", repo: "tiny", pkg: "exclusive-arch", kind: koji.KindPackage,
			message: "error building package (arch x86_64), native build exited with status 10; see build.log for more information",
			log:     "build.log", text: "Architecture is not included: x86_64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuild(t, tt.repo)
			begin := time.Now()
			chroot, err := b.driver.Init(t.Context(), b.root)
			require.NoError(t, err, b.output(t))
			require.NotEmpty(t, chroot.Packages)
			inited := time.Now()
			res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: srpm(t, tt.pkg), Arch: "x86_64"}})
			t.Logf("init %v, build %v", inited.Sub(begin).Round(time.Millisecond), time.Since(inited).Round(time.Millisecond))
			require.Contains(t, b.log(t, tt.log), tt.text)
			require.NotEmpty(t, res.Packages)
			require.Subset(t, res.Logs, []string{"build.log", "hw_info.log", "root.log", "state.log"})
			require.Empty(t, res.Unexpected)
			if tt.message != "" {
				require.EqualError(t, err, tt.message, b.output(t))
				require.Equal(t, koji.FaultBuild, koji.FaultOf(err))
				require.Equal(t, tt.kind, koji.KindOf(err))
				require.Empty(t, res.RPMs)
				return
			}
			require.NoError(t, err, b.output(t))
			require.Equal(t, tt.rpms, res.RPMs)
			require.Len(t, res.SRPMs, 1)
			require.NoError(t, b.driver.Clean(t.Context(), b.root))
			require.NoDirExists(t, b.root.Dir())
		})
	}
}
