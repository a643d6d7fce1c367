package scheduler

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// round is what one placement sees, changed from its defaults by a test.
type round struct {
	hosts  []store.BuildHost
	tasks  []store.WaitingTask
	busy   []store.BusyTask
	limits []api.TaskLimit
	opts   Options
}

// full1 is why a task waits for h1, which is the only one.
const full1 = "no-capacity: the only host in channel default is full"

const (
	defaultChannel = 1
	imageChannel   = 2
)

// host is ready and idle, for x86_64, of capacity 4, in the default channel.
func host(id int64, change ...func(*store.BuildHost)) store.BuildHost {
	h := store.BuildHost{ID: id, Name: fmt.Sprintf("h%d", id), Arches: "x86_64 i686", Capacity: 4, Enabled: true, Ready: true, Channels: []int64{defaultChannel}}
	for _, c := range change {
		c(&h)
	}
	return h
}

// work is a task of alice's of weight 1 for any arch in the default channel.
func work(id int64, change ...func(*store.WaitingTask)) store.WaitingTask {
	t := store.WaitingTask{ID: id, Method: "buildArch", ChannelID: defaultChannel, Channel: "default", Arch: "noarch", OwnerID: 1, Owner: "alice", Priority: 20, Weight: 1}
	for _, c := range change {
		c(&t)
	}
	return t
}

var noon = koji.NewTime(time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC))

// maintenance begins in so many seconds, at noon.
func maintenance(in float64) func(*store.BuildHost) {
	return func(h *store.BuildHost) {
		h.Maintenance = store.Maintenance{StartsIn: in, Starts: noon, Ends: koji.NewTime(noon.Add(time.Hour)), Reason: "new disks"}
	}
}

// busy is a task of an owner's on h1 that ends in so many seconds.
func busy(owner int64, weight, endsIn float64) store.BusyTask {
	return store.BusyTask{HostID: 1, OwnerID: owner, ChannelID: defaultChannel, Weight: weight, EndsIn: &endsIn}
}

func takes(seconds float64) func(*store.WaitingTask) {
	return func(t *store.WaitingTask) { t.Takes = seconds }
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
func unready(h *store.BuildHost)           { h.Ready = false }
func inQuarantine(h *store.BuildHost)      { h.Quarantined, h.Until = true, &noon }
func onProbation(h *store.BuildHost)       { h.Quarantined, h.Until, h.Probe = true, &noon, true }
func off(h *store.BuildHost)               { h.Enabled = false }
func kojid(methods ...string) func(*store.BuildHost) {
	return func(h *store.BuildHost) { h.Methods = methods }
}
func serving(types ...string) func(*store.BuildHost) {
	return func(h *store.BuildHost) { h.Site, h.Serves = true, types }
}
func count(t *store.WaitingTask)   { t.Method, t.Site = "countLines", true }
func image(t *store.WaitingTask)   { t.Method, t.Foreign = "image", true }
func restart(t *store.WaitingTask) { t.Method, t.ChannelID, t.Arch = "restart", imageChannel, "sparc" }

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
		}, "1:1 2:1 3:1 4:1", map[int64]string{5: full1}},
		{"a heavy task may go beyond the capacity", round{
			hosts: hostList(host(1, load(3.5, 2))), tasks: taskList(work(1, weight(5.4))),
		}, "1:1", nil},
		{"but not by more than the overcommit", round{
			hosts: hostList(host(1, load(3.5, 2))), tasks: taskList(work(1, weight(5.5))),
		}, "", map[int64]string{1: full1}},
		{"nor on a full host", round{
			hosts: hostList(host(1, load(4, 2))), tasks: taskList(work(1, weight(0.1))),
		}, "", map[int64]string{1: full1}},
		{"a light task passes a heavy one", round{
			hosts: hostList(host(1, load(3.5, 2))), tasks: taskList(work(1, weight(6)), work(2, weight(0.25))),
		}, "2:1", map[int64]string{1: full1}},
		{"no more tasks than the host wants", round{
			hosts: hostList(host(1, load(0, 2), maxJobs(3))), tasks: many(2, weight(0)),
		}, "1:1", map[int64]string{2: full1}},
		{"nor than the hub allows", round{
			hosts: hostList(host(1, load(0, 15))), tasks: many(1, weight(0)),
		}, "", map[int64]string{1: full1}},

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
			hosts: hostList(host(1, unready), host(2, inQuarantine), host(3, arches("aarch64"))), tasks: taskList(work(1, arch("x86_64"))),
		}, "", map[int64]string{1: "no-ready-host: none of 2 hosts for x86_64 in channel default is ready (1 in quarantine until 2026-11-23 12:00 UTC)"}},
		{"only the ready one", round{
			hosts: hostList(host(1, unready), host(2, inQuarantine), host(3, load(3, 3))), tasks: taskList(work(1)),
		}, "1:3", nil},
		{"refused", round{
			hosts: hostList(host(1), host(2)), tasks: taskList(work(1, refusedBy(1)), work(2, refusedBy(2, 1))),
		}, "1:2", map[int64]string{2: "refused: refused by h1, h2"}},
		{"another host after trouble", round{
			hosts: hostList(host(1), host(2, load(3, 3)), host(3)), tasks: taskList(work(1, failedOn(1, 1, 3))),
		}, "1:2", nil},
		{"the same host after trouble if there is no other", round{
			hosts: hostList(host(1), host(2, unready)), tasks: taskList(work(1, failedOn(1))),
		}, "1:1", nil},
		{"a task about the host itself goes by neither", round{
			hosts: hostList(host(1, load(3, 3)), host(2)), tasks: taskList(work(1, restart, refusedBy(2))),
		}, "1:1", nil},

		{"by priority", round{
			hosts: hostList(host(1)), tasks: taskList(work(1, priority(20), weight(2)), work(2, priority(5), weight(2)), work(3, priority(10), weight(2))),
		}, "2:1 3:1", map[int64]string{1: full1}},
		{"in turn between owners", round{
			hosts: hostList(host(1)),
			tasks: taskList(work(1), work(2), work(3), work(4), work(5, owner(2)), work(6, owner(2))),
		}, "1:1 5:1 2:1 6:1", map[int64]string{3: full1, 4: full1}},
		{"who has hosts already comes later", round{
			hosts: hostList(host(1, load(2, 2))), busy: []store.BusyTask{busy(1, 2, 0)},
			tasks: taskList(work(1), work(2, owner(2)), work(3, owner(2))),
		}, "2:1 3:1", map[int64]string{1: full1}},
		{"priority comes before fairness", round{
			hosts: hostList(host(1)), busy: []store.BusyTask{busy(1, 9, 0)},
			tasks: taskList(work(1, owner(2)), work(2, priority(19))),
		}, "2:1 1:1", nil},

		{"first come, first served, if that is wanted", round{
			hosts: hostList(host(1, load(2, 2))), busy: []store.BusyTask{busy(1, 2, 0)}, opts: Options{Fairness: FairNot},
			tasks: taskList(work(1), work(2, owner(2)), work(3, owner(2))),
		}, "1:1 2:1", map[int64]string{3: full1}},
		{"an owner's limit", round{
			hosts: hostList(host(1)), busy: []store.BusyTask{busy(1, 1, 0)}, opts: Options{OwnerTasks: 2},
			tasks: taskList(work(1), work(2), work(3, restart)),
		}, "1:1 3:1", map[int64]string{2: "owner-limit: alice has 2 tasks on hosts, which is the limit"}},
		{"an owner's own limit", round{
			hosts: hostList(host(1)), opts: Options{OwnerTasks: 1}, limits: []api.TaskLimit{{Kind: "owner", ID: 1, Tasks: 0}, {Kind: "owner", ID: 2, Tasks: 2}},
			tasks: taskList(work(1), work(2, owner(2)), work(3, owner(2))),
		}, "2:1 3:1", map[int64]string{1: "owner-limit: alice has 0 tasks on hosts, which is the limit"}},
		{"a channel's limit", round{
			hosts: hostList(host(1)), opts: Options{ChannelTasks: map[string]int{"default": 2, "image": 1}},
			tasks: taskList(work(1), work(2), work(3)),
		}, "1:1 2:1", map[int64]string{3: "channel-limit: channel default has 2 tasks on hosts, which is the limit"}},
		{"a channel's limit of its own", round{
			hosts: hostList(host(1)), opts: Options{ChannelTasks: map[string]int{"default": 2}}, limits: []api.TaskLimit{{Kind: "channel", ID: 1, Tasks: 1}},
			tasks: taskList(work(1), work(2)),
		}, "1:1", map[int64]string{2: "channel-limit: channel default has 1 task on hosts, which is the limit"}},
		{"an owner's share", round{
			hosts: hostList(host(1), host(2)), opts: Options{OwnerShare: 0.5},
			tasks: taskList(work(1, weight(2)), work(2, weight(2)), work(3, weight(2)), work(4, weight(2), owner(2))),
		}, "1:1 4:2 2:1", map[int64]string{3: "owner-share: alice has the share of 50% of the hosts in channel default that one owner may have"}},
		{"one task is everybody's share", round{
			hosts: hostList(host(1)), opts: Options{OwnerShare: 0.1}, tasks: taskList(work(1, weight(2))),
		}, "1:1", nil},

		{"a disabled host", round{
			hosts: hostList(host(1, off), host(2, arches("aarch64"), channels())), tasks: taskList(work(1)),
		}, "", map[int64]string{1: "no-channel: no enabled host is in channel default (1 disabled)"}},
		{"in maintenance", round{
			hosts: hostList(host(1, maintenance(-5)), host(2, off)), tasks: taskList(work(1)),
		}, "", map[int64]string{1: "maintenance: the only host in channel default is in maintenance until 2026-11-23 13:00 UTC: new disks"}},
		{"all in maintenance", round{
			hosts: hostList(host(1, maintenance(-5)), host(2, maintenance(0))), tasks: taskList(work(1)),
		}, "", map[int64]string{1: "maintenance: 2 hosts in channel default are in maintenance until 2026-11-23 13:00 UTC"}},
		{"before maintenance", round{
			hosts: hostList(host(1, maintenance(60))), tasks: taskList(work(1), work(2, takes(60)), work(3, takes(61))),
		}, "1:1 2:1", map[int64]string{3: "maintenance: it would not end before the maintenance of h1 at 2026-11-23 12:00 UTC"}},
		{"one task to show that the host is well", round{
			hosts: hostList(host(1, onProbation)), tasks: taskList(work(1, restart), work(2, failedOn(9)), work(3)),
		}, "2:1", map[int64]string{
			1: "no-ready-host: the only host for sparc in channel default is not ready (1 in quarantine until 2026-11-23 12:00 UTC)",
			3: "no-ready-host: the only host in channel default is not ready (1 in quarantine)"}},
		{"a task that had trouble is no good probe", round{
			hosts: hostList(host(1, onProbation), host(2, load(3, 3))), tasks: taskList(work(1, failedOn(9)), work(2)),
		}, "1:2 2:1", nil},

		{"until the next task ends", round{
			hosts: hostList(host(1, load(4, 3))), busy: []store.BusyTask{busy(1, 2, 90), busy(1, 1, 30), busy(1, 1, -5)},
			tasks: taskList(work(1, takes(100)), work(2), work(3), work(4)),
		}, "", map[int64]string{1: full1 + "; 30 s", 2: full1 + "; 90 s", 3: full1 + "; 130 s", 4: full1}},
		{"others are not there for it", round{
			hosts: hostList(host(1, load(4, 3)), host(2), host(3, unready), host(4, load(5, 1))), tasks: taskList(work(1, refusedBy(2))),
		}, "", map[int64]string{1: "no-capacity: 2 hosts in channel default are full (1 refused it, 1 not ready)"}},
		{"what hosts said", round{
			hosts: hostList(host(1), host(2), host(3), host(4), host(5)), tasks: taskList(work(1, refusedBy(1, 2, 3, 4, 5),
				func(t *store.WaitingTask) { t.Refusals = []string{"no room", "", "", "", ""} })),
		}, "", map[int64]string{1: "refused: refused by h1: no room, h2, h3, 2 more"}},

		{"by type", round{
			hosts: hostList(host(1, load(3, 3)), host(2, kojid("image", "newRepo"))), tasks: taskList(work(1), work(2, image)),
		}, "1:1 2:2", nil},
		{"Koji's own builder does whatever it knows", round{
			hosts: hostList(host(1, load(3, 3)), host(2, kojid("buildArch"))), tasks: taskList(work(1)),
		}, "1:2", nil},
		{"a type that Toji has no workflow for", round{
			hosts: hostList(host(1), host(2, kojid("image"), off), host(3, kojid("image"), channels(imageChannel))), tasks: taskList(work(1, image)),
		}, "", map[int64]string{1: "no-handler: no host of channel default runs Koji's kojid, and Toji has no workflow for image tasks"}},
		{"a type that no builder knows", round{
			hosts: hostList(host(1), host(2, kojid("newRepo")), host(3, kojid("image"), unready)), tasks: taskList(work(1, image)),
		}, "", map[int64]string{1: "no-handler: no host in channel default that is ready knows image tasks (1 not ready)"}},
		{"a type whose builders are full", round{
			hosts: hostList(host(1), host(2, kojid("image"), load(4, 4))), tasks: taskList(work(1, image)),
		}, "", map[int64]string{1: "no-capacity: 1 host in channel default is full (1 unable to do it)"}},

		{"types of sites go to the workers that serve them, and nothing else does", round{
			hosts: hostList(host(1, load(3, 3)), host(2, serving("countLines"))), tasks: taskList(work(1), work(2, count), work(3, restart)),
		}, "1:1 2:2 3:2", nil},
		{"a site's type whose workers are away", round{
			hosts: hostList(host(1), host(2, serving("countLines"), unready), host(3, serving("countLines"), inQuarantine), host(4, serving())),
			tasks: taskList(work(1, count)),
		}, "", map[int64]string{1: "no-worker: no worker that serves countLines tasks is ready: h2 is not ready, h3 is in quarantine"}},
		{"a site's type that nobody serves", round{
			hosts: hostList(host(1), host(2, kojid("image"))), tasks: taskList(work(1, count)),
		}, "", map[int64]string{1: "no-worker: no host in channel default has a worker that serves countLines tasks"}},
		{"a site's type whose worker is full", round{
			hosts: hostList(host(1), host(2, serving("countLines"), load(4, 4))), tasks: taskList(work(1, count)),
		}, "", map[int64]string{1: "no-capacity: 1 host in channel default is full (1 unable to do it)"}},

		{"a reason that is known is not told again", round{
			tasks: taskList(work(1, waits("no-channel", "no enabled host is in channel default")), work(2, waits("no-channel", "other words"))),
		}, "", map[int64]string{2: "no-channel: no enabled host is in channel default"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlacement(c.opts.withDefaults(), situation{hosts: c.hosts, busy: c.busy, limits: c.limits, anyHost: map[string]bool{"restart": true}})
			assigned, waits := p.place(c.tasks)
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
				if w.StartsIn != nil {
					reasons[w.TaskID] += fmt.Sprintf("; %g s", *w.StartsIn)
				}
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
		newPlacement(opts, situation{hosts: hosts}).place(r.tasks)
	}
}
