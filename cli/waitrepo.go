package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// waitRepoOptions are those of wait-repo.
type waitRepoOptions struct {
	builds          []string
	target, verbose bool
	request         *bool
	timeout         int // minutes
}

func waitRepo(a *app) *cobra.Command {
	var o waitRepoOptions
	cmd := &cobra.Command{
		Use:     "wait-repo [options] <tag>",
		Short:   "Wait for a repo to be regenerated",
		Example: "  toji wait-repo --request f40-build\n  toji wait-repo --build hello-1.0-1 --target f40",
		GroupID: monitor,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("Please specify a tag name")
			case len(args) > 1:
				return usagef("Only one tag may be specified")
			}
			return a.waitRepo(cmd.Context(), &o, args[0])
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&o.builds, "build", nil, "check that the given build (`NVR`) is in the newly-generated repo (may be used multiple times)")
	fs.BoolVar(&o.target, "target", false, "interpret the argument as a build target name")
	choice(fs, &o.request, true, "request", "create a repo request (requires auth)")
	choice(fs, &o.request, false, "no-request", "do not create a repo request (the default)")
	fs.IntVar(&o.timeout, "timeout", 120, "amount of time to wait (in minutes) before giving up")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "be verbose")
	a.quietFlag(cmd, "suppress output, success or failure will be indicated by the return value only")
	a.complete(cmd, nil, a.tags)
	return cmd
}

func (a *app) waitRepo(ctx context.Context, o *waitRepoOptions, arg string) error {
	nvrs := make([]koji.NVR, len(o.builds))
	for i, build := range o.builds {
		var err error
		if nvrs[i], err = koji.ParseNVR(build); err != nil {
			return err
		}
	}
	open := a.anonymous
	if deref(o.request) {
		open = a.login
	} else if o.request == nil {
		printf(a.Stderr, "The --request option is recommended for faster results\n")
	}
	h, err := open(ctx)
	if err != nil {
		return err
	}
	tag, err := a.tagToWaitFor(ctx, h, o, arg)
	if err != nil {
		return err
	}
	if auto, _ := tag.Extra["repo.auto"].(bool); !deref(o.request) && !auto {
		printf(a.Stderr, "This tag is not configured for automatic regeneration\n")
	}
	if err := a.checkLatest(ctx, h, tag, nvrs); err != nil {
		return err
	}
	w := a.newRepoWaiter(h, tag, o.timeout, o.verbose)
	w.builds = nvrs
	var minEvent *int64
	if len(nvrs) == 0 { // a current one
		if minEvent, err = w.lastChange(ctx); err != nil {
			return err
		}
	}
	repo, err := w.wait(ctx, minEvent, deref(o.request))
	if err != nil {
		return a.noRepo(err)
	}
	if !a.global.quiet {
		a.printRepo(h.profile, repo)
	}
	return nil
}

// tagToWaitFor finds the tag, and warns of one that no target builds in.
func (a *app) tagToWaitFor(ctx context.Context, c rpc.Caller, o *waitRepoOptions, arg string) (*api.Tag, error) {
	if o.target {
		return buildTagOf(ctx, c, arg)
	}
	tag, err := rpc.Invoke(ctx, c, api.GetTag, api.GetTagParams{TagInfo: arg})
	if err != nil {
		return nil, err
	}
	if tag == nil {
		return nil, usagef("No such tag: %s", arg)
	}
	targets, err := rpc.Invoke(ctx, c, api.GetBuildTargets, api.GetBuildTargetsParams{BuildTagID: tag.ID})
	if err != nil || len(targets.List) > 0 {
		return tag, err
	}
	printf(a.Stderr, "%s is not a build tag for any target\n", tag.Name)
	targets, err = rpc.Invoke(ctx, c, api.GetBuildTargets, api.GetBuildTargetsParams{DestTagID: tag.ID})
	var maybe []string
	for _, t := range targets.List {
		maybe = append(maybe, t.BuildTagName)
	}
	if len(maybe) > 0 {
		slices.Sort(maybe)
		printf(a.Stderr, "Suggested tags: %s\n", strings.Join(slices.Compact(maybe), ", "))
	}
	return tag, err
}

// checkLatest warns of builds that are not the latest of their packages.
func (a *app) checkLatest(ctx context.Context, c rpc.Caller, tag *api.Tag, nvrs []koji.NVR) error {
	for _, nvr := range nvrs {
		builds, err := rpc.Invoke(ctx, c, api.GetLatestBuilds, api.GetLatestBuildsParams{Tag: tag.ID, Package: &nvr.Name})
		switch {
		case err != nil:
			return err
		case len(builds) == 0:
			printf(a.Stderr, "No %s builds in tag %s\n", nvr.Name, tag.Name)
		case builds[0].NVR != nvr.String():
			printf(a.Stderr, "nvr %s is not current in tag %s\n  latest build is %s\n", nvr, tag.Name, builds[0].NVR)
		}
	}
	return nil
}
