package builder

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/toji-build/toji/activities/builder/buildroot"
)

const (
	// tidyEvery is how often old files are looked for.
	tidyEvery = 10 * time.Minute
	// rootsAge is how long a root that nobody uses is left alone, unless its task
	// failed.
	rootsAge = tidyEvery
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

// sweepRoots removes the buildroots that were not used for so long, but for those
// in use, which are named by id, and those of failed tasks that are kept.
func (d *Daemon) sweepRoots(used map[string]bool, age time.Duration) error {
	dir, now := filepath.Join(d.cfg.WorkDir, "roots"), time.Now()
	failed, err := d.failedRoots(dir, now)
	if err != nil {
		return err
	}
	removed, err := buildroot.Sweep(dir, func(name string, last time.Time) buildroot.Keep {
		if used[buildroot.ID(name)] || failed[name] || now.Sub(last) < age && !buildroot.Failed(filepath.Join(dir, name)) {
			return buildroot.KeepAll
		}
		return buildroot.KeepNothing
	})
	if len(removed) > 0 {
		d.log.Info("removed buildroots", "roots", removed)
	}
	return errors.Join(err, buildroot.RemoveMockConfigs("", removed))
}

// failedRoots names the roots of failed tasks that are kept, as far as the
// configuration goes.
func (d *Daemon) failedRoots(dir string, now time.Time) (map[string]bool, error) {
	size, err := buildroot.DiskSize(dir)
	if err != nil {
		return nil, err
	}
	c := d.cfg
	return buildroot.Retention{
		Age: time.Duration(c.FailedRootsAge), Count: c.FailedRootsMax, Bytes: uint64(c.FailedRootsShare * float64(size)),
	}.Keep(dir, now)
}
