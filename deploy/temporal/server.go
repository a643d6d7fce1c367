package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/server/temporal"
)

const (
	internalServices = 3 // history, matching, worker

	// stopTimeout bounds an orderly stop. Nothing is lost when it is cut short: whatever was
	// acknowledged is in PostgreSQL.
	stopTimeout = 4 * time.Second
)

// run brings the server up, says that it is ready, and serves until ctx ends.
func run(ctx context.Context, o Options, log *slog.Logger) error {
	begun := time.Now()
	if err := clearReady(o.ReadyFile); err != nil {
		return err
	}
	temporalLog := newTemporalLogger(log, o.LogLevel)
	main, visibility := newDatabases(postgres{opts: o, log: log}, temporalLog)
	if err := prepareStores(ctx, main, visibility); err != nil {
		return err
	}
	server, err := start(o, main, visibility, temporalLog)
	if err != nil {
		return err
	}
	defer stop(server, log)
	if err := awaitNamespace(ctx, o, log); err != nil {
		return err
	}
	if o.UI != "" {
		web, err := startUI(ctx, o)
		if err != nil {
			return err
		}
		defer web.Stop()
	}
	if err := announceReady(o.ReadyFile); err != nil {
		return err
	}
	log.Info("temporal server is ready", "listen", o.Listen, "ui", o.UI, "namespace", o.Namespace,
		"took", time.Since(begun).Round(time.Millisecond))
	<-ctx.Done()
	return nil
}

// prepareStores leaves both databases in the state that the services expect.
func prepareStores(ctx context.Context, main, visibility database) error {
	if err := main.prepare(ctx); err != nil {
		return err
	}
	if err := visibility.prepare(ctx); err != nil {
		return err
	}
	if n, err := visibility.dropUnusedIndexes(ctx); err != nil {
		return err
	} else if n > 0 {
		visibility.log.Info("dropped unused visibility indexes", "count", n)
	}
	return createNamespace(main.config(), main.opts)
}

func start(o Options, main, visibility database, log temporalLogger) (temporal.Server, error) {
	ports, err := freePorts(internalServices)
	if err != nil {
		return nil, err
	}
	server, err := newCluster(o, main, visibility, ports, log)
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	return server, nil
}

func stop(server temporal.Server, log *slog.Logger) {
	done := make(chan error, 1)
	go func() { done <- server.Stop() }()
	select {
	case err := <-done:
		if err != nil {
			log.Warn("Temporal did not stop cleanly", "error", err)
		}
	case <-time.After(stopTimeout):
		log.Warn("Temporal is slow to stop, leaving", "after", stopTimeout)
	}
}

// clearReady removes what an earlier run may have left, so that the file's existence always
// speaks of this process.
func clearReady(file string) error {
	if file == "" {
		return nil
	}
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("clear ready file: %w", err)
	}
	return nil
}

func announceReady(file string) error {
	if file != "" {
		if err := os.WriteFile(file, []byte("ready\n"), 0o644); err != nil {
			return fmt.Errorf("write ready file: %w", err)
		}
	}
	_, err := fmt.Println("ready")
	return err
}
