package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func listUntagged(a *app) *cobra.Command {
	var paths, references bool
	cmd := &cobra.Command{
		Use:     "list-untagged [options] [<package>]",
		Short:   "List untagged builds",
		Example: "  toji list-untagged hello",
		GroupID: info,
		Args:    nargs(0, 1, "Only one package name may be specified"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			builds, err := untaggedBuilds(cmd.Context(), h, args)
			if err != nil {
				return err
			}
			refs := make([]string, len(builds))
			if references {
				if refs, err = referencesOf(cmd.Context(), h, builds); err != nil {
					return err
				}
			}
			top := koji.PathInfo{TopDir: h.profile.TopDir}
			return a.show(cmd, builds, func(w io.Writer) {
				if references {
					printf(w, "(Showing build references)\n")
				}
				lines := make([]string, len(builds))
				for i, b := range builds {
					nvr := koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release}
					lines[i] = nvr.String()
					if paths {
						lines[i] = top.Build("", nvr) // the answer has no volume
					}
					if references {
						lines[i] += " " + refs[i]
					}
				}
				printSorted(w, lines)
			})
		},
	}
	cmd.Flags().BoolVar(&paths, "paths", false, "show the file paths")
	cmd.Flags().BoolVar(&references, "show-references", false, "show build references")
	jsonFlag(cmd)
	return cmd
}

// untaggedBuilds lists builds that are in no tag, of one package if it is named.
func untaggedBuilds(ctx context.Context, c rpc.Caller, names []string) ([]api.UntaggedBuild, error) {
	var p api.UntaggedBuildsParams
	for _, name := range names {
		id, err := rpc.Invoke(ctx, c, api.GetPackageID, api.GetPackageIDParams{Name: name})
		if err != nil {
			return nil, err
		}
		if id == nil {
			return nil, failuref("No such package: %s", name)
		}
		p.Name = &name
	}
	rows, err := rpc.Invoke(ctx, c, api.UntaggedBuilds, p)
	return rows.List, err
}

// referencesOf describes what needs each of the builds.
func referencesOf(ctx context.Context, c rpc.Caller, builds []api.UntaggedBuild) ([]string, error) {
	var batch rpc.Batch
	results := make([]*rpc.Result[map[string]any], len(builds))
	for i, b := range builds {
		results[i] = rpc.Add(&batch, api.BuildReferences, api.BuildReferencesParams{Build: b.ID})
	}
	if err := doAll(ctx, c, &batch, results); err != nil {
		return nil, err
	}
	texts := make([]string, len(builds))
	for i, r := range results {
		var parts []string
		for _, kind := range []struct{ key, title string }{
			{"rpms", "rpms"}, {"component_of", "images/archives"}, {"archives", "archives buildroots"},
		} {
			if list, ok := r.Value[kind.key].([]any); ok && len(list) > 0 {
				parts = append(parts, fmt.Sprintf("%s: %s", kind.title, xmlrpc.Repr(list)))
			}
		}
		texts[i] = strings.Join(parts, ", ")
	}
	return texts, nil
}
