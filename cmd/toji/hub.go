package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/gateway"
	"github.com/toji-build/toji/hub/outbox"
	"github.com/toji-build/toji/hub/repokeeper"
	"github.com/toji-build/toji/internal/motion"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/web"
	"github.com/toji-build/toji/workers/system"
)

const hubRole = "hub"

func hubCommand() *cobra.Command {
	cmd := roleCommand(hubRole, "Run the hub: API, web pages, scheduler and workflows", runHub)
	cmd.AddCommand(hubConfigCommand())
	return cmd
}

// garbage is how much of it, in percent of what is in use, may gather before it
// is collected. A hub holds little between calls, a dozen MiB, so that Go's own
// 100 would have it collect after every few calls.
const garbage = 300

// runHub runs all that belongs to a hub process. Each part waits for PostgreSQL
// and Temporal by itself, so that an outage of either ends none of them.
func runHub(ctx context.Context, r *role) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	db, err := openDatabase(ctx, r.cfg.Database, r.cfg.Messages.Settings(), r.log)
	if err != nil {
		return err
	}
	defer db.Close()
	h, err := hub.New(hub.Options{DB: db, Config: r.cfg, Log: r.log, Metrics: obs.NewMetrics()})
	if err != nil {
		return err
	}
	site, err := newSite(h, r)
	if err != nil {
		return err
	}
	server, err := hub.NewServer(h, hub.ServerOptions{Web: site})
	if err != nil {
		return err
	}
	defer server.Close()
	parts := map[string]func(context.Context) error{"server": server.Run, "web": site.Run}
	if !r.cfg.Hub.APIOnly {
		temporal, err := motion.Dial(r.cfg.Temporal, r.log)
		if err != nil {
			return err
		}
		defer temporal.Close()
		if err := addEngine(parts, h, temporal, r); err != nil {
			return err
		}
		if r.cfg.Hub.ListenBuilders != "" {
			g, err := newGateway(ctx, h, server, temporal, r)
			if err != nil {
				return err
			}
			parts["gateway of the builders"] = g.Run
		}
	}
	policies := &hub.PolicyWatch{Hub: h, File: r.file, Loaded: r.cfg.Policy, Now: r.hup}
	parts["policy watch"] = policies.Run
	g, ctx := errgroup.WithContext(ctx)
	for name, run := range parts {
		g.Go(func() error {
			if err := run(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// addEngine adds the parts that make tasks move.
func addEngine(parts map[string]func(context.Context) error, h *hub.Hub, temporal client.Client, r *role) error {
	tasks, err := system.New(system.Options{Hub: h, Temporal: temporal, Log: r.log})
	if err != nil {
		return err
	}
	relay := &outbox.Relay{Store: h.Store, Motion: outbox.Temporal{Client: temporal}, Tasks: h, Log: r.log}
	parts["outbox relay"] = relay.Run
	parts["scheduler"] = h.Sched.Run
	parts["repository keeper"] = repokeeper.New(h, r.log, repokeeper.Options{}).Run
	parts["system worker"] = tasks.Run
	parts["clean-up"] = system.NewRetention(h, temporal, r.log).Run
	return nil
}

// newGateway returns what builders reach Temporal through.
func newGateway(ctx context.Context, h *hub.Hub, server *hub.Server, temporal client.Client, r *role) (*gateway.Gateway, error) {
	proposed := make([]byte, 32)
	_, _ = rand.Read(proposed) // never fails
	key, err := h.Store.Secret(ctx, "gateway", proposed)
	if err != nil {
		return nil, fmt.Errorf("key of the gateway: %w", err)
	}
	return gateway.New(gateway.Options{
		Address: r.cfg.Hub.ListenBuilders, TLS: server.TLS(), Key: key, Namespace: r.cfg.Temporal.Namespace,
		Temporal: temporal.WorkflowService(), Hosts: h, Log: r.log, Left: h.Store.HostLeft,
	})
}

// newSite returns the web pages, which learn of changes from the same
// notifications as the scheduler.
func newSite(h *hub.Hub, r *role) (*web.Site, error) {
	return web.New(web.Options{
		Caller: h.Caller(), Address: h.ClientAddress, Title: r.cfg.Web.Title, TopDir: r.cfg.Hub.TopDir,
		TemporalUI: r.cfg.Web.TemporalUI, TemporalNamespace: r.cfg.Temporal.Namespace,
		Changes: func(ctx context.Context, changed func()) error {
			return h.Store.Listen(ctx, func(string, string) { changed() }, "toji_sched")
		},
		Log: r.log,
	})
}
