package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// listExternalReposOptions are those of list-external-repos.
type listExternalReposOptions struct {
	url, name, tag string
	id             *int64
	used, inherit  bool
	when
}

func listExternalRepos(a *app) *cobra.Command {
	var o listExternalReposOptions
	cmd := &cobra.Command{
		Use:     "list-external-repos [options]",
		Short:   "List external repos",
		Example: "  toji list-external-repos --tag f40-build --inherit",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			return a.listExternalRepos(cmd, h, &o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.url, "url", "", "select by url")
	fs.StringVar(&o.name, "name", "", "select by name")
	optionalInt(fs, &o.id, "id", "select by id")
	fs.StringVar(&o.tag, "tag", "", "select by tag")
	fs.BoolVar(&o.used, "used", false, "list which tags use the repo(s)")
	fs.BoolVar(&o.inherit, "inherit", false, "follow tag inheritance when selecting by tag")
	o.when.register(fs)
	a.quietFlag(cmd, "do not display the column headers")
	jsonFlag(cmd)
	a.complete(cmd, flagNames{"tag": a.tags})
	return cmd
}

// repo returns how the options name a repository, nil if they do not.
func (o *listExternalReposOptions) repo() any {
	switch {
	case deref(o.id) != 0:
		return *o.id
	case o.name != "":
		return o.name
	}
	return nil
}

func (a *app) listExternalRepos(cmd *cobra.Command, h *hub, o *listExternalReposOptions) error {
	ctx := cmd.Context()
	event, err := o.find(ctx, h)
	if err != nil {
		return err
	}
	if !wantsJSON(cmd) {
		a.sayEvent(a.Stdout, event)
	}
	at := eventID(event)
	if o.tag == "" && !o.used {
		rows, err := rpc.Invoke(ctx, h, api.ListExternalRepos, api.ListExternalReposParams{Info: o.repo(), URL: ptr(o.url), Event: at})
		if err != nil {
			return err
		}
		return a.show(cmd, rows.List, func(w io.Writer) { a.printRepos(w, rows.List) })
	}
	var repos []api.TagExternalRepo
	switch {
	case o.tag != "" && o.inherit && o.repo() != nil:
		return usagef("Can't select by repo when using --inherit")
	case o.tag != "" && o.inherit:
		repos, err = rpc.Invoke(ctx, h, api.GetExternalRepoList, api.GetExternalRepoListParams{TagInfo: o.tag, Event: at})
	default:
		p := api.GetTagExternalReposParams{RepoInfo: o.repo(), Event: at}
		if o.tag != "" {
			p.TagInfo = o.tag
		}
		repos, err = rpc.Invoke(ctx, h, api.GetTagExternalRepos, p)
	}
	if err != nil {
		return err
	}
	return a.show(cmd, repos, func(w io.Writer) { a.printTagRepos(w, repos, o.tag == "" || o.inherit) })
}

func (a *app) printRepos(w io.Writer, repos []api.ExternalRepo) {
	if !a.global.quiet {
		printf(w, "%-25s %s\n%s\n", "External repo name", "URL", rule(" ", 25, 40))
	}
	for _, r := range repos {
		printf(w, "%-25s %s\n", r.Name, r.URL)
	}
}

// printTagRepos prints repositories of one tag, or of several.
func (a *app) printTagRepos(w io.Writer, repos []api.TagExternalRepo, several bool) {
	switch {
	case a.global.quiet:
	case several:
		printf(w, "%-20s %-3s %-10s %s\n%s\n", "Tag", "Pri", "Mode", "External repo name", rule(" ", 20, 3, 10, 25))
	default:
		printf(w, "%-3s %-25s %-10s URL\n%s\n", "Pri", "External repo name", "Mode", rule(" ", 3, 25, 10, 40))
	}
	for _, r := range repos {
		if several {
			printf(w, "%-20s %-3d %-10s %s\n", r.TagName, r.Priority, r.MergeMode, r.ExternalRepoName)
		} else {
			printf(w, "%-3d %-25s %-10s %s\n", r.Priority, r.ExternalRepoName, r.MergeMode, r.URL)
		}
	}
}
