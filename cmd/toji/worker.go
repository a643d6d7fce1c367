package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/cli"
	"github.com/toji-build/toji/internal/motion"
	"github.com/toji-build/toji/workers/builder"
)

func workerCommand() *cobra.Command {
	return roleCommand("worker", "Run a build host", runWorker)
}

func runWorker(ctx context.Context, r *role) error {
	temporal, err := motion.Dial(motion.OfBuilder(r.cfg), r.log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	daemon, err := builder.New(builder.Options{
		Config: r.cfg.Worker, Temporal: temporal, Log: r.log, Lifeline: r.lifeline, Version: cli.Version,
	})
	if err != nil {
		return err
	}
	err = daemon.Run(ctx)
	if errors.Is(err, builder.ErrRestart) {
		r.log.Info("a task asked for a restart; whoever supervises this process starts it again")
		return nil
	}
	return err
}
