// Package builder is the daemon of a build host.
//
// It logs in at the hub as the host's user, takes that user for itself (no
// second daemon acts as the same host), tells the hub how it is, and polls the
// host's own Temporal queue, on which the hub's scheduler has its tasks put.
//
//	start   clean up what an earlier life left; report its lost activities, which
//	        Temporal then hands out again, so that their work is found again
//	run     report load and readiness: when they change, and from time to time
//	stop    take no more tasks; leave running steps to the next daemon
package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/rpc"
	rpcclient "github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
	"github.com/toji-build/toji/workers/step"
)

// Options are the parts of a daemon.
type Options struct {
	Config   config.Worker
	Temporal client.Client
	Log      *slog.Logger
	Lifeline *os.File // its end ends all work; nil in production
	Version  string   // of this program, for the hub to show
	// Types are task types of the site that the daemon serves. With any, its host
	// gets tasks of these types only, and those about the host itself.
	Types []builder.SiteType
}

// ErrRestart is what Run returns when a restart task asked for it.
var ErrRestart = errors.New("restart")

// Daemon is a build host.
type Daemon struct {
	cfg        config.Worker
	temporal   client.Client
	log        *slog.Logger
	lifeline   *os.File
	version    string
	types      []builder.SiteType
	machine    machine
	hub        *rpcclient.Client
	activities *builder.Activities
	control    builder.Control
	started    time.Time
	stop       context.CancelCauseFunc

	mu       sync.Mutex
	draining error // what Run returns when the last task has ended
}

// New makes a daemon; it starts nothing.
func New(o Options) (*Daemon, error) {
	hub, err := rpcclient.New(rpcclient.Options{
		Server: o.Config.HubURL, Cert: o.Config.Cert, ServerCA: o.Config.ServerCA, Logger: o.Log,
		AnonRetry: true, Repeat: true, OfflineRetry: true, MaxRetries: 1 << 30, RetryInterval: time.Second,
	})
	if err != nil {
		return nil, err
	}
	return &Daemon{cfg: o.Config, temporal: o.Temporal, log: o.Log, lifeline: o.Lifeline, version: o.Version, types: o.Types, hub: hub, started: time.Now()}, nil
}

// Run works until ctx is done, or until a task asked for the daemon's end. It
// returns ErrRestart when it is to be started again.
func (d *Daemon) Run(ctx context.Context) error {
	// Before the login, which ends the session of a daemon that there may be.
	lock, err := lockDir(d.cfg.WorkDir)
	if err != nil {
		return err
	}
	defer lock.Close()
	host, err := d.login(ctx)
	if err != nil {
		return err
	}
	ctx, d.stop = context.WithCancelCause(ctx)
	defer d.stop(nil)
	groups, err := d.prepare(host)
	if err != nil {
		return err
	}
	if err := d.recover(ctx, groups); err != nil {
		return err
	}
	if err := d.register(ctx); err != nil {
		return err
	}
	w := d.worker(host)
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the Temporal worker: %w", err)
	}
	d.log.Info("builder is ready", "host", host.Name, "arches", arches(host))
	g, run := errgroup.WithContext(ctx)
	g.Go(func() error { return d.report(run) })
	g.Go(func() error { return d.tidy(run) })
	<-run.Done()
	d.control.Detach()
	w.Stop()
	err = g.Wait()
	d.bye()
	if cause := context.Cause(ctx); errors.Is(cause, ErrRestart) || errors.Is(cause, errShutdown) {
		return cmp.Or(asRestart(cause), nil)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

var errShutdown = errors.New("shutdown")

func asRestart(cause error) error {
	if errors.Is(cause, ErrRestart) {
		return ErrRestart
	}
	return nil
}

// login opens the host's session and returns what the hub knows of the host.
func (d *Daemon) login(ctx context.Context) (*api.Host, error) {
	if err := d.hub.LoginCert(ctx); err != nil {
		return nil, fmt.Errorf("log in at %s: %w", d.cfg.HubURL, err)
	}
	// A daemon that was killed has left its session open.
	if err := d.hub.Exclusive(ctx, true); err != nil {
		return nil, fmt.Errorf("take the host's session: %w", err)
	}
	host, err := rpc.Invoke(ctx, d.hub, api.HostGetHost, api.NoParams{})
	if err != nil {
		return nil, fmt.Errorf("the certificate's user is not a build host: %w", err)
	}
	return host, nil
}

func (d *Daemon) prepare(host *api.Host) (*step.Groups, error) {
	// The build user passes through.
	if err := os.MkdirAll(filepath.Join(d.cfg.WorkDir, "roots"), 0o711); err != nil {
		return nil, err
	}
	groups, err := step.OpenGroups(step.GroupsConfig{Name: groupsName(d.cfg.WorkDir), StateDir: d.cfg.WorkDir, Log: d.log})
	if err != nil {
		return nil, err
	}
	driver := buildroot.Config{Driver: d.cfg.Driver, CacheDir: filepath.Join(d.cfg.WorkDir, "cache"), MockUser: d.cfg.MockUser}
	d.activities, d.control = builder.New(builder.Options{
		Hub: d.hub, Temporal: d.temporal, Log: d.log, Groups: groups, Lifeline: d.lifeline,
		Config: builder.Config{
			Host: tasks.HostInfo{ID: host.ID, Name: host.Name}, Arches: arches(host), WorkDir: d.cfg.WorkDir,
			TopURL: d.cfg.TopURL, TopDir: d.cfg.TopDir, AllowedSCMs: d.cfg.AllowedSCMs,
			IgnoreSCMList: !d.cfg.AllowedSCMsUseConfig, SCMPolicy: d.cfg.AllowedSCMsUsePolicy, Driver: driver, MinSpace: uint64(d.cfg.MinSpace) << 20,
			RunrootMounts: d.cfg.RunrootMounts, RepoDatabases: d.cfg.RepoDatabases, SaveExclude: d.cfg.SaveExclude, SaveVolume: d.cfg.SaveVolume,
			Vendor: d.cfg.Vendor, Packager: d.cfg.Packager, Distribution: d.cfg.Distribution,
			Stop: d.drain, Started: float64(d.started.UnixMicro()) / 1e6,
		},
	})
	return groups, nil
}

// groupsName tells the cgroups of this daemon from those of others on the same
// machine, which may be hosts of the same name of other hubs.
func groupsName(workDir string) string {
	h := fnv.New64a()
	h.Write([]byte(workDir))
	return fmt.Sprintf("toji-%016x", h.Sum64())
}

// slots bounds the activities of a host; how many tasks it really gets is the
// scheduler's decision.
const slots = 100

func (d *Daemon) worker(host *api.Host) worker.Worker {
	w := worker.New(d.temporal, task.HostQueue(host.Name), worker.Options{
		DisableWorkflowWorker:              true,
		MaxConcurrentActivityExecutionSize: slots,
		MaxConcurrentActivityTaskPollers:   2,
		// The frames end at once when they are detached.
		WorkerStopTimeout: 10 * time.Second,
	})
	w.RegisterActivity(d.activities)
	for _, t := range d.types {
		w.RegisterActivityWithOptions(d.control.Site(t), activity.RegisterOptions{Name: task.SiteActivity(t.Name)})
	}
	return w
}

// register tells the hub which task types of the site are served here.
func (d *Daemon) register(ctx context.Context) error {
	if len(d.types) == 0 {
		return nil
	}
	p := api.RegisterTaskTypesParams{}
	for _, t := range d.types {
		p.Types = append(p.Types, t.Spec)
	}
	if _, err := rpc.Invoke(ctx, d.hub, api.RegisterTaskTypes, p); err != nil {
		return fmt.Errorf("register task types at the hub: %w", err)
	}
	return nil
}

// drain is called by the restart and shutdown tasks: the daemon takes no more
// tasks and ends when all have that it has.
func (d *Daemon) drain(restart bool) {
	d.control.Drain()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.draining = errShutdown
	if restart {
		d.draining = ErrRestart
	}
}

func (d *Daemon) drained() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.draining
}

const (
	// reportEvery is how often the hub hears of a host at least; it takes one
	// that is silent for minutes for dead.
	reportEvery = 15 * time.Second
	// lookEvery is how soon a change of readiness is noticed.
	lookEvery = time.Second
)

// report tells the hub load and readiness. It ends the daemon once it is to
// drain and nothing runs any more.
func (d *Daemon) report(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	d.machine = machine{dir: d.cfg.WorkDir, proc: "/proc", versions: map[string]string{"toji": d.version}}
	programs := make(chan map[string]string, 1)
	go func() { programs <- versions(ctx, d.version) }() // some are slow to say it
	var last time.Time
	was := "it starts"
	for {
		running, notReady := d.control.Running(), d.notReady()
		if notReady != was && notReady != "" {
			d.log.Warn("not ready", "reason", notReady)
		}
		if notReady != was || time.Since(last) >= reportEvery {
			if err := d.tell(ctx, running, notReady); err != nil {
				return err
			}
			last, was = time.Now(), notReady
		}
		if end := d.drained(); end != nil && running == 0 {
			d.stop(end)
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case d.machine.versions = <-programs:
			last = time.Time{}
		case <-tick.C:
		}
	}
}

// tell reports to the hub. notReady is why the host takes no tasks; "" if it does.
func (d *Daemon) tell(ctx context.Context, running int, notReady string) error {
	data, err := xmlrpc.Plain(d.machine.report(notReady))
	if err != nil {
		return err
	}
	p := api.UpdateHostParams{TaskLoad: float64(running), Ready: notReady == "", Data: data.(map[string]any)}
	_, err = rpc.Invoke(ctx, d.hub, api.HostUpdateHost, p)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("report to the hub: %w", err)
	}
	return nil
}

// bye tells the hub that the host takes no tasks now.
func (d *Daemon) bye() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := d.tell(ctx, 0, "its daemon stopped"); err == nil {
		err = d.hub.Logout(ctx)
		if err != nil {
			d.log.Debug("cannot log out", "error", err)
		}
	}
}

// recover cleans up after an earlier life. Activities that ran then are
// reported as lost, so that Temporal hands them out again at once; folders of
// others are removed with all that runs for them.
func (d *Daemon) recover(ctx context.Context, groups *step.Groups) error {
	kept, err := d.control.Recover(ctx)
	if err != nil {
		return err
	}
	swept, err := groups.Sweep(func(id string) bool { return kept.Tasks[id] })
	if err != nil {
		return fmt.Errorf("remove cgroups of an earlier life: %w", err)
	}
	if len(swept) > 0 {
		d.log.Info("ended work of an earlier life that nobody wants", "tasks", swept)
	}
	if err := d.control.RetireRoots(ctx, kept); err != nil {
		return fmt.Errorf("give up buildroots of an earlier life: %w", err)
	}
	return d.sweepRoots(kept.Roots, 0)
}

// arches are those that the hub knows the host for, separated by spaces.
func arches(h *api.Host) string {
	if h.Arches == nil {
		return ""
	}
	return *h.Arches
}
