package buildroot

import (
	"fmt"
	"strings"
)

// dnfConf returns the package manager's configuration, which is mock's
// config_opts['yum.conf'] and the native driver's dnf.conf. See dnf.conf(5).
func (r Root) dnfConf(cacheDir, logFile string) string {
	var b strings.Builder
	b.WriteString("[main]\n")
	if r.Proxy != "" {
		fmt.Fprintf(&b, "proxy=%s\n", oneLine(r.Proxy))
	}
	fmt.Fprintf(&b, "cachedir=%s\ndebuglevel=1\nlogfile=%s\n", cacheDir, logFile)
	b.WriteString("reposdir=/dev/null\nretries=20\nobsoletes=1\ngpgcheck=0\nassumeyes=1\n" +
		"keepcache=1\ninstall_weak_deps=0\nstrict=1\n\n# repos\n")
	for i, url := range r.Repos {
		// One section each: several lines of one baseurl would be mirrors.
		id := "build"
		if i > 0 {
			id = fmt.Sprintf("build%d", i)
		}
		fmt.Fprintf(&b, "\n[%s]\nname=%s\nbaseurl=%s\n", id, id, url)
		if v, ok := r.Extra["mock.yum.module_hotfixes"]; ok && truth(v) {
			b.WriteString("module_hotfixes=1\n")
		}
		if best, ok := r.extraInt("mock.yum.best"); ok {
			fmt.Fprintf(&b, "best=%d\n", best)
		}
	}
	return b.String()
}

func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
