package buildroot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

func TestJudge(t *testing.T) {
	recorded := func(name string) map[string]string {
		logs := map[string]string{}
		for _, log := range []string{"state.log", "build.log", "root.log"} {
			b, err := os.ReadFile(filepath.Join("testdata/mock", name, log))
			require.NoError(t, err)
			logs[log] = string(b)
		}
		return logs
	}
	const inSetup = "Mock Version: 6\n- Start: build phase for x.src.rpm\n- Start: build setup for x.src.rpm\n"
	tests := []struct {
		name string
		exit step.Exit
		logs map[string]string
		kind koji.Kind
		log  string
	}{
		{"%build fails", step.Exit{Code: 1}, recorded("fail-build"), koji.KindPackage, "build.log"},
		{"unknown dependency", step.Exit{Code: 30}, recorded("bad-br"), koji.KindPackage, "root.log"},
		{"rpmbuild -bs fails", step.Exit{Code: 1}, map[string]string{"state.log": inSetup, "build.log": "Child return code was: 1\n"}, koji.KindPackage, "build.log"},
		{"setup fails", step.Exit{Code: 1}, map[string]string{"state.log": inSetup}, koji.KindPackage, "build.log or root.log"},
		{"no build at all", step.Exit{Code: 1}, nil, koji.KindInfrastructure, "build.log or root.log"},
		{"build of an earlier run", step.Exit{Code: 1}, map[string]string{"state.log": "Mock Version: 6\n- Start: rpmbuild x\nMock Version: 6\n"}, koji.KindInfrastructure, "build.log or root.log"},
		{"%generate_buildrequires", step.Exit{Code: 10}, nil, koji.KindPackage, "build.log"},
		{"timeout", step.Exit{Code: 11}, nil, koji.KindPackage, "root.log"},
		{"bad source package", step.Exit{Code: 40}, nil, koji.KindPackage, "root.log"},
		{"repository out of reach", step.Exit{Code: 30}, map[string]string{"root.log": "Error: Failed to download metadata for repo 'build'"}, koji.KindInfrastructure, "root.log"},
		{"no network in %build is its own fault", step.Exit{Code: 10}, map[string]string{"root.log": "Curl error"}, koji.KindPackage, "build.log"},
		{"disk full while building", step.Exit{Code: 1}, map[string]string{"build.log": "ld: No space left on device"}, koji.KindInfrastructure, "build.log"},
		{"disk full while installing", step.Exit{Code: 30}, map[string]string{"root.log": "At least 5MB more space needed on the / filesystem.\nneeds 5MB more space on the / filesystem"}, koji.KindInfrastructure, "root.log"},
		{"config", step.Exit{Code: 3}, nil, koji.KindInfrastructure, "root.log"},
		{"root locked", step.Exit{Code: 60}, recorded("fail-build"), koji.KindInfrastructure, "root.log"},
		{"result folder", step.Exit{Code: 70}, nil, koji.KindInfrastructure, "root.log"},
		{"mock was terminated", step.Exit{Code: 143}, nil, koji.KindInfrastructure, "root.log"},
		{"mock was killed", step.Exit{Code: -1, Signal: 9}, recorded("fail-build"), koji.KindInfrastructure, "root.log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.logs {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
			}
			kind, log := judge(tt.exit, dir)
			require.Equal(t, tt.kind, kind)
			require.Equal(t, tt.log, log)
		})
	}
	err := failed(koji.FaultBuild, "error building srpm", "mock", step.Exit{Code: -1, Signal: 9}, t.TempDir())
	require.EqualError(t, err, "error building srpm, mock was killed by signal 9; see root.log for more information")
}
