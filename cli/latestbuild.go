package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// latestBuildOptions are those of latest-build.
type latestBuildOptions struct {
	arch, btype string
	all, paths  bool
}

func latestBuild(a *app) *cobra.Command {
	var o latestBuildOptions
	cmd := &cobra.Command{
		Use:   "latest-build [options] <tag> <package> [<package> ...]",
		Short: "Print the latest builds for a tag",
		Long: "Print the latest builds for a tag.\n\nThe first argument should be the name of a tag, not the name of a build target.\n" +
			"If you want to know the latest build in buildroots for a given build target,\nthen you should use the name of the build tag for that target. You can find\n" +
			"this value by running 'toji list-targets --name=<target>'.",
		Example: "  toji latest-build f40-build bash glibc\n  toji latest-build --all --quiet f40",
		Aliases: []string{"latest-pkg"},
		GroupID: info,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("A tag name must be specified")
			case o.all && len(args) > 1:
				return usagef("A package name may not be combined with --all")
			case !o.all && len(args) < 2:
				return usagef("A tag name and package name must be specified")
			}
			return a.latestBuilds(cmd, o, args[0], args[1:])
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.arch, "arch", "", "list all of the latest packages for this arch")
	fs.BoolVar(&o.all, "all", false, "list all of the latest packages for this tag")
	fs.BoolVar(&o.paths, "paths", false, "show the file paths")
	fs.StringVar(&o.btype, "type", "", "show builds of the given type only: maven, win, image, or a custom one")
	a.quietFlag(cmd, "do not print the header information")
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tags)
	return cmd
}

func (a *app) latestBuilds(cmd *cobra.Command, o latestBuildOptions, tag string, packages []string) error {
	h, err := a.anonymous(cmd.Context())
	if err != nil {
		return err
	}
	names := make([]*string, 0, len(packages))
	for _, p := range packages {
		names = append(names, &p)
	}
	if o.all {
		names = []*string{nil}
	}
	if o.arch != "" {
		return a.latestRPMs(cmd, h, o, tag, names)
	}
	var listed []api.TaggedBuild
	var tables [][]api.TaggedBuild
	for _, name := range names {
		p := api.GetLatestBuildsParams{Tag: tag, Package: name, Type: ptr(o.btype)}
		builds, err := rpc.Invoke(cmd.Context(), h, api.GetLatestBuilds, p)
		if err != nil {
			return err
		}
		listed, tables = append(listed, builds...), append(tables, builds)
	}
	table := buildTable{paths: o.paths, maven: o.btype == "maven", head: !a.global.quiet, topDir: h.profile.TopDir}
	return a.show(cmd, listed, func(w io.Writer) {
		for _, builds := range tables {
			table.print(w, builds)
			table.head = false
		}
	})
}

// latestRPMs prints the RPMs of an arch, package by package.
func (a *app) latestRPMs(cmd *cobra.Command, h *hub, o latestBuildOptions, tag string, packages []*string) error {
	var listed []api.TaggedRPM
	var blocks [][]string
	for _, name := range packages {
		rpms, lines, err := latestOf(cmd.Context(), h, o, api.GetLatestRPMSParams{Tag: tag, Package: name, Arch: o.arch})
		if err != nil {
			return err
		}
		listed, blocks = append(listed, rpms...), append(blocks, lines)
	}
	return a.show(cmd, listed, func(w io.Writer) {
		for _, lines := range blocks {
			printSorted(w, lines)
		}
	})
}

// latestOf asks for RPMs and returns how each is shown.
func latestOf(ctx context.Context, h *hub, o latestBuildOptions, p api.GetLatestRPMSParams) ([]api.TaggedRPM, []string, error) {
	lists, err := rpc.Invoke(ctx, h, api.GetLatestRPMS, p)
	if err != nil {
		return nil, nil, err
	}
	rpms, builds, err := splitRPMs(lists)
	if err != nil {
		return nil, nil, err
	}
	top := koji.PathInfo{TopDir: h.profile.TopDir}
	dirs := make(map[int64]string, len(builds))
	for _, b := range builds {
		dirs[b.BuildID] = top.Build(b.VolumeName, b.Parts())
	}
	lines := make([]string, len(rpms))
	for i, r := range rpms {
		lines[i] = taggedNVRA(r).String()
		if o.paths {
			lines[i] = dirs[r.BuildID] + "/" + top.RPM(taggedNVRA(r))
		}
	}
	return rpms, lines, nil
}
