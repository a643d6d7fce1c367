package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// mergeModes are the ways to merge an external repository into a repository.
var mergeModes = []string{"koji", "simple", "bare"}

// addExternalRepoOptions are those of add-external-repo.
type addExternalRepoOptions struct {
	tags         []string
	priority     *int64
	mode, arches string
}

func addExternalRepo(a *app) *cobra.Command {
	var o addExternalRepoOptions
	cmd := &cobra.Command{
		Use:     "add-external-repo [options] <name> [<url>]",
		Short:   "Create an external repo and/or add one to a tag",
		Example: "  toji add-external-repo -t f40-build fedora-40 'https://example.org/fedora/40/$arch/'\n  toji add-external-repo -t f41-build::20 -m bare fedora-40",
		GroupID: admin,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addExternalRepo(cmd.Context(), o, args)
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&o.tags, "tag", "t", nil, "also add repo to `tag`. Use tag::N to set priority")
	fs.VarP(optional[int64]{&o.priority, parseInt, "N"}, "priority", "p", "set priority (when adding to tag)")
	fs.StringVarP(&o.mode, "mode", "m", "", "set merge `mode`: "+strings.Join(mergeModes, ", "))
	fs.StringVarP(&o.arches, "arches", "a", "", "use only subset of `arches` from given repo, by commas")
	a.complete(cmd, flagNames{"tag": a.tags})
	return cmd
}

func (a *app) addExternalRepo(ctx context.Context, o addExternalRepoOptions, args []string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	switch {
	case o.mode != "" && !slices.Contains(mergeModes, o.mode):
		return usagef("Invalid mode: %s", o.mode)
	case o.mode != "" && o.tags == nil:
		return usagef("The --mode option can only be used with --tag")
	}
	repo, err := a.externalRepo(ctx, h, o, args)
	if err != nil {
		return err
	}
	for _, tag := range o.tags {
		if err := a.addRepoToTag(ctx, h, o, repo.Name, tag); err != nil {
			return err
		}
	}
	return nil
}

// externalRepo finds the repository that args name, or makes it of name and URL.
func (a *app) externalRepo(ctx context.Context, h *hub, o addExternalRepoOptions, args []string) (*api.ExternalRepo, error) {
	switch len(args) {
	case 1:
		repo, err := rpc.Invoke(ctx, h, api.GetExternalRepo, api.GetExternalRepoParams{Info: args[0], Strict: true})
		if err == nil && o.tags == nil {
			err = usagef("A url is required to create an external repo entry")
		}
		return repo, err
	case 2:
		repo, err := rpc.Invoke(ctx, h, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: args[0], URL: args[1]})
		if err == nil {
			printf(a.Stdout, "Created external repo %d\n", repo.ID)
		}
		return repo, err
	}
	return nil, usagef("Incorrect number of arguments")
}

func (a *app) addRepoToTag(ctx context.Context, h *hub, o addExternalRepoOptions, repo, tag string) error {
	tag, priority, err := splitPriority(tag)
	if err != nil {
		return err
	}
	if priority == nil {
		priority = o.priority
	}
	if priority == nil {
		free, err := freePriority(ctx, h, tag)
		if err != nil {
			return err
		}
		priority = &free
	}
	p := api.AddExternalRepoToTagParams{TagInfo: tag, RepoInfo: repo, Priority: *priority, MergeMode: ptr(o.mode)}
	if o.arches != "" {
		p.Arches = o.arches
	}
	if _, err := rpc.Invoke(ctx, h, api.AddExternalRepoToTag, p); err != nil {
		return err
	}
	printf(a.Stdout, "Added external repo %s to tag %s (priority %d)\n", repo, tag, *priority)
	return nil
}

// splitPriority splits TAG::PRIORITY; the priority is nil if it is to be chosen.
func splitPriority(arg string) (tag string, priority *int64, err error) {
	i := strings.LastIndex(arg, "::")
	if i < 0 {
		return arg, nil, nil
	}
	tag, text := arg[:i], arg[i+2:]
	if text == "auto" || text == "-1" {
		return tag, nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return "", nil, koji.GenericErrorf("Invalid priority: %s", text)
	}
	return tag, &n, nil
}

// freePriority returns a priority after those of the tag's repositories, which
// leaves room to put others between: a multiple of five.
func freePriority(ctx context.Context, h *hub, tag string) (int64, error) {
	repos, err := rpc.Invoke(ctx, h, api.GetTagExternalRepos, api.GetTagExternalReposParams{TagInfo: tag})
	if err != nil || len(repos) == 0 {
		return 5, err
	}
	return (repos[len(repos)-1].Priority + 7) / 5 * 5, nil
}
