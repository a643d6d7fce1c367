package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// tagDetails is what taginfo shows.
type tagDetails struct {
	api.BuildConfig
	Permission    string                `rpc:"permission,omitempty"`
	Groups        []string              `rpc:"groups"`
	DestTargets   []api.BuildTarget     `rpc:"dest_targets"`  // whose builds come here
	BuildTargets  []api.BuildTarget     `rpc:"build_targets"` // whose builds run in its buildroots
	ExternalRepos []api.TagExternalRepo `rpc:"external_repos"`
	Inheritance   []api.InheritanceRule `rpc:"inheritance"`
	// repos are the current repositories, by tag; nil when the past is asked for.
	repos map[int64]string
}

func tagInfo(a *app) *cobra.Command {
	var o when
	cmd := &cobra.Command{
		Use:     "taginfo [options] <tag> [<tag> ...]",
		Short:   "Print basic information about a tag",
		Example: "  toji taginfo f40-build\n  toji taginfo --ts 1700000000 f40-build",
		GroupID: info,
		Args:    nargs(1, -1, "Please specify a tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			event, err := o.find(cmd.Context(), h)
			if err != nil {
				return err
			}
			tags, err := tagDetailsOf(cmd.Context(), h, args, event)
			if err != nil {
				return err
			}
			return a.show(cmd, tags, func(w io.Writer) {
				a.sayEvent(w, event)
				for i, t := range tags {
					if i > 0 {
						printf(w, "\n")
					}
					t.print(w)
				}
			})
		},
	}
	o.register(cmd.Flags())
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tags, more)
	return cmd
}

func tagDetailsOf(ctx context.Context, c rpc.Caller, names []string, event *api.Event) ([]*tagDetails, error) {
	perms, err := rpc.Invoke(ctx, c, api.GetAllPerms, api.NoParams{})
	if err != nil {
		return nil, err
	}
	permNames := make(map[int64]string, len(perms))
	for _, p := range perms {
		permNames[p.ID] = p.Name
	}
	tags := make([]*tagDetails, len(names))
	for i, name := range names {
		config, err := rpc.Invoke(ctx, c, api.GetBuildConfig, api.TagEventParams{Tag: name, Event: eventID(event)})
		if err != nil {
			return nil, err
		}
		if config == nil {
			return nil, usagef("No such tag: %s", name)
		}
		tags[i] = &tagDetails{BuildConfig: *config}
		if config.PermID != nil {
			tags[i].Permission = permNames[*config.PermID]
		}
	}
	for _, t := range tags {
		if err := t.fill(ctx, c, event); err != nil {
			return nil, fmt.Errorf("tag %s: %w", t.Name, err)
		}
	}
	return tags, nil
}

// fill asks for all that belongs to the tag.
func (t *tagDetails) fill(ctx context.Context, c rpc.Caller, event *api.Event) error {
	at := eventID(event)
	groups, err := rpc.Invoke(ctx, c, api.GetTagGroups,
		api.GetTagGroupsParams{Tag: t.ID, Event: at, Inherit: true, InclPkgs: true, InclReqs: true})
	if err != nil {
		return err
	}
	for _, g := range groups {
		t.Groups = append(t.Groups, g.Name)
	}
	slices.Sort(t.Groups)
	dest, err := rpc.Invoke(ctx, c, api.GetBuildTargets, api.GetBuildTargetsParams{DestTagID: t.ID, Event: at})
	if err != nil {
		return err
	}
	build, err := rpc.Invoke(ctx, c, api.GetBuildTargets, api.GetBuildTargetsParams{BuildTagID: t.ID, Event: at})
	if err != nil {
		return err
	}
	t.DestTargets, t.BuildTargets = dest.List, build.List
	if event == nil {
		if err := t.findRepos(ctx, c); err != nil {
			return err
		}
	}
	t.ExternalRepos, err = rpc.Invoke(ctx, c, api.GetTagExternalRepos, api.GetTagExternalReposParams{TagInfo: t.ID, Event: at})
	if err != nil {
		return err
	}
	t.Inheritance, err = rpc.Invoke(ctx, c, api.GetInheritanceData, api.TagEventParams{Tag: t.ID, Event: at})
	return err
}

// findRepos asks for the current repositories of the tag and of the build tags of
// its targets.
func (t *tagDetails) findRepos(ctx context.Context, c rpc.Caller) error {
	t.repos = map[int64]string{}
	for _, target := range slices.Concat(t.DestTargets, t.BuildTargets, []api.BuildTarget{{BuildTag: t.ID}}) {
		if _, ok := t.repos[target.BuildTag]; ok {
			continue
		}
		repo, err := rpc.Invoke(ctx, c, api.GetRepo, api.GetRepoParams{Tag: target.BuildTag})
		if err != nil {
			return err
		}
		t.repos[target.BuildTag] = "no active repo"
		if repo != nil {
			t.repos[target.BuildTag] = fmt.Sprintf("repo#%d: %s", repo.ID, repo.CreationTime)
		}
	}
	return nil
}

func (t *tagDetails) print(w io.Writer) {
	printf(w, "Tag: %s [%d]\n", t.Name, t.ID)
	printf(w, "Arches: %s\n", orNone(t.Arches))
	printf(w, "Groups: %s\n", strings.Join(t.Groups, ", "))
	if t.Locked {
		printf(w, "LOCKED\n")
	}
	if t.PermID != nil {
		var perm any = t.Permission
		if t.Permission == "" {
			perm = *t.PermID
		}
		printf(w, "Required permission: %s\n", xmlrpc.Repr(perm))
	}
	if t.MavenSupport || t.MavenIncludeAll {
		printf(w, "Maven support?: %s\n", inWords(t.MavenSupport))
		printf(w, "Include all Maven archives?: %s\n", inWords(t.MavenIncludeAll))
	}
	t.printExtra(w)
	t.printTargets(w)
	if len(t.ExternalRepos) > 0 {
		printf(w, "External repos:\n")
	}
	for _, r := range t.ExternalRepos {
		arches := deref(r.Arches)
		if arches == "" {
			arches = "inherited from tag"
		}
		printf(w, "  %3d %s (%s, merge mode: %s), arches: %s\n", r.Priority, r.ExternalRepoName, r.URL, r.MergeMode, arches)
	}
	printf(w, "Inheritance:\n")
	for _, p := range t.Inheritance {
		printf(w, "  %-4d %s %s [%d]\n", p.Priority, inheritanceFlags(p), p.Name, p.ParentID)
		if p.MaxDepth != nil {
			printf(w, "    maxdepth: %d\n", *p.MaxDepth)
		}
		if deref(p.PkgFilter) != "" {
			printf(w, "    package filter: %s\n", *p.PkgFilter)
		}
	}
}

func (t *tagDetails) printExtra(w io.Writer) {
	printf(w, "Tag options:\n")
	for _, key := range slices.Sorted(maps.Keys(t.Extra)) {
		line := fmt.Sprintf("  %s : %s", key, pformat(t.Extra[key]))
		if source, ok := t.Sources.Extra[key]; ok {
			line = fmt.Sprintf("%-30s [%s]", line, source.Name)
		}
		printf(w, "%s\n", line)
	}
}

func (t *tagDetails) printTargets(w io.Writer) {
	if len(t.DestTargets) > 0 {
		printf(w, "Targets that build into this tag:\n")
	}
	for _, target := range t.DestTargets {
		from := target.BuildTagName
		if t.repos != nil {
			from += ", " + t.repos[target.BuildTag]
		}
		printf(w, "  %s (%s)\n", target.Name, from)
	}
	if len(t.BuildTargets) > 0 {
		printf(w, "This tag is a buildroot for one or more targets\n")
	}
	if t.repos != nil {
		printf(w, "Current repo: %s\n", t.repos[t.ID])
	}
	if len(t.BuildTargets) > 0 {
		printf(w, "Targets that build from this tag:\n")
	}
	for _, target := range t.BuildTargets {
		printf(w, "  %s\n", target.Name)
	}
}

// inheritanceFlags shows which limits an inheritance has, a letter or dot each.
func inheritanceFlags(r api.InheritanceRule) string {
	flags := []byte("....")
	for i, set := range []bool{r.MaxDepth != nil, deref(r.PkgFilter) != "", r.Intransitive, r.NoConfig} {
		if set {
			flags[i] = "MFIN"[i]
		}
	}
	return string(flags)
}
