package buildroot

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// runConfig runs a configuration as mock does and returns config_opts.
func runConfig(t *testing.T, config string) map[string]any {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "root.cfg")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
	cmd := exec.Command(python, "-c", `
import json, sys
config_opts = {"plugin_conf": {"bind_mount_opts": {"dirs": []}}, "macros": {}, "environment": {}, "files": {}}
exec(open(sys.argv[1], encoding="utf-8").read())
print(json.dumps(config_opts))`, file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, config)
	var opts map[string]any
	require.NoError(t, json.Unmarshal(out, &opts))
	return opts
}

func TestMockConfig(t *testing.T) {
	root := Root{Tag: "f40-build", ID: 12, RepoID: 34, BaseDir: "/var/lib/mock", WorkDir: "/w", Arch: "armhfp", TargetArch: "armv7hl",
		Repos: []string{"http://hub/repos/f40-build/34/armhfp", "http://other/repo"}, Vendor: "Toji", Network: false,
		Extra: map[string]any{
			"rpm.macro.dist": ".f40", "rpm.macro._topdir": "/evil", "rpm.macro.vendor": "Tag's", "rpm.env.GOFLAGS": "-mod=vendor", "rpm.macro.n": float64(3), "rpm.macro.b": true,
			"mock.package_manager": "dnf5", "mock.yum.best": float64(1), "mock.yum.module_hotfixes": true, "mock.use_bootstrap": float64(0),
			"mock.module_setup_commands": []any{[]any{"enable", "perl:5.30"}}, "mock.releasever": "40", "mock.bootstrap_image": "registry/f40",
		}}
	config, err := mockConfig(root)
	require.NoError(t, err)
	require.Contains(t, config, "# Koji buildroot id: 12\n# Koji buildroot name: f40-build-12-34\n# Koji repo id: 34\n# Koji tag: f40-build\n")
	opts := runConfig(t, config)
	yum := opts["yum.conf"].(string)
	delete(opts, "yum.conf")
	require.Equal(t, map[string]any{
		"root": "f40-build-12-34", "basedir": "/var/lib/mock", "target_arch": "armv7hl", "chroothome": "/builddir",
		"chroot_setup_cmd": "install @build", "rpmbuild_networking": false, "use_host_resolv": false,
		"rpmbuild_timeout": float64(86400), "dnf_warning": false, "use_bootstrap_image": false, "use_bootstrap": false,
		"package_manager": "dnf5", "module_setup_commands": []any{[]any{"enable", "perl:5.30"}}, "releasever": "40",
		"plugin_conf": map[string]any{"bind_mount_opts": map[string]any{"dirs": []any{}},
			"ccache_enable": false, "yum_cache_enable": false, "root_cache_enable": false},
		"macros": map[string]any{"%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", "%vendor": "Tag's", "%packager": "Koji",
			"%distribution": "Unknown", "%dist": ".f40", "%n": "3", "%b": "True",
			"%_topdir": "/builddir/build", "%_host_cpu": "armv7hl", "%_host": "armv7hl-koji-linux-gnu"},
		"environment": map[string]any{"GOFLAGS": "-mod=vendor"},
		"files":       map[string]any{},
	}, opts)
	require.Equal(t, 2, strings.Count(yum, "\nbaseurl="), "one section each")
	require.Equal(t, 2, strings.Count(yum, "\nmodule_hotfixes=1\nbest=1\n"))
}

func TestMockConfigForSRPMs(t *testing.T) {
	config, err := mockConfig(Root{Tag: "t", BaseDir: "/b", WorkDir: "/w", Arch: "x86_64", Repos: []string{"file:///r"}, Group: "srpm-build", Network: true,
		Binds: map[string]string{"/etc/it's": "/credentials"}, BootstrapImage: true, Proxy: "http://proxy\n[evil]",
		Extra: map[string]any{"mock.bootstrap_image": "registry/f40", "mock.forcearch": "yes",
			"mock.plugin_conf.sign_enable": true, "mock.plugin_conf.sign_opts.cmd": "sign", "mock.plugin_conf.sign_opts.opts": "%(rpms)s"}})
	require.NoError(t, err)
	opts := runConfig(t, config)
	require.Equal(t, true, opts["rpmbuild_networking"])
	require.Equal(t, true, opts["use_host_resolv"])
	require.Equal(t, "install @srpm-build", opts["chroot_setup_cmd"])
	require.Equal(t, true, opts["use_bootstrap_image"])
	require.Equal(t, "registry/f40", opts["bootstrap_image"])
	require.Equal(t, "x86_64", opts["forcearch"])
	plugins := opts["plugin_conf"].(map[string]any)
	require.Equal(t, []any{[]any{"/etc/it's", "/credentials"}}, plugins["bind_mount_opts"].(map[string]any)["dirs"])
	require.Equal(t, map[string]any{"cmd": "sign", "opts": "%(rpms)s"}, plugins["sign_opts"])
	require.Contains(t, opts["yum.conf"], "\nproxy=http://proxy [evil]\n")
	require.NotEmpty(t, opts["files"].(map[string]any)["etc/hosts"])

	_, err = mockConfig(Root{Tag: "t", Extra: map[string]any{"mock.plugin_conf.sign_enable": true}})
	require.EqualError(t, err, "Tag is not configured properly for mock's sign plugin'")
}

// Whatever a tag's extra data say, they stay data.
func TestPythonLiterals(t *testing.T) {
	values := []any{"", "plain", "it's", `"quoted"`, `back\slash`, `'; import os; os.abort() #`, "two\nlines\r\t", "nul\x00 esc\x1b del\x7f",
		"é 日本 \u2028 \u0085 🎉", "{{ 1 }}", nil, true, false, float64(1), 1.5, json.Number("12"), []any{"a", nil, true}, map[string]any{"k'": []any{}}}
	var config strings.Builder
	config.WriteString("config_opts['v'] = []\n")
	for _, v := range values {
		config.WriteString("config_opts['v'].append(" + pyLiteral(v) + ")\n")
	}
	values[15] = float64(12)
	require.Equal(t, values, runConfig(t, config.String())["v"])
}
