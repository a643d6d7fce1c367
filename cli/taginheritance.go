package cli

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// addTagInheritanceOptions are those of add-tag-inheritance.
type addTagInheritanceOptions struct {
	priority, maxDepth, filter    string
	intransitive, noConfig, force bool
}

func addTagInheritance(a *app) *cobra.Command {
	var o addTagInheritanceOptions
	cmd := &cobra.Command{
		Use:     "add-tag-inheritance [options] <tag> <parent-tag>",
		Short:   "Add to a tag's inheritance",
		Example: "  toji add-tag-inheritance f40-build f40-bootstrap --priority 10",
		GroupID: admin,
		Args:    nargs(2, 2, "This command takes exactly two arguments: a tag name or ID and that tag's new parent name or ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addTagInheritance(cmd.Context(), &o, args[0], args[1])
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.priority, "priority", "", "specify priority")
	fs.StringVar(&o.maxDepth, "maxdepth", "", "specify max depth")
	fs.BoolVar(&o.intransitive, "intransitive", false, "set intransitive")
	fs.BoolVar(&o.noConfig, "noconfig", false, "set to packages only")
	fs.StringVar(&o.filter, "pkg-filter", "", "specify the package filter, a regular `expression`")
	fs.BoolVar(&o.force, "force", false, "force adding a parent to a tag that already has that parent tag")
	a.complete(cmd, nil, a.tags, a.tags)
	return cmd
}

func (a *app) addTagInheritance(ctx context.Context, o *addTagInheritanceOptions, child, parent string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	tag, err := findTag(ctx, h, child)
	if err != nil {
		return err
	}
	from, err := findTag(ctx, h, parent)
	if err != nil {
		return err
	}
	rules, err := rpc.Invoke(ctx, h, api.GetInheritanceData, api.TagEventParams{Tag: tag.ID})
	if err != nil {
		return err
	}
	rule, err := o.rule(from.ID)
	if err != nil {
		return err
	}
	if err := o.check(rules, rule, tag.Name, from.Name); err != nil {
		return err
	}
	data, err := ruleMaps(append(rules, rule))
	if err != nil {
		return err
	}
	_, err = rpc.Invoke(ctx, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: tag.ID, Data: data})
	return err
}

// check compares a new link with those that are there.
func (o *addTagInheritanceOptions) check(rules []api.InheritanceRule, rule api.InheritanceRule, tag, parent string) error {
	for _, r := range rules {
		if r.ParentID == rule.ParentID && !o.force {
			return failuref("Error: You are attempting to add %s as %s's parent even though it already is %s's parent.\n"+
				"Please use --force if this is what you really want to do.", parent, tag, tag)
		}
		if r.Priority == rule.Priority {
			return failuref("Error: There is already an active inheritance with that priority on %s, please specify a different priority with --priority.", tag)
		}
	}
	return nil
}

// rule returns the link that the options describe.
func (o *addTagInheritanceOptions) rule(parent int64) (api.InheritanceRule, error) {
	r := api.InheritanceRule{ParentID: parent, Intransitive: o.intransitive, NoConfig: o.noConfig, PkgFilter: &o.filter}
	if o.priority != "" {
		n, err := parseInt(o.priority)
		if err != nil {
			return r, usagef("priority %q is not a number", o.priority)
		}
		r.Priority = n
	}
	if n, err := strconv.ParseUint(o.maxDepth, 10, 31); err == nil {
		r.MaxDepth = ptr(int64(n))
		if n == 0 {
			r.MaxDepth = new(int64)
		}
	}
	return r, nil
}

// ruleMaps returns links as setInheritanceData takes them.
func ruleMaps(rules []api.InheritanceRule) ([]map[string]any, error) {
	list := make([]map[string]any, len(rules))
	for i, r := range rules {
		v, err := xmlrpc.Plain(r)
		if err != nil {
			return nil, err
		}
		list[i] = v.(map[string]any) // as structs become
		if r.Name == "" {
			delete(list[i], "name") // the hub knows it
		}
	}
	return list, nil
}

// findTag returns a tag that has to exist.
func findTag(ctx context.Context, c rpc.Caller, name string) (*api.Tag, error) {
	tag, err := rpc.Invoke(ctx, c, api.GetTag, api.GetTagParams{TagInfo: name})
	if err == nil && tag == nil {
		return nil, usagef("No such tag: %s", name)
	}
	return tag, err
}

func removeTagInheritance(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove-tag-inheritance <tag> <parent> [<priority>]",
		Short:   "Remove a tag inheritance link",
		Example: "  toji remove-tag-inheritance f40-build f40-bootstrap",
		GroupID: admin,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) < 1:
				return usagef("This command takes at least one argument: a tag name or ID")
			case len(args) > 3:
				return usagef("This command takes at most three argument: a tag name or ID, a parent tag name or ID, and a priority")
			}
			return a.removeTagInheritance(cmd.Context(), args)
		},
	}
	a.complete(cmd, nil, a.tags, a.tags)
	return cmd
}

func (a *app) removeTagInheritance(ctx context.Context, args []string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	tag, err := findTag(ctx, h, args[0])
	if err != nil {
		return err
	}
	var parent, priority *int64
	if len(args) > 1 {
		from, err := findTag(ctx, h, args[1])
		if err != nil {
			return err
		}
		parent = &from.ID
	}
	if len(args) > 2 {
		n, err := parseInt(args[2])
		if err != nil {
			return usagef("priority %q is not a number", args[2])
		}
		priority = &n
	}
	rules, err := rpc.Invoke(ctx, h, api.GetInheritanceData, api.TagEventParams{Tag: tag.ID})
	if err != nil {
		return err
	}
	i, err := a.findRule(rules, parent, priority)
	if err != nil {
		return err
	}
	data, err := ruleMaps(rules)
	if err != nil {
		return err
	}
	data[i]["delete link"] = true
	_, err = rpc.Invoke(ctx, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: tag.ID, Data: data})
	return err
}

// findRule returns the index of the one link with a parent and a priority, of
// which each may be nil for any.
func (a *app) findRule(rules []api.InheritanceRule, parent, priority *int64) (int, error) {
	found := -1
	for i, r := range rules {
		if parent != nil && r.ParentID != *parent || priority != nil && r.Priority != *priority {
			continue
		}
		if found >= 0 {
			printf(a.Stdout, "Multiple matches for tag.\n")
			return 0, failuref("Please specify a parent and a priority on the command line.")
		}
		found = i
	}
	if found < 0 {
		return 0, failuref("No inheritance link found to remove.  Please check your arguments")
	}
	return found, nil
}

func listTagInheritance(a *app) *cobra.Command {
	var o when
	var reverse bool
	cmd := &cobra.Command{
		Use:   "list-tag-inheritance [options] <tag>",
		Short: "Print the inheritance information for a tag",
		Long: "Print tag inheritance with basic information about links. Flags in the output:\n" +
			" M - maxdepth - limits inheritance to n levels\n F - package filter (packages ignored for inheritance)\n" +
			" I - intransitive link - inheritance immediately stops here\n" +
			" N - noconfig - if tag is used in buildroot, its configuration values will not be used",
		Example: "  toji list-tag-inheritance f40-build\n  toji list-tag-inheritance --reverse f40",
		GroupID: info,
		Args:    nargs(1, 1, "This command takes exactly one argument: a tag name or ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.listTagInheritance(cmd, &o, args[0], reverse)
		},
	}
	cmd.Flags().BoolVar(&reverse, "reverse", false, "process tag's children instead of its parents")
	o.register(cmd.Flags())
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tags)
	return cmd
}

func (a *app) listTagInheritance(cmd *cobra.Command, o *when, name string, reverse bool) error {
	ctx := cmd.Context()
	h, err := a.anonymous(ctx)
	if err != nil {
		return err
	}
	event, err := o.find(ctx, h)
	if err != nil {
		return err
	}
	if !wantsJSON(cmd) {
		a.sayEvent(a.Stdout, event)
	}
	get := api.GetTagParams{TagInfo: name}
	if event != nil {
		get.Event = event.ID
	}
	tag, err := rpc.Invoke(ctx, h, api.GetTag, get)
	if err != nil {
		return err
	}
	if tag == nil {
		return usagef("No such tag: %s", name)
	}
	links, err := rpc.Invoke(ctx, h, api.GetFullInheritance, api.GetFullInheritanceParams{Tag: tag.ID, Event: eventID(event), Reverse: reverse})
	if err != nil {
		return err
	}
	return a.show(cmd, links, func(w io.Writer) {
		printf(w, "     %s (%d)\n", tag.Name, tag.ID)
		printLinks(w, links, reverse)
	})
}

// printLinks draws the tree of a tag's inheritance, which comes in the order of
// a walk through it.
func printLinks(w io.Writer, links []api.InheritanceLink, reverse bool) {
	var open []int64 // depths at which siblings follow further down
	for i, link := range links {
		depth := link.CurrDepth
		var line strings.Builder
		line.WriteString(inheritanceFlags(link.InheritanceRule))
		at := int64(0)
		for _, d := range open {
			if d < depth {
				line.WriteString(strings.Repeat(" ", int(d-at)*3-1) + "\u2502")
				at = d
			}
		}
		line.WriteString(strings.Repeat(" ", int(depth-at)*3-1))
		last := len(open) > 0 && open[len(open)-1] == depth
		if hasSibling(links[i+1:], link, reverse) {
			line.WriteString("\u251c\u2500")
			if !last {
				open = append(open, depth)
			}
		} else {
			line.WriteString("\u2514\u2500")
			if last {
				open = open[:len(open)-1]
			}
		}
		id := link.ParentID
		if reverse {
			id = deref(link.TagID)
		}
		printf(w, "%s%s (%d)\n", &line, link.Name, id)
	}
}

func hasSibling(rest []api.InheritanceLink, link api.InheritanceLink, reverse bool) bool {
	for _, r := range rest {
		if reverse && r.ParentID == link.ParentID || !reverse && deref(r.ChildID) == deref(link.ChildID) {
			return true
		}
	}
	return false
}
