package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func listGroups(a *app) *cobra.Command {
	var o when
	var blocked bool
	cmd := &cobra.Command{
		Use:     "list-groups [options] <tag> [<group>]",
		Short:   "Print the group listings",
		Example: "  toji list-groups f40-build build",
		GroupID: info,
		Args:    nargs(1, 2, "Incorrect number of arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			h, err := a.anonymous(ctx)
			if err != nil {
				return err
			}
			event, err := o.find(ctx, h)
			if err != nil {
				return err
			}
			p := api.GetTagGroupsParams{Tag: args[0], Event: eventID(event), Inherit: true, InclPkgs: true, InclReqs: true, InclBlocked: blocked}
			groups, err := rpc.Invoke(ctx, h, api.GetTagGroups, p)
			if err != nil {
				return err
			}
			slices.SortFunc(groups, func(x, y api.TagGroup) int { return cmp.Compare(x.Name, y.Name) })
			groups = slices.DeleteFunc(groups, func(g api.TagGroup) bool { return len(args) > 1 && g.Name != args[1] })
			tags := tagNames{ctx: ctx, c: h, known: map[int64]string{}}
			err = a.show(cmd, groups, func(w io.Writer) {
				a.sayEvent(w, event)
				for _, g := range groups {
					printGroup(w, g, &tags)
				}
			})
			return cmp.Or(tags.err, err)
		},
	}
	o.register(cmd.Flags())
	cmd.Flags().BoolVar(&blocked, "show-blocked", false, "show blocked packages and groups")
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tags)
	return cmd
}

// tagNames finds the names of tags by their ids.
type tagNames struct {
	ctx   context.Context
	c     rpc.Caller
	known map[int64]string
	err   error // the first
}

func (n *tagNames) name(id int64) string {
	if name, ok := n.known[id]; ok || n.err != nil {
		return name
	}
	tag, err := rpc.Invoke(n.ctx, n.c, api.GetTag, api.GetTagParams{TagInfo: id})
	n.err = err
	n.known[id] = strconv.FormatInt(id, 10)
	if tag != nil {
		n.known[id] = tag.Name
	}
	return n.known[id]
}

func printGroup(w io.Writer, g api.TagGroup, tags *tagNames) {
	printf(w, "%s  [%s]\n", g.Name, tags.name(g.TagID))
	requires := deref(g.Requires)
	slices.SortFunc(requires, func(x, y api.GroupReq) int { return cmp.Compare(x.Name, y.Name) })
	for _, r := range requires {
		printf(w, "  @%s  [%s]\n", r.Name, tags.name(r.TagID))
	}
	packages := deref(g.Packages)
	slices.SortFunc(packages, func(x, y api.GroupPackage) int { return cmp.Compare(x.Package, y.Package) })
	for _, p := range packages {
		blocked := ""
		if p.Blocked {
			blocked = " [BLOCKED]"
		}
		only := "None"
		if p.BasearchOnly != nil {
			only = pformat(*p.BasearchOnly)
		}
		printf(w, "  %s: %s, %s  [%s]%s\n", p.Package, only, p.Type, tags.name(p.TagID), blocked)
	}
}
