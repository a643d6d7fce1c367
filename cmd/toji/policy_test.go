package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/cli"
)

func TestPolicyCheck(t *testing.T) {
	const rest = `By Koji's default: build_from_repo_id, build_from_scm, build_from_srpm, build_rpm, cg_import, channel, draft_promotion, package_list, priority, vm, volume
Without a policy, and allowed if missing_policy_ok is set: dist_repo, scm, sidetag
`
	for _, c := range []struct {
		name, file, text string
		bad              bool
		want             string
	}{
		{"TOML", "toji.toml", "[policy]\ntag = '''\nuser x :: allow\n'''\n", false,
			"toji.toml:3: policy tag: warning: no rule for everything else, such as \"all :: ...\": where none applies, it is denied\n1 policies read: tag\n" + rest},
		{"hub.conf", "hub.conf", "[policy]\ntag =\n    all :: alow\n", true,
			"hub.conf:3: policy tag: error: the action \"alow\" is none of allow, deny\n1 policies read: tag\n" + rest},
		{"syntax", "toji.toml", "[policy]\ntag = 'all = x'\n", true,
			"toji.toml:2: policy tag:1: neither :: nor !! in \"all = x\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile(c.file, []byte(c.text), 0o600))
			var out bytes.Buffer
			err := checkPolicies(&out, c.file)
			require.Equal(t, c.want, out.String())
			if c.bad {
				require.ErrorIs(t, err, errBadPolicies)
				return
			}
			require.NoError(t, err)
		})
	}
	require.Error(t, checkPolicies(&bytes.Buffer{}, filepath.Join(t.TempDir(), "none.conf")))
}

func TestHubConfigImport(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("hub.conf", []byte("[hub]\nLockOut = yes\nRunInterval = 5\n"), 0o600))
	var out, errs bytes.Buffer
	exit := cli.Run(t.Context(), cli.Env{Args: []string{"hub", "config", "import", "hub.conf"}, Stdout: &out, Stderr: &errs, Roles: roles()})
	require.Zero(t, exit, errs.String())
	require.Equal(t, "# From Koji's hub.conf. Keys that are not here have their defaults.\n\n[hub]\nlockout = true\n", out.String())
	require.Contains(t, errs.String(), "hub.conf:3: RunInterval: has no meaning for Toji")
}
