package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func addTag(a *app) *cobra.Command {
	var parent, arches string
	var maven, includeAll bool
	var extra []string
	cmd := &cobra.Command{
		Use:     "add-tag [options] <name>",
		Short:   "Add a new tag to the database",
		Example: "  toji add-tag f40\n  toji add-tag f40-build --parent f40 --arches \"x86_64 aarch64\" -x rpm.macro.dist=.fc40",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify a name for the tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			if err := needPerm(cmd.Context(), h, "tag"); err != nil {
				return err
			}
			p := api.CreateTagParams{Name: args[0], MavenSupport: maven, MavenIncludeAll: includeAll}
			if parent != "" {
				p.Parent = parent
			}
			if arches != "" {
				if p.Arches, err = parseArches(arches); err != nil {
					return err
				}
			}
			if p.Extra, err = parseExtra(extra); err != nil {
				return err
			}
			_, err = rpc.Invoke(cmd.Context(), h, api.CreateTag, p)
			return err
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&parent, "parent", "", "set a parent `tag` with priority 0")
	fs.StringVar(&arches, "arches", "", "specify arches")
	fs.BoolVar(&maven, "maven-support", false, "enable creation of Maven repos for this tag")
	fs.BoolVar(&includeAll, "include-all", false, "include all packages in this tag when generating Maven repos")
	fs.StringArrayVarP(&extra, "extra", "x", nil, "set tag extra option, `key=value`")
	a.complete(cmd, flagNames{"parent": a.tags})
	return cmd
}

// needPerm is the error for a user who has neither a permission nor is an admin.
func needPerm(ctx context.Context, c rpc.Caller, perm string) error {
	for _, name := range []string{"admin", perm} {
		ok, err := rpc.Invoke(ctx, c, api.HasPerm, api.HasPermParams{Perm: name})
		if err != nil || ok {
			return err
		}
	}
	return usagef("This action requires %s or admin privileges", perm)
}

// parseArches returns a list of arches as the hub stores it.
func parseArches(text string) (string, error) {
	list, err := koji.ParseArches(text)
	return strings.Join(list, " "), err
}

// parseExtra reads options of the form key=value, nil for none of them.
func parseExtra(options []string) (map[string]any, error) {
	if len(options) == 0 {
		return nil, nil
	}
	extra := make(map[string]any, len(options))
	for _, option := range options {
		key, value, ok := strings.Cut(option, "=")
		if !ok {
			return nil, usagef("extra option %q is not of the form key=value", option)
		}
		extra[key] = plainValue(value)
	}
	return extra, nil
}
