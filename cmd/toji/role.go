package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/obs"
)

// role is what the long-running commands, hub and worker, have in common.
type role struct {
	name string
	cfg  *config.Config
	log  *slog.Logger
	file string         // the configuration's; empty if there is none
	hup  chan os.Signal // SIGHUP, for the role that reads its file anew; nil for others
	// lifeline is nil unless a supervisor wants the process to end with it.
	lifeline *os.File
}

// roleCommand returns the command that runs a role until a signal ends it.
func roleCommand(name, short string, run func(context.Context, *role) error) *cobra.Command {
	var file string
	lifeline := -1
	cmd := &cobra.Command{
		Use:     name,
		Short:   short,
		Example: "  toji " + name + " --config /etc/toji/toji.toml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := newRole(name, file, lifeline)
			if err != nil {
				return err
			}
			return r.run(cmd.Context(), run)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "read the configuration from `FILE`")
	cmd.Flags().IntVar(&lifeline, "lifeline", -1, "end at once when the inherited file `descriptor` reaches its end")
	return cmd
}

func newRole(name, file string, lifeline int) (*role, error) {
	r := &role{name: name, file: file}
	if name == hubRole {
		r.hup = make(chan os.Signal, 1)
		signal.Notify(r.hup, syscall.SIGHUP)
	}
	if lifeline >= 0 {
		syscall.CloseOnExec(lifeline)
		r.lifeline = os.NewFile(uintptr(lifeline), "lifeline")
		if r.lifeline == nil {
			return nil, fmt.Errorf("--lifeline %d is no file descriptor", lifeline)
		}
		go dieWith(r.lifeline)
	}
	var err error
	if r.cfg, err = config.Load(file); err != nil {
		return nil, err
	}
	r.log = obs.NewLogger(os.Stderr, r.cfg.Log, name)
	// For the few libraries that know no other.
	slog.SetDefault(r.log)
	return r, nil
}

// dieWith ends the process when nobody holds the lifeline's other end any more:
// the supervisor is gone, however it went.
func dieWith(lifeline *os.File) {
	_, _ = io.Copy(io.Discard, lifeline)
	os.Exit(1)
}

// stopTime bounds an orderly stop.
const stopTime = 5 * time.Second

// run runs the role until it ends by itself, or a signal ends it: in order, but
// at once when the time is over.
func (r *role) run(ctx context.Context, run func(context.Context, *role) error) error {
	ctx, stop := untilSignal(ctx, r.hup == nil)
	defer stop()
	context.AfterFunc(ctx, func() {
		time.AfterFunc(stopTime, func() {
			r.log.Warn("not through in time, leaving", "after", stopTime)
			os.Exit(1)
		})
	})
	err := run(ctx, r)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		r.log.Info("stopped")
		return nil
	}
	return err
}

// untilSignal returns a context that ends with the first signal to stop, of which
// SIGHUP may be one. The second one ends the process at once.
func untilSignal(ctx context.Context, hangup bool) (context.Context, context.CancelFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if hangup && !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	return ctx, cancel
}
