// Package cli is the command line for people who build packages: one file for
// each command, and one list of them in this file.
//
// The commands, their options, what they print on the standard output and their
// exit status are those of Koji's own client, so that scripts written for it go
// on working. What Toji adds is marked by nothing but its usefulness: --json on
// every command that prints data, completion of names, examples, and errors that
// say what to do next.
//
// A command reaches the hub through koji/api alone, and runs the same way
// against a stock Koji hub.
package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Version is the release of Toji. The Makefile has the linker put the commit there.
var Version = "0.1.0"

// compatVersion is the release of Koji whose client this one stands in for.
const compatVersion = "1.35.3"

// commands is the list of all commands of this package.
var commands = []func(*app) *cobra.Command{
	addChannel,
	addExternalRepo,
	addGroup,
	addGroupPkg,
	addHost,
	addHostToChannel,
	addMaintenance,
	addPkg,
	addTag,
	addTagInheritance,
	addTarget,
	addUser,
	assignTask,
	blockPkg,
	build,
	buildInfo,
	call,
	cancel,
	disableHost,
	disableUser,
	downloadBuild,
	downloadLogs,
	editHost,
	editTag,
	editTarget,
	enableHost,
	enableUser,
	freeTask,
	gcCommand,
	grantPermission,
	hostInfo,
	latestBuild,
	listAPI,
	listBuilds,
	listChannels,
	listExternalRepos,
	listGroups,
	listHosts,
	listMaintenance,
	listPermissions,
	listPkgs,
	listTagged,
	listTagInheritance,
	listTags,
	listTargets,
	listTaskLimits,
	listTasks,
	listTaskTypes,
	listUntagged,
	listUsers,
	makeTask,
	moshimoshi,
	moveBuild,
	regenRepo,
	removeMaintenance,
	removePkg,
	removeTag,
	removeTagInheritance,
	removeTarget,
	repoInfo,
	requestRepo,
	resubmit,
	retention,
	revokePermission,
	rpmInfo,
	setPkgOwner,
	setTaskLimit,
	setTaskPriority,
	submit,
	tagBuild,
	tagInfo,
	taskInfo,
	token,
	unblockPkg,
	untagBuild,
	userInfo,
	version,
	waitRepo,
	watchLogs,
	watchTask,
	why,
}

// The categories of commands.
const (
	admin    = "admin"
	bind     = "bind"
	building = "build"
	download = "download"
	info     = "info"
	misc     = "misc"
	monitor  = "monitor"
	search   = "search"
	// RolesGroup is the group of the commands in Env.Roles.
	RolesGroup = "roles"
)

var categories = []*cobra.Group{
	{ID: building, Title: "Build commands:"},
	{ID: monitor, Title: "Monitor commands:"},
	{ID: info, Title: "Info commands:"},
	{ID: search, Title: "Search commands:"},
	{ID: download, Title: "Download commands:"},
	{ID: bind, Title: "Bind commands:"},
	{ID: admin, Title: "Admin commands:"},
	{ID: misc, Title: "Miscellaneous commands:"},
	{ID: RolesGroup, Title: "Running Toji:"},
}

// Env is the world around a run of the command line. Zero fields are the
// process's own.
type Env struct {
	Args   []string // without the name of the program
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Etc    string // directory of the system's configuration
	Home   string // the user's home directory
	Now    func() time.Time
	Zone   *time.Location // in which times are shown and read
	// Background tells whether nobody watches: commands do not wait for tasks
	// then unless told to, and draw no progress.
	Background func() bool
	// Roles are commands of other packages to offer beside those of this one.
	Roles []*cobra.Command
}

func (e Env) withDefaults() Env {
	if e.Stdin == nil {
		e.Stdin = os.Stdin
	}
	if e.Stdout == nil {
		e.Stdout = os.Stdout
	}
	if e.Stderr == nil {
		e.Stderr = os.Stderr
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Zone == nil {
		e.Zone = time.Local
	}
	if e.Background == nil {
		e.Background = inBackground
	}
	return e
}

// app is what the commands of one run share.
type app struct {
	Env
	global options
	hub    *hub // once connected
}

// Run runs the command that env.Args name and returns the exit status: 0 for
// success, 1 for failure, 2 for a wrong command line.
func Run(ctx context.Context, env Env) int {
	a := &app{Env: env.withDefaults()}
	root := a.root()
	cmd, err := root.ExecuteContextC(ctx)
	a.disconnect(ctx)
	return a.report(cmd, err)
}

// root returns the command that holds all others.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "toji [global options] command [options] [arguments]",
		Short: "Build RPM distributions",
		Long: "Toji builds RPM distributions. Its commands are those of Koji's client, and work with both.\n\n" +
			"Global options stand before the command. `toji help CATEGORY` lists the commands of a category\n" +
			"(build, monitor, info, search, download, bind, admin, misc), `toji COMMAND --help` explains one.",
		Example: "  toji build f40 ./hello-1.0-1.src.rpm\n  toji list-tasks --mine\n  toji -p fedora taskinfo -r 12345",
		Version: Version,
		// Koji: an option before the command is a global one, and one of the same
		// name after it is the command's own.
		TraverseChildren:           true,
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: 2,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetArgs(append([]string{}, a.Args...))
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", err) })
	a.global.register(root.Flags())
	root.SetHelpCommand(help(root))
	root.SetHelpCommandGroupID(misc)
	root.SetCompletionCommandGroupID(misc)
	for _, command := range commands {
		cmd := command(a)
		abbreviate(cmd.Flags())
		root.AddCommand(cmd)
	}
	root.AddCommand(a.Roles...)
	for _, cmd := range root.Commands() {
		cmd.DisableFlagsInUseLine = true
	}
	root.AddGroup(usedCategories(root)...)
	const line = "{{if .HasAvailableSubCommands}}\n  {{.CommandPath}} [command]{{end}}"
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), line, "", 1))
	return root
}

// usedCategories returns the categories that have commands. The commands that
// cobra adds when it runs are miscellaneous.
func usedCategories(root *cobra.Command) []*cobra.Group {
	used := map[string]bool{misc: true}
	for _, cmd := range root.Commands() {
		used[cmd.GroupID] = true
	}
	hidden := func(g *cobra.Group) bool { return !used[g.ID] }
	return slices.DeleteFunc(slices.Clone(categories), hidden)
}

// help returns the command that explains a command or lists those of a category.
func help(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [category|command]",
		Short:   "List available commands",
		Aliases: []string{"list-commands"},
		GroupID: misc,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "all" {
				return root.Help()
			}
			if found, rest, err := root.Find(args); err == nil && found != root && len(rest) == 0 {
				return found.Help()
			}
			for _, group := range categories {
				if group.ID == args[0] {
					listCategory(cmd.OutOrStdout(), root, group)
					return nil
				}
			}
			return failuref("No such command or help category: %s", args[0])
		},
	}
}

func listCategory(w io.Writer, root *cobra.Command, group *cobra.Group) {
	printf(w, "%s\n", group.Title)
	for _, cmd := range root.Commands() {
		if cmd.GroupID == group.ID && !cmd.Hidden {
			printf(w, "  %-25s %s\n", cmd.Name(), cmd.Short)
		}
	}
}

// program returns the name by which the user calls us, for what he may call next.
func program() string {
	name := filepath.Base(os.Args[0])
	if strings.HasSuffix(name, ".test") {
		return "toji"
	}
	return name
}
