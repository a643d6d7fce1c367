package main

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/cli"
)

// roles lists the commands by which the processes of an installation run. They
// are not in package cli, which reaches a hub over its API only.
func roles() []*cobra.Command {
	list := []*cobra.Command{
		devCommand(),
		hubCommand(),
		workerCommand(),
		dbCommand(),
		policyCommand(),
		messagesCommand(),
		nativeBuildCommand(),
		runStepCommand(),
	}
	for _, cmd := range list {
		cmd.GroupID = cli.RolesGroup
	}
	return list
}
