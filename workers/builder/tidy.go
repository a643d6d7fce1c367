package builder

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/toji-build/toji/activities/builder/buildroot"
)

const (
	// tidyEvery is how often old files are looked for.
	tidyEvery = 10 * time.Minute
	// rootsAge is how long the root of a failed build can be looked at, as with
	// Koji's builder.
	rootsAge = 4 * time.Hour
	// basesAge and basesMost bound the native driver's base roots.
	basesAge  = 7 * 24 * time.Hour
	basesMost = 20
)

// tidy removes what nobody needs any more, from time to time.
func (d *Daemon) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := d.sweepRoots(d.control.RunningRoots(), rootsAge); err != nil {
			d.log.Warn("old buildroots are left", "error", err)
		}
		if err := d.control.SweepOutcomes(time.Now()); err != nil {
			d.log.Warn("old outcomes are left", "error", err)
		}
		bases := filepath.Join(d.cfg.WorkDir, "cache")
		if removed, err := buildroot.SweepBases(bases, time.Now().Add(-basesAge), basesMost); err != nil {
			d.log.Warn("old base roots are left", "error", err)
		} else if len(removed) > 0 {
			d.log.Info("removed old base roots", "bases", removed)
		}
	}
}

// sweepRoots removes the buildroots that are older than age, but for those in
// use, which are named by id.
func (d *Daemon) sweepRoots(used map[string]bool, age time.Duration) error {
	now := time.Now()
	removed, err := buildroot.Sweep(filepath.Join(d.cfg.WorkDir, "roots"), func(name string, last time.Time) buildroot.Keep {
		if used[rootID(name)] || now.Sub(last) < age {
			return buildroot.KeepAll
		}
		return buildroot.KeepNothing
	})
	if len(removed) > 0 {
		d.log.Info("removed buildroots", "roots", removed)
	}
	return err
}

// rootID is the buildroot's id in a root's name, TAG-ID-REPO.
func rootID(name string) string {
	parts := strings.Split(name, "-")
	if len(parts) < 3 {
		return ""
	}
	return parts[len(parts)-2]
}
