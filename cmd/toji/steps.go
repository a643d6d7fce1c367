package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/workers/step"
)

// runStepCommand returns the process that stands between a builder and a build:
// the builder may restart while the build goes on.
func runStepCommand() *cobra.Command {
	return hidden("run-step", "Run a step of a build", step.Main)
}

// nativeBuildCommand returns the process that makes a buildroot without mock.
func nativeBuildCommand() *cobra.Command {
	return hidden("native-build", "Build in a root of our own", buildroot.NativeMain)
}

// hidden returns a command for the program itself, which reads its arguments and
// sets the exit status alone.
func hidden(name, short string, run func(args []string) int) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Hidden: true, DisableFlagParsing: true,
		Run: func(_ *cobra.Command, args []string) { os.Exit(run(args)) },
	}
}
