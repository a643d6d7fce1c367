package scheduler

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
)

// round is what one placement sees, changed from its defaults by a test.
type round struct {
	hosts  []store.BuildHost
	tasks  []store.WaitingTask
	owners []store.OwnerLoad
}

const (
	defaultChannel = 1
	imageChannel   = 2
)

// host is ready and idle, for x86_64, of capacity 4, in the default channel.
func host(id int64, change ...func(*store.BuildHost)) store.BuildHost {
	h := store.BuildHost{ID: id, Name: fmt.Sprintf("h%d", id), Arches: "x86_64 i686", Capacity: 4, Ready: true, Channels: []int64{defaultChannel}}
	for _, c := range change {
		c(&h)
	}
	return h
}

// work is a task of alice's of weight 1 for any arch in the default channel.
func work(id int64, change ...func(*store.WaitingTask)) store.WaitingTask {
	t := store.WaitingTask{ID: id, Method: "buildArch", ChannelID: defaultChannel, Channel: "default", Arch: "noarch", OwnerID: 1, Priority: 20, Weight: 1}
	for _, c := range change {
		c(&t)
	}
	return t
}

func hostList(list ...store.BuildHost) []store.BuildHost     { return list }
func taskList(list ...store.WaitingTask) []store.WaitingTask { return list }
func weight(w float64) func(*store.WaitingTask)              { return func(t *store.WaitingTask) { t.Weight = w } }
func arch(a string) func(*store.WaitingTask)                 { return func(t *store.WaitingTask) { t.Arch = a } }
func priority(p int) func(*store.WaitingTask)                { return func(t *store.WaitingTask) { t.Priority = p } }
func owner(id int64) func(*store.WaitingTask)                { return func(t *store.WaitingTask) { t.OwnerID = id } }
func refusedBy(hosts ...int64) func(*store.WaitingTask) {
	return func(t *store.WaitingTask) { t.Refused = hosts }
}
func failedOn(hosts ...int64) func(*store.WaitingTask) {
	return func(t *store.WaitingTask) { t.Failed = hosts }
}
func waits(code, reason string) func(*store.WaitingTask) {
	return func(t *store.WaitingTask) { t.WaitCode, t.Reason = code, reason }
}
func load(load float64, tasks int) func(*store.BuildHost) {
	return func(h *store.BuildHost) { h.Load, h.Tasks = load, tasks }
}
func capacity(c float64) func(*store.BuildHost) { return func(h *store.BuildHost) { h.Capacity = c } }
func arches(a string) func(*store.BuildHost)    { return func(h *store.BuildHost) { h.Arches = a } }
func channels(ids ...int64) func(*store.BuildHost) {
	return func(h *store.BuildHost) { h.Channels = ids }
}
func maxJobs(n int) func(*store.BuildHost) { return func(h *store.BuildHost) { h.MaxJobs = n } }
func notReady(h *store.BuildHost)          { h.Ready = false }
func quarantined(h *store.BuildHost)       { h.Quarantined = true }
func restart(t *store.WaitingTask)         { t.Method, t.ChannelID, t.Arch = "restart", imageChannel, "sparc" }

func TestPlace(t *testing.T) {
	many := func(n int64, change ...func(*store.WaitingTask)) (list []store.WaitingTask) {
		for id := int64(1); id <= n; id++ {
			list = append(list, work(id, change...))
		}
		return list
	}
	for _, c := range []struct {
		name string
		round
		want  string // "task:host ..." in the order of the decisions
		waits map[int64]string
	}{
		{"the idle host", round{
			hosts: hostList(host(1, load(1, 1)), host(2)), tasks: taskList(work(1)),
		}, "1:2", nil},
		{"the larger host, if both have something to do", round{
			hosts: hostList(host(1, load(1, 1)), host(2, load(1, 1), capacity(8))), tasks: taskList(work(1)),
		}, "1:2", nil},
		{"spread over hosts", round{
			hosts: hostList(host(1), host(2)), tasks: many(4),
		}, "1:1 2:2 3:1 4:2", nil},
		{"light tasks spread by number", round{
			hosts: hostList(host(1), host(2)), tasks: many(4, weight(0)),
		}, "1:1 2:2 3:1 4:2", nil},
		{"until hosts are full", round{
			hosts: hostList(host(1)), tasks: many(5),
		}, "1:1 2:1 3:1 4:1", map[int64]string{5: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"a heavy task may go beyond the capacity", round{
			hosts: hostList(host(1, load(3.5, 2))), tasks: taskList(work(1, weight(5.4))),
		}, "1:1", nil},
		{"but not by more than the overcommit", round{
			hosts: hostList(host(1, load(3.5, 2))), tasks: taskList(work(1, weight(5.5))),
		}, "", map[int64]string{1: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"nor on a full host", round{
			hosts: hostList(host(1, load(4, 2))), tasks: taskList(work(1, weight(0.1))),
		}, "", map[int64]string{1: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"a light task passes a heavy one", round{
			hosts: hostList(host(1, load(3.5, 2))), tasks: taskList(work(1, weight(6)), work(2, weight(0.25))),
		}, "2:1", map[int64]string{1: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"no more tasks than the host wants", round{
			hosts: hostList(host(1, load(0, 2), maxJobs(3))), tasks: many(2, weight(0)),
		}, "1:1", map[int64]string{2: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"nor than the hub allows", round{
			hosts: hostList(host(1, load(0, 15))), tasks: many(1, weight(0)),
		}, "", map[int64]string{1: "no-capacity: 1 host busy; waiting for capacity in channel default"}},

		{"by arch", round{
			hosts: hostList(host(1), host(2, arches("aarch64"))), tasks: taskList(work(1, arch("aarch64")), work(2, arch("i686"))),
		}, "1:2 2:1", nil},
		{"whole words", round{
			hosts: hostList(host(1, arches("ppc64le"))), tasks: taskList(work(1, arch("ppc64"))),
		}, "", map[int64]string{1: "no-arch: no enabled host in channel default builds for ppc64"}},
		{"by channel", round{
			hosts: hostList(host(1), host(2, channels(imageChannel))),
			tasks: taskList(work(1, func(t *store.WaitingTask) { t.ChannelID, t.Channel = imageChannel, "image" })),
		}, "1:2", nil},
		{"nobody in the channel", round{
			hosts: hostList(host(1, channels(imageChannel))), tasks: taskList(work(1)),
		}, "", map[int64]string{1: "no-channel: no enabled host is in channel default"}},
		{"no host at all", round{tasks: taskList(work(1))}, "", map[int64]string{1: "no-channel: no enabled host is in channel default"}},
		{"not ready", round{
			hosts: hostList(host(1, notReady), host(2, quarantined), host(3, arches("aarch64"))), tasks: taskList(work(1, arch("x86_64"))),
		}, "", map[int64]string{1: "no-ready-host: none of 2 hosts in channel default for x86_64 is ready (1 in quarantine after trouble in a row; enable-host ends that)"}},
		{"only the ready one", round{
			hosts: hostList(host(1, notReady), host(2, quarantined), host(3, load(3, 3))), tasks: taskList(work(1)),
		}, "1:3", nil},
		{"refused", round{
			hosts: hostList(host(1), host(2)), tasks: taskList(work(1, refusedBy(1)), work(2, refusedBy(2, 1))),
		}, "1:2", map[int64]string{2: "refused: refused by 2 hosts"}},
		{"another host after trouble", round{
			hosts: hostList(host(1), host(2, load(3, 3)), host(3)), tasks: taskList(work(1, failedOn(1, 1, 3))),
		}, "1:2", nil},
		{"the same host after trouble if there is no other", round{
			hosts: hostList(host(1), host(2, notReady)), tasks: taskList(work(1, failedOn(1))),
		}, "1:1", nil},
		{"a task about the host itself goes by neither", round{
			hosts: hostList(host(1, load(3, 3)), host(2)), tasks: taskList(work(1, restart, refusedBy(2))),
		}, "1:1", nil},

		{"by priority", round{
			hosts: hostList(host(1)), tasks: taskList(work(1, priority(20), weight(2)), work(2, priority(5), weight(2)), work(3, priority(10), weight(2))),
		}, "2:1 3:1", map[int64]string{1: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"in turn between owners", round{
			hosts: hostList(host(1)),
			tasks: taskList(work(1), work(2), work(3), work(4), work(5, owner(2)), work(6, owner(2))),
		}, "1:1 5:1 2:1 6:1", map[int64]string{3: "no-capacity: 1 host busy; waiting for capacity in channel default", 4: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"who has hosts already comes later", round{
			hosts: hostList(host(1, load(2, 2))), owners: []store.OwnerLoad{{OwnerID: 1, Weight: 2}},
			tasks: taskList(work(1), work(2, owner(2)), work(3, owner(2))),
		}, "2:1 3:1", map[int64]string{1: "no-capacity: 1 host busy; waiting for capacity in channel default"}},
		{"priority comes before fairness", round{
			hosts: hostList(host(1)), owners: []store.OwnerLoad{{OwnerID: 1, Weight: 9}},
			tasks: taskList(work(1, owner(2)), work(2, priority(19))),
		}, "2:1 1:1", nil},

		{"a reason that is known is not told again", round{
			tasks: taskList(work(1, waits("no-channel", "no enabled host is in channel default")), work(2, waits("no-channel", "other words"))),
		}, "", map[int64]string{2: "no-channel: no enabled host is in channel default"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := New(nil, nil, Options{}).opts
			assigned, waits := newPlacement(opts, map[string]bool{"restart": true}, c.hosts, c.owners).place(c.tasks)
			got := ""
			for i, a := range assigned {
				if i > 0 {
					got += " "
				}
				got += fmt.Sprintf("%d:%d", a.TaskID, a.HostID)
			}
			require.Equal(t, c.want, got)
			reasons := map[int64]string{}
			for _, w := range waits {
				reasons[w.TaskID] = w.Code + ": " + w.Reason
			}
			if c.waits == nil {
				c.waits = map[int64]string{}
			}
			require.Equal(t, c.waits, reasons)
		})
	}
}

// A round must stay short when a mass rebuild waits.
func BenchmarkPlace(b *testing.B) {
	var r round
	for id := range int64(200) {
		r.hosts = append(r.hosts, host(id+1, load(float64(id%5), int(id%7))))
	}
	for id := range int64(2000) {
		r.tasks = append(r.tasks, work(id+1, owner(id%20), arch([]string{"noarch", "x86_64", "aarch64"}[id%3])))
	}
	opts := New(nil, nil, Options{}).opts
	for b.Loop() {
		hosts := append([]store.BuildHost(nil), r.hosts...)
		newPlacement(opts, nil, hosts, r.owners).place(r.tasks)
	}
}
