package hub

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/obs"
)

// settleTime is for whoever writes the configuration to finish: editors write a
// file in several steps.
const settleTime = 200 * time.Millisecond

// PolicyWatch puts the policies of a configuration file in force whenever they
// change.
type PolicyWatch struct {
	Hub    *Hub
	File   string            // the configuration; there is nothing to watch without one
	Loaded map[string]string // the texts in force: what the file said at the start
	Now    <-chan os.Signal  // asks to read the file now; may be nil
}

// Run watches until ctx ends. Policies with errors change nothing: the log and
// the metric toji_hub_policy_stale say so.
func (w *PolicyWatch) Run(ctx context.Context) error {
	var events chan fsnotify.Event
	var errs chan error
	last := w.Loaded
	if w.File != "" {
		watcher, err := fsnotify.NewWatcher()
		if err != nil {
			return fmt.Errorf("watch policies: %w", err)
		}
		defer watcher.Close()
		// The directory, since the file may be replaced by another.
		if err := watcher.Add(filepath.Dir(w.File)); err != nil {
			return fmt.Errorf("watch policies: %w", err)
		}
		events, errs = watcher.Events, watcher.Errors
	}
	settled := time.NewTimer(0) // for what changed while the hub started
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-errs:
			w.Hub.Log.ErrorContext(ctx, "cannot watch the policies; SIGHUP still reloads them", obs.Error, err)
		case <-events:
			settled.Reset(settleTime)
		case <-settled.C:
			last = w.reload(ctx, last, false)
		case <-w.Now:
			last = w.reload(ctx, last, true)
		}
	}
}

// reload returns the texts that were read last.
func (w *PolicyWatch) reload(ctx context.Context, last map[string]string, asked bool) map[string]string {
	if w.File == "" {
		if asked {
			w.Hub.Log.WarnContext(ctx, "no policies to reload: the hub runs without a configuration file")
		}
		return last
	}
	c, err := config.Load(w.File)
	if err == nil {
		if !asked && maps.Equal(c.Policy, last) {
			return last
		}
		last = c.Policy
		err = w.Hub.LoadPolicy(c.Policies())
	}
	w.Hub.metrics.policyLoaded(err)
	if err != nil {
		w.Hub.Log.ErrorContext(ctx, "the policies stay as they were: the new ones have errors", "file", w.File, obs.Error, err)
		return last
	}
	w.Hub.Log.InfoContext(ctx, "policies reloaded", "file", w.File)
	return last
}
