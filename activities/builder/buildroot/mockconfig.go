package buildroot

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
)

// mockConfig returns mock's configuration file for a root: a Python program
// that fills config_opts. Only literals of ours get into it.
func mockConfig(r Root) (string, error) {
	plugins, err := mockPlugins(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by toji\n\n# Koji buildroot id: %d\n# Koji buildroot name: %s\n# Koji repo id: %d\n# Koji tag: %s\n\n",
		r.ID, oneLine(r.Name()), r.RepoID, oneLine(r.Tag))
	writeOpts(&b, "config_opts", mockOpts(r))
	writeOpts(&b, "config_opts['plugin_conf']", plugins)
	for _, outside := range slices.Sorted(maps.Keys(r.Binds)) {
		fmt.Fprintf(&b, "config_opts['plugin_conf']['bind_mount_opts']['dirs'].append((%s, %s))\n",
			pyString(outside), pyString(r.Binds[outside]))
	}
	for _, dir := range r.Mounts {
		fmt.Fprintf(&b, "config_opts['plugin_conf']['bind_mount_opts']['dirs'].append((%s, %s))\n", pyString(dir), pyString(dir))
	}
	writeOpts(&b, "config_opts['macros']", asAny(r.macros()))
	writeOpts(&b, "config_opts['environment']", asAny(r.env()))
	if r.Network {
		if hosts, err := os.ReadFile("/etc/hosts"); err == nil {
			writeOpts(&b, "config_opts['files']", map[string]any{"etc/hosts": string(hosts)})
		}
	}
	return b.String(), nil
}

// mockOpts returns what differs from mock's defaults.
func mockOpts(r Root) map[string]any {
	opts := map[string]any{
		"root":                r.Name(),
		"basedir":             r.BaseDir,
		"target_arch":         r.targetArch(),
		"chroothome":          "/builddir",
		"chroot_setup_cmd":    "install @" + r.group(),
		"rpmbuild_networking": r.Network,
		"use_host_resolv":     r.Network,
		"rpmbuild_timeout":    int64(r.timeout().Seconds()),
		"dnf_warning":         false,
		"use_bootstrap_image": false,
		"yum.conf":            r.dnfConf("/var/cache/yum", "/var/log/yum.log"),
	}
	if truth(r.Extra["mock.forcearch"]) {
		opts["forcearch"] = r.targetArch()
	}
	if v := r.Extra["mock.package_manager"]; truth(v) {
		opts["package_manager"] = v
	}
	if v := r.Extra["mock.bootstrap_image"]; r.BootstrapImage && truth(v) {
		opts["use_bootstrap_image"], opts["bootstrap_image"] = true, v
	}
	if v, ok := r.Extra["mock.use_bootstrap"]; ok {
		opts["use_bootstrap"] = truth(v)
	}
	for _, key := range []string{"module_setup_commands", "releasever"} {
		if v, ok := r.Extra["mock."+key]; ok {
			opts[key] = v
		}
	}
	if len(r.Binds)+len(r.Mounts) > 0 {
		// Koji: binds alone turn mock's /dev off; SRPM builds with credentials and
		// runroot, the only ones to have any here, want it.
		opts["internal_dev_setup"] = true
	}
	return opts
}

func mockPlugins(r Root) (map[string]any, error) {
	plugins := map[string]any{"ccache_enable": false, "yum_cache_enable": false, "root_cache_enable": false}
	if sign, ok := r.Extra["mock.plugin_conf.sign_enable"]; ok {
		cmd, hasCmd := r.Extra["mock.plugin_conf.sign_opts.cmd"]
		opts, hasOpts := r.Extra["mock.plugin_conf.sign_opts.opts"]
		if !hasCmd || !hasOpts {
			return nil, koji.GenericErrorf("Tag is not configured properly for mock's sign plugin'")
		}
		plugins["sign_enable"] = sign
		plugins["sign_opts"] = map[string]any{"cmd": cmd, "opts": opts}
	}
	return plugins, nil
}

func writeOpts(b *strings.Builder, dict string, opts map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(opts)) {
		fmt.Fprintf(b, "%s[%s] = %s\n", dict, pyString(key), pyLiteral(opts[key]))
	}
	if len(opts) > 0 {
		b.WriteByte('\n')
	}
}

func asAny(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
