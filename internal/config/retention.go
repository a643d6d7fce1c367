package config

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Retention configures what is swept away by age. A zero time keeps things for
// ever, so that nothing goes which people may want to look at unless somebody
// says so. How long the scheduler's records, messages and repositories stay is
// said in their own sections.
type Retention struct {
	Every        Duration `toml:"every"`        // how often; 0 for never
	Pause        Duration `toml:"pause"`        // between two batches
	Sessions     Duration `toml:"sessions"`     // that have ended
	Reservations Duration `toml:"reservations"` // of builds by content generators
	Uploads      Duration `toml:"uploads"`      // that nothing was made of: what lies below work/ and is no task's output
	Reports      Duration `toml:"reports"`      // of what was cleaned up

	FailedTasks Duration `toml:"failed_tasks"` // output of tasks that failed or were canceled
	ClosedTasks Duration `toml:"closed_tasks"` // output of tasks that ended well, but for what became part of a build
	Scratch     Duration `toml:"scratch"`      // scratch builds

	NotificationTasks Duration `toml:"notification_tasks"` // the rows of tasks that sent mail
	ScratchTasks      Duration `toml:"scratch_tasks"`      // those of scratch builds
	Buildroots        bool     `toml:"buildroots"`         // remove the rows of buildroots that nothing refers to
}

func defaultRetention() Retention {
	return Retention{
		Every:        Duration(time.Hour),
		Pause:        Duration(200 * time.Millisecond),
		Sessions:     Duration(7 * 24 * time.Hour),
		Reservations: Duration(24 * time.Hour),
		Uploads:      Duration(14 * 24 * time.Hour),
		Reports:      Duration(90 * 24 * time.Hour),
	}
}

func (r *Retention) validate() error {
	for name, d := range map[string]Duration{
		"pause": r.Pause, "sessions": r.Sessions, "reservations": r.Reservations, "uploads": r.Uploads,
		"reports": r.Reports, "failed_tasks": r.FailedTasks, "closed_tasks": r.ClosedTasks, "scratch": r.Scratch,
		"notification_tasks": r.NotificationTasks, "scratch_tasks": r.ScratchTasks,
	} {
		if d < 0 {
			return fmt.Errorf("retention: %s must not be negative", name)
		}
	}
	return validEvery("retention", r.Every)
}

// validEvery checks how often something is done. Temporal's schedules know
// seconds.
func validEvery(section string, d Duration) error {
	if d != 0 && d.Std() < time.Second {
		return fmt.Errorf("%s: every must be a second at least, or 0", section)
	}
	return nil
}

// GC configures the garbage collector of builds, as Koji's koji-gc.conf.
type GC struct {
	Enabled bool     `toml:"enabled"` // without it only dry runs are made
	Every   Duration `toml:"every"`   // how often; 0 for only when asked to
	Actions []string `toml:"actions"` // of delete, prune, trash and salvage, in this order
	User    string   `toml:"user"`    // on whose account

	Delay       Duration `toml:"delay"`        // how long a build is in no tag before it goes to the trashcan
	GracePeriod Duration `toml:"grace_period"` // how long it is there before it is deleted
	TrashcanTag string   `toml:"trashcan_tag"`

	UnprotectedKeys []string          `toml:"unprotected_keys"` // patterns of signing keys; any other one protects a build
	KeyAliases      map[string]string `toml:"key_aliases"`      // names of keys, by their ids
	PackageFilter   []string          `toml:"pkg_filter"`       // patterns of packages to look at; none for all

	Policy      string   `toml:"policy"`       // what is pruned; see the howto retention
	TagFilter   []string `toml:"tag_filter"`   // patterns of tags to prune; none for all
	IgnoreTags  []string `toml:"ignore_tags"`  // and of those not to
	BypassLocks []string `toml:"bypass_locks"` // patterns of tags to prune although they are locked
	Purge       bool     `toml:"purge"`        // delete what is pruned at once

	Mail bool `toml:"mail"` // tell owners of builds that go to the trashcan, if there is a relay
}

func defaultGC() GC {
	return GC{
		Every:           Duration(24 * time.Hour),
		Actions:         []string{"delete", "prune", "trash"},
		User:            "koji-gc",
		Delay:           Duration(5 * 24 * time.Hour),
		GracePeriod:     Duration(28 * 24 * time.Hour),
		TrashcanTag:     "trashcan",
		UnprotectedKeys: []string{},
		KeyAliases:      map[string]string{},
		PackageFilter:   []string{},
		TagFilter:       []string{},
		IgnoreTags:      []string{},
		BypassLocks:     []string{},
		Mail:            true,
	}
}

// GCActions are the actions of the garbage collector.
var GCActions = []string{"delete", "prune", "trash", "salvage"}

func (g *GC) validate() error {
	for _, action := range g.Actions {
		if !slices.Contains(GCActions, action) {
			return fmt.Errorf("gc: action %q is none of delete, prune, trash, salvage", action)
		}
	}
	switch {
	case g.Delay < 0 || g.GracePeriod < 0:
		return errors.New("gc: delay and grace_period must not be negative")
	case g.TrashcanTag == "" || g.User == "":
		return errors.New("gc: trashcan_tag and user must not be empty")
	}
	return validEvery("gc", g.Every)
}
