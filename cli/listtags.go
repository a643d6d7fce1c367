package cli

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// listTagsOptions are those of list-tags.
type listTagsOptions struct {
	showID, verbose, unlocked bool
	build, pkg                string
}

func listTags(a *app) *cobra.Command {
	var o listTagsOptions
	cmd := &cobra.Command{
		Use:     "list-tags [options] [pattern]",
		Short:   "Print the list of tags",
		Example: "  toji list-tags\n  toji list-tags --show-id 'f40*'",
		GroupID: info,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			tags, err := o.find(cmd.Context(), h, args)
			if err != nil {
				return err
			}
			return a.show(cmd, tags, func(w io.Writer) {
				for _, t := range tags {
					o.print(w, t)
				}
			})
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.showID, "show-id", false, "show tag ids")
	fs.BoolVar(&o.verbose, "verbose", false, "show more information")
	fs.BoolVar(&o.unlocked, "unlocked", false, "only show unlocked tags")
	fs.StringVar(&o.build, "build", "", "show tags associated with a build")
	fs.StringVar(&o.pkg, "package", "", "show tags associated with a package")
	jsonFlag(cmd)
	return cmd
}

// find lists the tags that the options and patterns ask for, by name.
func (o *listTagsOptions) find(ctx context.Context, c rpc.Caller, patterns []string) ([]api.ListedTag, error) {
	p := api.ListTagsParams{Perms: true}
	if o.pkg != "" {
		pkg, err := rpc.Invoke(ctx, c, api.GetPackage, api.GetPackageParams{Info: o.pkg})
		if err != nil {
			return nil, err
		}
		if pkg == nil {
			return nil, usagef("No such package: %s", o.pkg)
		}
		p.Package = pkg.ID
	}
	if o.build != "" {
		b, err := rpc.Invoke(ctx, c, api.GetBuild, api.BuildParams{BuildInfo: o.build})
		if err != nil {
			return nil, err
		}
		if b == nil {
			return nil, usagef("No such build: %s", o.build)
		}
		p.Build = b.ID
	}
	tags, err := matchingTags(ctx, c, p, patterns)
	if err != nil {
		return nil, err
	}
	tags = slices.DeleteFunc(tags, func(t api.ListedTag) bool {
		return o.unlocked && (t.Locked || deref(t.Perm) != "")
	})
	slices.SortStableFunc(tags, func(x, y api.ListedTag) int { return cmp.Compare(x.Name, y.Name) })
	return tags, nil
}

// matchingTags lists the tags that match any of the patterns, or all without one.
func matchingTags(ctx context.Context, c rpc.Caller, p api.ListTagsParams, patterns []string) ([]api.ListedTag, error) {
	if len(patterns) == 0 {
		rows, err := rpc.Invoke(ctx, c, api.ListTags, p)
		return rows.List, err
	}
	var batch rpc.Batch
	var results []*rpc.Result[rpc.Rows[api.ListedTag]]
	for _, pattern := range patterns {
		p.Pattern = &pattern
		results = append(results, rpc.Add(&batch, api.ListTags, p))
	}
	if err := doAll(ctx, c, &batch, results); err != nil {
		return nil, err
	}
	var tags []api.ListedTag
	for _, r := range results {
		tags = append(tags, r.Value.List...)
	}
	return tags, nil
}

func (o *listTagsOptions) print(w io.Writer, t api.ListedTag) {
	printf(w, "%s", t.Name)
	if o.showID {
		printf(w, " [%d]", t.ID)
	}
	if o.verbose && t.Locked {
		printf(w, " [LOCKED]")
	}
	if o.verbose && deref(t.Perm) != "" {
		printf(w, " [%s perm required]", *t.Perm)
	}
	printf(w, "\n")
}
