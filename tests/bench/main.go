// Command bench measures a whole Toji and puts a real Koji's figures beside its
// own:
//
//	go run ./tests/bench [-only open,calls] [-n 50] [-json]
//
// It starts `toji dev` in a directory of its own, loads a data set of builds and
// tasks that never were, and measures one thing after the other, each as a user
// would see it: from a call to the row, file or process that the call was about.
// docs/performance.md says what the figures mean and how Koji's were taken.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line's.
type options struct {
	only  []string
	json  bool
	n     int
	scale int
	dur   time.Duration
	toji  string
	seed  string
	peer  string    // URL of a real Koji's hub, "" for none
	log   io.Writer // what is done; discarded without -v
}

// measure is one part of the report.
type measure struct {
	name  string
	about string
	run   func(*bench, context.Context) error
}

// The order matters: calls want the database at rest, builds leave caches.
var measures = []measure{
	{"calls", "XML-RPC calls per second, latency, processor time", (*bench).calls},
	{"mixed", "16 clients that read all kinds of things: rate and latency", (*bench).mixed},
	{"large", "the largest answer: time, and memory of the hub", (*bench).large},
	{"open", "from makeTask to the task being OPEN", (*bench).open},
	{"throughput", "many small tasks at once", (*bench).throughput},
	{"cancel", "from cancelTask to no process left", (*bench).cancel},
	{"repo", "repository of an empty tag", (*bench).repo},
	{"bulk", "one build more in a large repository", (*bench).bulk},
	{"dirty", "one change in the parent of many tags", (*bench).dirty},
	{"build", "from build to the RPMs being tagged", (*bench).build},
	{"cli", "a command of the command line", (*bench).cli},
	{"memory", "memory of the processes, idle and with queued builds", (*bench).memory},
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "usage: bench [options]; measures:")
		for _, m := range measures {
			fmt.Fprintf(f.Output(), "  %-11s %s\n", m.name, m.about)
		}
		f.PrintDefaults()
	}
	only := f.String("only", "", "measure only these, a `list` separated by commas")
	verbose := f.Bool("v", false, "say what is done")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	f.IntVar(&o.n, "n", 50, "tasks per figure")
	f.IntVar(&o.scale, "scale", 1, "size of the data set; 5 is that of Koji's figures")
	f.DurationVar(&o.dur, "dur", 2*time.Second, "how long each call is repeated")
	f.StringVar(&o.toji, "toji", "bin/toji", "the program")
	f.StringVar(&o.peer, "peer", "", "measure calls of the real Koji hub with this `URL`, too; its database has dataset.sql of the same scale")
	f.StringVar(&o.seed, "seed", "/var/tmp/toji-seed/tiny", "repository to build with; made by deploy/seed/mkseed when missing")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(measures, func(m measure) bool { return m.name == name }) {
			return o, fmt.Errorf("-only: there is no measure %q", name)
		}
	}
	if o.n < 2 || o.scale < 1 {
		return o, fmt.Errorf("-n must be at least 2, -scale at least 1")
	}
	o.log = io.Discard
	if *verbose {
		o.log = os.Stderr
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	b, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	for _, m := range measures {
		if len(o.only) > 0 && !slices.Contains(o.only, m.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", m.name, m.about)
		if err := m.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if o.json {
		return b.report.json(os.Stdout)
	}
	return b.report.print(os.Stdout)
}
