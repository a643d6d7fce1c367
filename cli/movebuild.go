package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func moveBuild(a *app) *cobra.Command {
	var force, all bool
	var wait *bool
	cmd := &cobra.Command{
		Use:     "move-build [options] <tag1> <tag2> <pkg> [<pkg> ...]",
		Short:   "'Move' one or more builds between tags",
		Example: "  toji move-build f40-testing f40 hello-1.0-1",
		Aliases: []string{"move-pkg", "move"},
		GroupID: bind,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) < 3 && all:
				return usagef("This command, with --all, takes at least three arguments: two tags and one or more package names")
			case len(args) < 3:
				return usagef("This command takes at least three arguments: two tags and one or more package n-v-r's")
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			move := a.moveBuilds
			if all {
				move = a.movePackages
			}
			tasks, err := move(cmd.Context(), h, args[0], args[1], args[2:], force)
			if err != nil {
				return err
			}
			return a.watchUnlessAlone(cmd.Context(), h, wait, tasks...)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "force operation")
	waitFlags(cmd, &wait, "wait on tasks, even if running in the background", "do not wait on tasks")
	cmd.Flags().BoolVar(&all, "all", false, "move all instances of a package, <pkg>'s are package names")
	a.complete(cmd, nil, a.tags, a.tags)
	return cmd
}

// moveBuilds makes a task for each build, and returns them.
func (a *app) moveBuilds(ctx context.Context, h *hub, from, to string, nvrs []string, force bool) (tasks []int64, err error) {
	var builds []*api.Build
	seen := map[int64]bool{}
	for _, nvr := range nvrs {
		b, err := rpc.Invoke(ctx, h, api.GetBuild, api.BuildParams{BuildInfo: nvr})
		if err != nil {
			return nil, err
		}
		if b == nil {
			printf(a.Stdout, "No such build: %s, skipping.\n", nvr)
			continue
		}
		if !seen[b.ID] {
			seen[b.ID] = true
			builds = append(builds, b)
		}
	}
	for _, b := range builds {
		id, err := rpc.Invoke(ctx, h, api.MoveBuild, api.MoveBuildParams{Tag1: from, Tag2: to, Build: b.ID, Force: force})
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, id)
		printf(a.Stdout, "Created task %d, moving %s\n", id, b.Parts())
	}
	return tasks, nil
}

// movePackages makes tasks for all builds of packages, and returns them.
func (a *app) movePackages(ctx context.Context, h *hub, from, to string, packages []string, force bool) (tasks []int64, err error) {
	for _, name := range packages {
		pkg, err := rpc.Invoke(ctx, h, api.GetPackage, api.GetPackageParams{Info: name})
		if err != nil {
			return nil, err
		}
		if pkg == nil {
			printf(a.Stdout, "No such package: %s, skipping.\n", name)
			continue
		}
		ids, err := rpc.Invoke(ctx, h, api.MoveAllBuilds, api.MoveAllBuildsParams{Tag1: from, Tag2: to, Package: name, Force: force})
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, ids...)
	}
	return tasks, nil
}
