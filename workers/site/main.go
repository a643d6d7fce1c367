package site

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/motion"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/workers/builder"
	"github.com/toji-build/toji/workers/step"
)

// Main is the main function of a worker: it serves the types until a signal ends
// it, and exits. The command line of the program is
//
//	PROGRAM --config FILE
//
// where FILE is a toji.toml as a builder has it, with the section [worker].
func Main(types ...Served) {
	if len(os.Args) > 1 && os.Args[1] == "run-step" { // the process around a command of Job.Run
		os.Exit(step.Main(os.Args[2:]))
	}
	file := flag.String("config", "", "read the configuration from `FILE`")
	lifeline := flag.Int("lifeline", -1, "end at once when the inherited file `descriptor` reaches its end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *file, *lifeline, types)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, lifeline int, list []Served) error {
	served, err := types(list)
	if err != nil {
		return err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	if cfg.Worker.Gateway == "" {
		return errors.New("worker: a site's worker needs the hub's gateway: set gateway, cert and server_ca")
	}
	log := obs.NewLogger(os.Stderr, cfg.Log, "site")
	temporal, err := motion.Dial(motion.OfBuilder(cfg), log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	o := builder.Options{Config: cfg.Worker, Temporal: temporal, Log: log, Types: served, Version: version()}
	if lifeline >= 0 {
		syscall.CloseOnExec(lifeline)
		o.Lifeline = os.NewFile(uintptr(lifeline), "lifeline")
		go dieWith(o.Lifeline)
	}
	daemon, err := builder.New(o)
	if err != nil {
		return err
	}
	err = daemon.Run(ctx)
	if errors.Is(err, builder.ErrRestart) || ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil // whoever supervises this process starts it again
	}
	return err
}

// dieWith ends the process when nobody holds the lifeline's other end any more.
func dieWith(lifeline *os.File) {
	_, _ = io.Copy(io.Discard, lifeline)
	os.Exit(1)
}

// version is that of Toji in the program, for the hub to show.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	const module = "github.com/toji-build/toji"
	v := info.Main.Version
	for _, dep := range info.Deps {
		if dep.Path == module {
			v = dep.Version
		}
	}
	return cmp.Or(v, "unknown")
}
