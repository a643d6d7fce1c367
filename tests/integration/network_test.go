package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// network joins this machine and a network namespace of its own by a pair of
// virtual interfaces.
type network struct {
	space string    // the namespace
	ends  [2]string // the interfaces: ours, and the one in the namespace
	ips   [2]string // their addresses
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{space: "toji-cut", ends: [2]string{"toji-hub", "toji-builder"}, ips: [2]string{"10.213.7.1", "10.213.7.2"}}
	_, err := exec.LookPath("nsenter")
	testenv.Need(t, err == nil, "the program nsenter")
	_, _ = n.ip(0, "netns", "del", n.space) // of a test that was killed
	_, err = n.ip(0, "netns", "add", n.space)
	testenv.Need(t, err == nil, "network namespaces (ip netns add)")
	t.Cleanup(func() { _, _ = n.ip(0, "netns", "del", n.space) })
	n.must(t, 0, "link", "add", n.ends[0], "type", "veth", "peer", "name", n.ends[1], "netns", n.space)
	n.must(t, 1, "link", "set", "lo", "up")
	for end := range n.ends {
		n.must(t, end, "addr", "add", n.ips[end]+"/30", "dev", n.ends[end])
		n.must(t, end, "link", "set", n.ends[end], "up")
	}
	return n
}

// ip runs a command of ip at one end.
func (n *network) ip(end int, args ...string) (string, error) {
	if end == 1 {
		args = append([]string{"-n", n.space}, args...)
	}
	out, err := exec.Command("ip", args...).CombinedOutput()
	return string(out), err
}

func (n *network) must(t *testing.T, end int, args ...string) {
	t.Helper()
	out, err := n.ip(end, args...)
	require.NoError(t, err, "ip %v: %s", args, out)
}

// cut has all packets get lost, and nobody hear of it: each end sends to a station
// that there is not.
func (n *network) cut(t *testing.T) {
	t.Helper()
	for end := range n.ends {
		n.must(t, end, "neigh", "replace", n.ips[1-end], "lladdr", "02:00:00:00:00:99", "dev", n.ends[end], "nud", "permanent")
	}
}

func (n *network) mend(t *testing.T) {
	t.Helper()
	for end := range n.ends {
		n.must(t, end, "neigh", "del", n.ips[1-end], "dev", n.ends[end])
	}
}

// enter is the command line of what runs a program in the namespace.
func (n *network) enter() []string { return []string{"nsenter", "--net=/run/netns/" + n.space} }

// shortOutage is how long the network is away in CI. An outage of a minute, after
// which Temporal has given up to wait for heartbeats, takes two:
//
//	TOJI_OUTAGE=60s go test -run TestNetworkCut ./tests/integration
const shortOutage = 12 * time.Second

// While its network is away a builder goes on with a build. When it is back the log
// catches up, and nothing was anybody's fault.
func TestNetworkCut(t *testing.T) {
	t.Parallel()
	l := start(t)
	outage := shortOutage
	if v := os.Getenv("TOJI_OUTAGE"); v != "" {
		var err error
		outage, err = time.ParseDuration(v)
		require.NoError(t, err)
	}
	n := newNetwork(t)
	hub, reach, err := l.StartHubAt(n.ips[0])
	require.NoError(t, err)
	t.Cleanup(hub.Kill)
	const name = "cut.example.org"
	host, err := l.StartBuilderBy(t.Context(), n.enter(), name, reach)
	require.NoError(t, err)
	t.Cleanup(host.Kill)
	l.awaitReady(t, name)

	b := l.tick(t, int(outage.Seconds())+5, false, name)
	n.cut(t)
	<-time.After(outage) // the passing of time is what is tested
	require.NotContains(t, l.file(t, b.log), fmt.Sprintf("tick %d of", b.ticks-3), "the network is away")
	n.mend(t)
	mended := time.Now()
	l.closed(t, b.build)
	t.Logf("the build ended %v after an outage of %v", time.Since(mended).Round(time.Second), outage)
	l.completed(t, "tick-1.0-"+b.release, "plain", 2)
	b.once(t, l, "closed")
}

// ticking is a build under way that writes to its log each second.
type ticking struct {
	build, arch int64 // tasks
	release     string
	ticks       int
	log         string // as it grows, below the top directory
}

// tick begins such a build of so many seconds, which may fail in the end, and
// returns when the hub has the first of its log.
func (l *lab) tick(t *testing.T, seconds int, fails bool, channel string) ticking {
	t.Helper()
	call(t, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "plain", PkgInfo: "tick", Owner: "admin", Force: true})
	b := ticking{release: fmt.Sprint(l.serial.Add(1)), ticks: seconds}
	text := fill(t, "tick", map[string]any{"Release": b.release, "Seconds": seconds, "Fails": fails})
	url := commit(t, filepath.Join(l.dir, "git", b.release, "tick"), "tick.spec", text)
	b.build = call(t, l, api.BuildTask, api.BuildTaskParams{Src: url, Target: "plain", Channel: channel})
	b.arch = l.child(t, b.build, "buildArch").ID
	b.log = filepath.Join("work", "tasks", fmt.Sprint(b.arch%10000), fmt.Sprint(b.arch), "build.log")
	await(t, "the first ticks in the log", func() bool {
		text, err := os.ReadFile(filepath.Join(l.Env["TOJI_TOPDIR"], b.log))
		return err == nil && strings.Contains(string(text), "tick 2 of")
	})
	return b
}

// once holds that the log is whole, and that the work was done once with the
// outcome, which is that of the package alone.
func (b ticking) once(t *testing.T, l *lab, outcome string) {
	t.Helper()
	require.Len(t, regexp.MustCompile(`(?m)^tick \d+ of `+b.release+`$`).FindAllString(l.file(t, b.log), -1), b.ticks, "each tick once")
	for _, task := range []int64{b.build, b.arch} {
		require.Equal(t, []string{outcome}, l.outcomes(t, task))
		for _, f := range l.status(t, task).Failures {
			require.Equal(t, koji.KindPackage, f.Class, f.Message)
		}
	}
}
