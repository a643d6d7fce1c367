package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// untagBuildOptions are those of untag-build.
type untagBuildOptions struct {
	all, nonLatest, test, verbose, force bool
}

func untagBuild(a *app) *cobra.Command {
	var o untagBuildOptions
	cmd := &cobra.Command{
		Use:     "untag-build [options] <tag> <pkg> [<pkg> ...]",
		Short:   "Remove a tag from one or more builds",
		Example: "  toji untag-build f40 hello-1.0-1\n  toji untag-build --non-latest -n f40 hello",
		Aliases: []string{"untag-pkg", "untag"},
		GroupID: bind,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.nonLatest && o.force && len(args) < 1:
				return usagef("Please specify a tag")
			case !(o.nonLatest && o.force) && len(args) < 2:
				return usagef("This command takes at least two arguments: a tag name/ID and one or more package n-v-r's or package names")
			}
			return a.untagBuilds(cmd.Context(), &o, args[0], args[1:])
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.all, "all", false, "untag all versions of the package in this tag, pkg is package name")
	fs.BoolVar(&o.nonLatest, "non-latest", false, "untag all versions of the package in this tag except the latest, pkg is package name")
	fs.BoolVarP(&o.test, "test", "n", false, "test mode")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "print details")
	fs.BoolVar(&o.force, "force", false, "force operation")
	a.complete(cmd, nil, a.tags)
	return cmd
}

func (a *app) untagBuilds(ctx context.Context, o *untagBuildOptions, tagName string, args []string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	tag, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: tagName})
	if err != nil {
		return err
	}
	if tag == nil {
		return usagef("No such tag: %s", tagName)
	}
	var builds []string
	if o.all || o.nonLatest {
		builds, err = a.buildsOf(ctx, h, o, tag, args)
	} else {
		builds, err = a.buildsIn(ctx, h, o, tag, args)
	}
	if err != nil {
		return err
	}
	var batch rpc.Batch
	var results []*rpc.Result[rpc.None]
	for _, nvr := range slices.Backward(builds) {
		if o.test {
			printf(a.Stdout, "would have untagged %s\n", nvr)
			continue
		}
		if o.verbose {
			printf(a.Stdout, "untagging %s\n", nvr)
		}
		results = append(results, rpc.Add(&batch, api.UntagBuild, api.UntagBuildParams{Tag: tag.Name, Build: nvr, Strict: true, Force: o.force}))
	}
	return doAll(ctx, h, &batch, results)
}

// buildsOf lists the builds of packages in a tag, without the latest of each if
// that is to stay; of all packages if none is named.
func (a *app) buildsOf(ctx context.Context, c rpc.Caller, o *untagBuildOptions, tag *api.Tag, packages []string) ([]string, error) {
	// The history knows builds of blocked packages, too, which listTagged leaves out.
	filters := []map[string]any{}
	for _, pkg := range packages {
		filters = append(filters, map[string]any{"tag": tag.ID, "package": pkg, "active": true})
	}
	if len(filters) == 0 {
		filters = append(filters, map[string]any{"tag": tag.ID, "active": true})
	}
	var batch rpc.Batch
	results := make([]*rpc.Result[map[string]any], len(filters))
	for i, filter := range filters {
		results[i] = rpc.Add(&batch, api.QueryHistory, api.QueryHistoryParams{Tables: []string{"tag_listing"}, Filters: filter})
	}
	if err := doAll(ctx, c, &batch, results); err != nil {
		return nil, err
	}
	var tagged []api.TaggedBuild
	for _, r := range results {
		var rows []api.TaggedBuild
		if err := rpc.Into(r.Value["tag_listing"], &rows); err != nil {
			return nil, err
		}
		tagged = append(tagged, rows...)
	}
	slices.SortStableFunc(tagged, func(x, y api.TaggedBuild) int { return cmp.Compare(y.CreateEvent, x.CreateEvent) })
	var builds []string
	seen := map[string]bool{}
	for _, b := range tagged {
		if o.nonLatest && !o.all && !seen[b.Name] {
			seen[b.Name] = true
			if o.verbose {
				printf(a.Stdout, "Leaving latest build for package %s: %s\n", b.Name, b.Parts())
			}
			continue
		}
		builds = append(builds, b.Parts().String())
	}
	return builds, nil
}

// buildsIn returns those of the builds that are in a tag. Others are an error,
// unless forced.
func (a *app) buildsIn(ctx context.Context, c rpc.Caller, o *untagBuildOptions, tag *api.Tag, nvrs []string) ([]string, error) {
	var batch rpc.Batch
	results := make([]*rpc.Result[rpc.Rows[api.ListedTag]], len(nvrs))
	for i, nvr := range nvrs {
		results[i] = rpc.Add(&batch, api.ListTags, api.ListTagsParams{Build: nvr, Perms: false})
	}
	if err := batch.Do(ctx, c); err != nil {
		return nil, err
	}
	var builds []string
	for i, nvr := range nvrs {
		switch {
		case results[i].Err != nil:
			printf(a.Stderr, "No such build: %s\n", nvr)
		case !slices.ContainsFunc(results[i].Value.List, func(t api.ListedTag) bool { return t.ID == tag.ID }):
			printf(a.Stderr, "Build %s not in tag %s\n", nvr, tag.Name)
		default:
			builds = append(builds, nvr)
			continue
		}
		if !o.force {
			return nil, errFailed
		}
	}
	return builds, nil
}
