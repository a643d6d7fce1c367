package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// listPkgsOptions are those of list-pkgs.
type listPkgsOptions struct {
	owner, tag, pkg                  string
	noInherit, showBlocked, showDups bool
	when
}

func listPkgs(a *app) *cobra.Command {
	var o listPkgsOptions
	cmd := &cobra.Command{
		Use:     "list-pkgs [options]",
		Short:   "Print the package listing for tag or for owner",
		Example: "  toji list-pkgs --tag f40\n  toji list-pkgs --owner alice --quiet",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			return a.listPkgs(cmd, h, &o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.owner, "owner", "", "specify owner")
	fs.StringVar(&o.tag, "tag", "", "specify tag")
	fs.StringVar(&o.pkg, "package", "", "specify package")
	fs.BoolVar(&o.noInherit, "noinherit", false, "don't follow inheritance")
	fs.BoolVar(&o.showBlocked, "show-blocked", false, "show blocked packages")
	fs.BoolVar(&o.showDups, "show-dups", false, "show superseded owners")
	o.when.register(fs)
	a.quietFlag(cmd, "do not print header information")
	jsonFlag(cmd)
	a.complete(cmd, flagNames{"tag": a.tags})
	return cmd
}

func (a *app) listPkgs(cmd *cobra.Command, h *hub, o *listPkgsOptions) error {
	p, err := o.params(cmd.Context(), h)
	if err != nil {
		return err
	}
	event, err := o.find(cmd.Context(), h)
	if err != nil {
		return err
	}
	p.Event = eventID(event)
	all := p.TagID == nil && p.UserID == nil && p.PkgID == nil
	if !wantsJSON(cmd) {
		a.sayEvent(a.Stdout, event)
	}
	switch {
	case all && event != nil:
		return usagef("--event and --ts makes sense only with --tag, --owner or --package")
	case all && o.showBlocked:
		return usagef("--show-blocked makes sense only with --tag, --owner or --package")
	}
	list, err := packagesOf(cmd.Context(), h, p)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return failuref("(no matching packages)")
	}
	return a.show(cmd, list, func(w io.Writer) { a.printPackages(w, list, all, o.showBlocked) })
}

// params returns the query that the options mean.
func (o *listPkgsOptions) params(ctx context.Context, c rpc.Caller) (api.ListPackagesParams, error) {
	p := api.ListPackagesParams{Inherited: !o.noInherit, WithDups: true, WithOwners: true, WithBlocked: true}
	if o.owner != "" {
		id, err := userID(ctx, c, o.owner)
		if err != nil {
			return p, err
		}
		if id == 0 {
			return p, usagef("No such user: %s", o.owner)
		}
		p.UserID = id
	}
	if o.tag != "" {
		tag, err := rpc.Invoke(ctx, c, api.GetTag, api.GetTagParams{TagInfo: o.tag})
		if err != nil {
			return p, err
		}
		if tag == nil {
			return p, usagef("No such tag: %s", o.tag)
		}
		p.TagID = tag.ID
		p.WithDups = o.showDups // only within a tag one entry counts more than another
	}
	if o.pkg != "" {
		p.PkgID = o.pkg
	}
	return p, nil
}

func (a *app) printPackages(w io.Writer, list []api.TagPackage, all, showBlocked bool) {
	const row = "%-23s %-23s %-16s %-15s"
	switch {
	case a.global.quiet:
	case all:
		printf(w, "Package\n%s\n", strings.Repeat("-", 23))
	default:
		printf(w, row+"\n%s\n", "Package", "Tag", "Extra Arches", "Owner", rule(" ", 23, 23, 16, 15))
	}
	for _, p := range list {
		switch {
		case all || p.TagID == 0 && !p.Blocked:
			printf(w, "%s\n", p.PackageName)
		case !p.Blocked:
			printf(w, row+"\n", p.PackageName, p.TagName, deref(p.ExtraArches), deref(p.OwnerName))
		case showBlocked:
			printf(w, row+" [BLOCKED]\n", p.PackageName, p.TagName, deref(p.ExtraArches), deref(p.OwnerName))
		}
	}
}
