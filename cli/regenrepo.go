package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/profile"
)

// regenRepoOptions are those of regen-repo and request-repo.
type regenRepoOptions struct {
	target, makeTask, verbose      bool
	debuginfo, source, separateSrc bool
	wait                           *bool
	timeout                        int // minutes

	minEvent, atEvent *int64 // which repository will do
	current           bool   // one that shows the tag as it is now
}

func regenRepo(a *app) *cobra.Command {
	var o regenRepoOptions
	cmd := &cobra.Command{
		Use:     "regen-repo [options] <tag>",
		Short:   "Generate a current repo if there is not one",
		Example: "  toji regen-repo f40-build\n  toji regen-repo --wait --target f40",
		GroupID: admin,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, tag, err := o.connect(cmd.Context(), a, args)
			if err != nil {
				return err
			}
			if o.makeTask {
				return a.makeRepo(cmd.Context(), h, &o, tag)
			}
			return a.requestRepo(cmd.Context(), h, &o, tag)
		},
	}
	o.current = true
	o.register(a, cmd)
	cmd.Flags().BoolVar(&o.makeTask, "make-task", false, "directly create a newRepo task")
	return cmd
}

func requestRepo(a *app) *cobra.Command {
	var o regenRepoOptions
	cmd := &cobra.Command{
		Use:     "request-repo [options] <tag>",
		Short:   "Request a repo for a tag",
		Example: "  toji request-repo --current --wait f40-build",
		GroupID: misc,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.atEvent != nil && (o.minEvent != nil || o.current):
				return usagef("Cannot specify both min-event and at-event")
			case o.current && o.minEvent != nil:
				return usagef("Cannot specify both min-event and current")
			}
			h, tag, err := o.connect(cmd.Context(), a, args)
			if err != nil {
				return err
			}
			return a.requestRepo(cmd.Context(), h, &o, tag)
		},
	}
	o.register(a, cmd)
	fs := cmd.Flags()
	optionalInt(fs, &o.minEvent, "min-event", "minimum event id for repo")
	optionalInt(fs, &o.atEvent, "at-event", "specific event id for repo")
	alias(fs, &o.current, "current", "last", "use current event for tag")
	return cmd
}

// connect logs in and finds the tag that args name.
func (o *regenRepoOptions) connect(ctx context.Context, a *app, args []string) (*hub, *api.Tag, error) {
	switch {
	case len(args) == 0:
		return nil, nil, usagef("A tag name must be specified")
	case len(args) > 1 && o.target:
		return nil, nil, usagef("Only a single target may be specified")
	case len(args) > 1:
		return nil, nil, usagef("Only a single tag name may be specified")
	}
	h, err := a.login(ctx)
	if err != nil {
		return nil, nil, err
	}
	tag, err := o.findTag(ctx, h, args[0])
	return h, tag, err
}

func (o *regenRepoOptions) register(a *app, cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&o.target, "target", false, "interpret the argument as a build target name")
	waitFlags(cmd, &o.wait, "wait on for regen to finish, even if running in the background", "don't wait on for regen to finish")
	fs.BoolVar(&o.debuginfo, "debuginfo", false, "include debuginfo rpms in repo")
	alias(fs, &o.source, "source", "src", "include source rpms in each of repos")
	alias(fs, &o.separateSrc, "separate-source", "separate-src", "include source rpms in separate src repo")
	fs.IntVar(&o.timeout, "timeout", 120, "wait timeout, in minutes")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "more verbose output")
	a.quietFlag(cmd, "reduced output")
	a.complete(cmd, nil, a.tags)
}

// alias adds a flag that has two names.
func alias(fs *pflag.FlagSet, p *bool, name, other, usage string) {
	fs.BoolVar(p, name, false, usage)
	fs.BoolVar(p, other, false, "alias for --"+name)
}

// findTag finds the tag that arg names, by itself or by a target.
func (o *regenRepoOptions) findTag(ctx context.Context, c rpc.Caller, arg string) (*api.Tag, error) {
	if o.target {
		return buildTagOf(ctx, c, arg)
	}
	tag, err := rpc.Invoke(ctx, c, api.GetTag, api.GetTagParams{TagInfo: arg})
	if err == nil && tag == nil {
		return nil, usagef("No such tag: %s", arg)
	}
	return tag, err
}

// buildTagOf returns the build tag of a target.
func buildTagOf(ctx context.Context, c rpc.Caller, name string) (*api.Tag, error) {
	target, err := rpc.Invoke(ctx, c, api.GetBuildTarget, api.GetBuildTargetParams{Info: name})
	if err != nil {
		return nil, err
	}
	if target == nil {
		return nil, usagef("No such build target: %s", name)
	}
	return rpc.Invoke(ctx, c, api.GetTag, api.GetTagParams{TagInfo: target.BuildTag, Strict: true})
}

// makeRepo makes a task for a repository.
func (a *app) makeRepo(ctx context.Context, h *hub, o *regenRepoOptions, tag *api.Tag) error {
	if !o.target {
		targets, err := rpc.Invoke(ctx, h, api.GetBuildTargets, api.GetBuildTargetsParams{BuildTagID: tag.ID})
		if err != nil {
			return err
		}
		if len(targets.List) == 0 {
			printf(a.Stderr, "%s is not a build tag\n", tag.Name)
		}
	}
	a.warnArches(tag)
	p := api.NewRepoParams{Tag: tag.Name, Debuginfo: o.debuginfo, Src: o.source, SeparateSrc: o.separateSrc}
	id, err := rpc.Invoke(ctx, h, api.NewRepo, p)
	if err != nil {
		return err
	}
	printf(a.Stdout, "Regenerating repo for tag: %s\nCreated task: %d\n", tag.Name, id)
	printf(a.Stdout, "Task info: %s\n", webPage(h.profile, fmt.Sprint("taskinfo?taskID=", id)))
	return a.watchUnlessAlone(ctx, h, o.wait, id)
}

func (a *app) warnArches(tag *api.Tag) {
	if deref(tag.Arches) == "" {
		printf(a.Stderr, "Tag %s has an empty arch list\n", tag.Name)
	}
}

// requestRepo asks for a repository and waits for it if the user says so.
func (a *app) requestRepo(ctx context.Context, h *hub, o *regenRepoOptions, tag *api.Tag) error {
	a.warnArches(tag)
	w := a.newRepoWaiter(h, tag, o.timeout, o.verbose)
	for name, on := range map[string]bool{"debuginfo": o.debuginfo, "src": o.source, "separate_src": o.separateSrc} {
		if on {
			if w.opts == nil {
				w.opts = map[string]any{}
			}
			w.opts[name] = true
		}
	}
	w.atEvent = o.atEvent
	minEvent := o.minEvent
	if o.current {
		var err error
		if minEvent, err = w.lastChange(ctx); err != nil {
			return err
		}
	}
	answer, err := w.request(ctx, minEvent)
	if err != nil {
		return err
	}
	repo := answer.Repo
	switch {
	case repo == nil && answer.Request == nil:
		return failuref("Failed to get repo -- the hub answered with neither a repo nor a request")
	case repo == nil && !deref(o.wait):
		a.printRequest(h.profile, answer.Request)
		return nil
	case repo == nil:
		if repo, err = w.waitRequest(ctx, answer.Request); err != nil {
			return a.noRepo(err)
		}
	}
	a.printRepo(h.profile, repo)
	return nil
}

func (a *app) printRequest(p *profile.Profile, r *api.RepoRequest) {
	printf(a.Stdout, "Got request: %d\n", r.ID)
	if r.TaskID != nil {
		printf(a.Stdout, "Got task: %d\nTask info: %s\n", *r.TaskID, webPage(p, fmt.Sprint("taskinfo?taskID=", *r.TaskID)))
	}
}

func (a *app) printRepo(p *profile.Profile, repo *api.Repo) {
	printf(a.Stdout, "Got repo %d\nRepo info: %s\n", repo.ID, webPage(p, fmt.Sprint("repoinfo?repoID=", repo.ID)))
}

// noRepo is the failure to get a repository.
func (a *app) noRepo(err error) error {
	if !isFault(err) {
		return err
	}
	if a.global.quiet {
		return errFailed
	}
	return failuref("Failed to get repo -- %v", err)
}
