// Command toji builds RPM distributions. One binary has the commands for people
// and the roles that processes of an installation play.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/toji-build/toji/cli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, cli.Env{Args: os.Args[1:], Roles: roles()})
}
