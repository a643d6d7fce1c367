package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
)

// answer is why no host takes a task.
type answer struct {
	bin      *bin
	count    [verdicts]int // of the hosts of the bin that are ready
	limit    *limit
	startsIn *float64 // seconds
}

// wait is the answer in words, which change as seldom as they can: each change
// is written to the database.
func (a *answer) wait(t *store.WaitingTask) store.Wait {
	w := store.Wait{TaskID: t.ID, StartsIn: a.startsIn}
	w.Code, w.Reason = a.reason(t)
	return w
}

func (a *answer) reason(t *store.WaitingTask) (code, reason string) {
	b := a.bin
	switch {
	case a.limit != nil:
		return a.limit.code, a.limit.reason(t)
	case t.Site && !slices.ContainsFunc(b.ready, func(h *machine) bool { return serves(h, t) }):
		return "no-worker", b.away(t)
	case t.Foreign && b.kojid == 0:
		return "no-handler", fmt.Sprintf("no host of channel %s runs Koji's kojid, and Toji has no workflow for %s tasks", t.Channel, t.Method)
	case b.enabled() == 0 && b.count[wrongArch] > 0:
		return "no-arch", fmt.Sprintf("no enabled host in channel %s builds for %s", t.Channel, t.Arch) + b.others(disabled)
	case b.enabled() == 0:
		return "no-channel", "no enabled host is in channel " + t.Channel + b.others(disabled)
	case b.count[maintained] == b.enabled():
		return "maintenance", b.inMaintenance(t)
	case len(b.ready) == 0:
		return "no-ready-host", none(b.enabled(), t) + b.others(quarantined, maintained)
	case a.count[full] > 0:
		return "no-capacity", b.are(full, a.count[full], t) + a.others()
	case a.count[refuses] > 0:
		return "refused", "refused by " + refusals(t, b) + a.others(refuses)
	case a.count[endsTooLate] > 0:
		return "maintenance", fmt.Sprintf("it would not end before the maintenance of %s", b.soonest())
	}
	if a.count[unable] == len(b.ready) {
		return "no-handler", fmt.Sprintf("no host %s that is ready knows %s tasks", place(t), t.Method) + a.others(unable)
	}
	return "no-ready-host", none(len(b.ready), t) + a.others()
}

// away says where the workers are that serve the type of t, of which none is ready.
func (b *bin) away(t *store.WaitingTask) string {
	var parts []string
	for _, h := range b.known {
		if serves(h, t) {
			parts = append(parts, fmt.Sprintf("%s is %s", h.Name, b.admits(h)))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("no host %s has a worker that serves %s tasks", place(t), t.Method)
	}
	return fmt.Sprintf("no worker that serves %s tasks is ready: %s", t.Method, strings.Join(parts, ", "))
}

func (l *limit) reason(t *store.WaitingTask) string {
	switch l.code {
	case "owner-limit":
		return fmt.Sprintf("%s has %s on hosts, which is the limit", t.Owner, tasks(int(l.at)))
	case "channel-limit":
		return fmt.Sprintf("channel %s has %s on hosts, which is the limit", t.Channel, tasks(int(l.at)))
	}
	return fmt.Sprintf("%s has the share of %.0f%% of the hosts %s that one owner may have", t.Owner, l.at*100, place(t))
}

// place names the hosts that are there for a task.
func place(t *store.WaitingTask) string {
	if t.Arch == "noarch" {
		return "in channel " + t.Channel
	}
	return fmt.Sprintf("for %s in channel %s", t.Arch, t.Channel)
}

// others counts what else keeps the task from hosts of the bin.
func (b *bin) others(which ...verdict) string {
	var parts []string
	for _, v := range which {
		n := b.count[v]
		if n == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", n, v)
		if end := b.until(v); !end.IsZero() {
			part += " until " + moment(end)
		}
		parts = append(parts, part)
	}
	return inBrackets(parts)
}

// others counts what else keeps the task from hosts, but for what is said already.
func (a *answer) others(said ...verdict) string {
	var parts []string
	for _, v := range []verdict{unable, refuses, endsTooLate, quarantined, maintained, notReady} {
		n := a.count[v] + a.bin.count[v]
		if n > 0 && (len(said) == 0 || v != said[0]) {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return inBrackets(parts)
}

func inBrackets(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// String names a verdict as it is said of some hosts.
func (v verdict) String() string {
	return [...]string{"free", "in other channels", "for other arches", "disabled", "not ready", "in quarantine", "in maintenance",
		"unable to do it", "refused it", "soon in maintenance", "full"}[v]
}

// until is when the first host comes back that the verdict keeps away.
func (b *bin) until(v verdict) (first koji.Time) {
	for _, h := range b.known {
		var end koji.Time
		switch {
		case v == quarantined && h.Quarantined && h.Until != nil:
			end = *h.Until
		case v == maintained && h.Maintenance.StartsIn <= 0:
			end = h.Maintenance.Ends
		}
		if !end.IsZero() && (first.IsZero() || end.Before(first.Time)) {
			first = end
		}
	}
	return first
}

func none(n int, t *store.WaitingTask) string {
	if n == 1 {
		return fmt.Sprintf("the only host %s is not ready", place(t))
	}
	return fmt.Sprintf("none of %s %s is ready", hosts(n), place(t))
}

// enabled counts the hosts that are there for the bin.
func (b *bin) enabled() int { return len(b.known) - b.count[disabled] }

// are says what n hosts of the bin are.
func (b *bin) are(v verdict, n int, t *store.WaitingTask) string {
	if n == 1 && b.enabled() == 1 {
		return fmt.Sprintf("the only host %s is %s", place(t), v)
	}
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s %s %s %s", hosts(n), place(t), verb, v)
}

func (b *bin) inMaintenance(t *store.WaitingTask) string {
	text := b.are(maintained, b.enabled(), t) + " until " + moment(b.until(maintained))
	for _, h := range b.known {
		if h.Enabled && b.enabled() == 1 && h.Maintenance.Reason != "" {
			text += ": " + h.Maintenance.Reason
		}
	}
	return text
}

// soonest names the ready host of which maintenance begins first, and when.
func (b *bin) soonest() string {
	var first *machine
	for _, h := range b.ready {
		if !h.Maintenance.Ends.IsZero() && (first == nil || h.Maintenance.StartsIn < first.Maintenance.StartsIn) {
			first = h
		}
	}
	return fmt.Sprintf("%s at %s", first.Name, moment(first.Maintenance.Starts))
}

// refusals names the hosts of the bin that refuse t, with what they said.
func refusals(t *store.WaitingTask, b *bin) string {
	const most = 3
	var parts []string
	for _, h := range b.ready {
		for i, id := range t.Refused {
			if id == h.ID {
				parts = append(parts, h.Name+because(t, i))
			}
		}
	}
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

func because(t *store.WaitingTask, i int) string {
	if i < len(t.Refusals) && t.Refusals[i] != "" {
		return ": " + t.Refusals[i]
	}
	return ""
}

// moment is a time as it stands in a reason. Everybody reads these, so it is UTC.
func moment(t koji.Time) string {
	return t.UTC().Truncate(time.Minute).Format("2006-01-02 15:04") + " UTC"
}

func hosts(n int) string { return counted(n, "host") }
func tasks(n int) string { return counted(n, "task") }

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
