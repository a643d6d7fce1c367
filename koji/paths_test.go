package koji

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPathInfo(t *testing.T) {
	p := PathInfo{TopDir: "/mnt/koji"}
	n := NVR{Name: "foo", Version: "1.0", Release: "1"}
	rpm := NVRA{NVR: NVR{Name: "foo-devel", Version: "1.0", Release: "1"}, Arch: "x86_64"}
	for want, got := range map[string]string{
		"/mnt/koji/packages/foo/1.0/1":                                 p.Build("DEFAULT", n),
		"/mnt/koji/vol/slow/packages/foo/1.0/1":                        p.Build("slow", n),
		"/mnt/koji/packages/foo/1.0/1/data/logs":                       p.BuildLogs("", n),
		"/mnt/koji/packages/foo/1.0/1/maven":                           p.TypeDir("", n, "maven"),
		"/mnt/koji/packages/foo/1.0/1/images":                          p.TypeDir("", n, "image"),
		"/mnt/koji/packages/foo/1.0/1/files/debug":                     p.TypeDir("", n, "debug"),
		"x86_64/foo-devel-1.0-1.x86_64.rpm":                            p.RPM(rpm),
		"data/signed/abcd1234/x86_64/foo-devel-1.0-1.x86_64.rpm":       p.Signed(rpm, "abcd1234"),
		"data/sigcache/abcd1234/x86_64/foo-devel-1.0-1.x86_64.rpm.sig": p.SigHeader(rpm, "abcd1234"),
		"/mnt/koji/repos/f40-build/12":                                 p.Repo("f40-build", 12),
		"/mnt/koji/repos/f40-build/cache":                              p.RepoCache("f40-build"),
		"/mnt/koji/repos-dist/f40/12":                                  p.DistRepo("", "f40", 12),
		"/mnt/koji/vol/slow/repos-dist/f40/12":                         p.DistRepo("slow", "f40", 12),
		"tasks/2345/12345":                                             p.TaskRel(12345),
		"/mnt/koji/work/tasks/7/7":                                     p.Task("", 7),
		"/mnt/koji/vol/slow/work/tasks/0/10000":                        p.Task("slow", 10000),
		"/mnt/koji/scratch":                                            p.Scratch(),
		"org/example/app/1.2":                                          p.MavenRepo("org.example", "app", "1.2"),
	} {
		require.Equal(t, want, got)
	}
}

func TestUnder(t *testing.T) {
	for in, want := range map[string]string{
		"a": "/top/a", "a/b.c": "/top/a/b.c", "./a//b/": "/top/a/b", "..a/b..": "/top/..a/b..", ".": "/top",
	} {
		got, err := Under("/top", in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, in := range []string{"", "/etc/passwd", "..", "../x", "a/../b", "a/..", "a\x00b"} {
		_, err := Under("/top", in)
		require.ErrorContains(t, err, "invalid path: ", "%q", in)
	}
}
