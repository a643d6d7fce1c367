// Temporal-server is a whole Temporal cluster in one process: frontend, history,
// matching and worker services, the web UI, and PostgreSQL as the only store.
//
//	toji hub, workers --gRPC--> frontend --+-- history  --+
//	browser --HTTP--> UI ------------------+-- matching --+--> PostgreSQL: NAME, NAME_visibility
//	                                       +-- worker   --+
//
// It is what `toji dev` and a small installation run as a child process. It makes and
// upgrades its own two databases from the schema files embedded in the Temporal module,
// registers Toji's namespace with its search attributes, and then says "ready".
//
// It lives in a module of its own because it links some 150 MB of code that nothing else
// in Toji needs. A large installation runs an ordinary Temporal cluster instead.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	opts, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err != nil {
		log.Error("bad command line", "error", err)
		os.Exit(2)
	}
	if opts.Lifeline >= 0 {
		go dieWithParent(os.NewFile(uintptr(opts.Lifeline), "lifeline"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// Once stopping has begun, a second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, opts, log); err != nil && ctx.Err() == nil {
		log.Error("temporal server failed", "error", err)
		os.Exit(1)
	}
}
