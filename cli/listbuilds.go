package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// listBuildsOptions are those of list-builds.
type listBuildsOptions struct {
	pkg, buildID, state, task  string
	btype, prefix, pattern, cg string
	source, owner, volume      string
	before, after              *float64
	draftOnly, noDraft         bool
	sortKeys                   []string
	reverse                    bool
}

func listBuilds(a *app) *cobra.Command {
	var o listBuildsOptions
	cmd := &cobra.Command{
		Use:     "list-builds [options]",
		Short:   "Print the build listing",
		Long:    "Print the builds that match all of the filters given. Of these there has to be one.",
		Example: "  toji list-builds --package hello --state COMPLETE\n  toji list-builds --owner alice --after 2026-01-01",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			builds, err := o.find(cmd.Context(), h)
			if err != nil {
				return err
			}
			a.sortBuilds(builds, &o)
			return a.show(cmd, builds, func(w io.Writer) { a.printBuilds(w, builds) })
		},
	}
	o.register(a, cmd)
	return cmd
}

func (o *listBuildsOptions) register(a *app, cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&o.pkg, "package", "", "list builds for this package")
	fs.StringVar(&o.buildID, "buildid", "", "list specific build from ID or nvr")
	a.timeFlag(fs, &o.before, "before", "list builds built before this time, "+timeHelp)
	a.timeFlag(fs, &o.after, "after", "list builds built after this time (same format as for --before)")
	fs.StringVar(&o.state, "state", "", "list builds in this state")
	fs.StringVar(&o.task, "task", "", "list builds for this task")
	fs.StringVar(&o.btype, "type", "", "list builds of this type")
	fs.StringVar(&o.prefix, "prefix", "", "only builds starting with this prefix")
	fs.StringVar(&o.pattern, "pattern", "", "only list builds matching this GLOB pattern")
	fs.StringVar(&o.cg, "cg", "", "only list builds imported by matching content generator name")
	fs.StringVar(&o.source, "source", "", "only builds where the source field matches (glob pattern)")
	fs.StringVar(&o.owner, "owner", "", "list builds built by this owner")
	fs.StringVar(&o.volume, "volume", "", "list builds by volume ID")
	fs.BoolVar(&o.draftOnly, "draft-only", false, "only list draft builds")
	fs.BoolVar(&o.noDraft, "no-draft", false, "only list regular builds")
	fs.StringArrayVarP(&o.sortKeys, "sort-key", "k", nil, "sort the list by the named `field`: build_id, owner_name or state")
	fs.BoolVarP(&o.reverse, "reverse", "r", false, "print the list in reverse order")
	a.quietFlag(cmd, "do not print the header information")
	jsonFlag(cmd)
}

// find lists the builds that match the options.
func (o *listBuildsOptions) find(ctx context.Context, c rpc.Caller) ([]api.ListedBuild, error) {
	p, err := o.params(ctx, c)
	if err != nil {
		return nil, err
	}
	if o.buildID != "" {
		b, err := rpc.Invoke(ctx, c, api.GetBuild, api.BuildParams{BuildInfo: ref(o.buildID)})
		if err != nil {
			return nil, err
		}
		if b == nil {
			return nil, usagef("No such build: '%s'", o.buildID)
		}
		return []api.ListedBuild{{BuildInfo: b.BuildInfo, BuildTimes: b.BuildTimes}}, nil
	}
	if args, err := rpc.EncodeShort(p); err != nil || len(args) == 0 {
		return nil, usagef("Filter must be provided for list")
	}
	rows, err := rpc.Invoke(ctx, c, api.ListBuilds, p)
	return rows.List, err
}

// params returns the query that the options mean.
func (o *listBuildsOptions) params(ctx context.Context, c rpc.Caller) (p api.ListBuildsParams, err error) {
	if o.noDraft && o.draftOnly {
		return p, usagef("--draft-only conflits with --no-draft")
	}
	p.Type, p.Prefix, p.Pattern, p.Source = ptr(o.btype), ptr(o.prefix), ptr(o.pattern), ptr(o.source)
	if o.noDraft || o.draftOnly {
		p.Draft = &o.draftOnly
	}
	if o.cg != "" {
		p.CGID = o.cg
	}
	if o.before != nil {
		p.CompleteBefore = *o.before
	}
	if o.after != nil {
		p.CompleteAfter = *o.after
	}
	if p.PackageID, err = o.packageID(ctx, c); err != nil {
		return p, err
	}
	if p.UserID, err = o.ownerID(ctx, c); err != nil {
		return p, err
	}
	if p.VolumeID, err = o.volumeID(ctx, c); err != nil {
		return p, err
	}
	if p.State, err = o.stateNumber(); err != nil {
		return p, err
	}
	if o.task != "" {
		id, err := parseInt(o.task)
		if err != nil {
			return p, usagef("Task id must be an integer")
		}
		p.TaskID = &id
	}
	return p, nil
}

func (o *listBuildsOptions) packageID(ctx context.Context, c rpc.Caller) (any, error) {
	id, ok := ref(o.pkg).(int64)
	if ok || o.pkg == "" {
		return nilIfZero(id), nil
	}
	found, err := rpc.Invoke(ctx, c, api.GetPackageID, api.GetPackageIDParams{Name: o.pkg})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, usagef("No such package: %s", o.pkg)
	}
	return *found, nil
}

func (o *listBuildsOptions) ownerID(ctx context.Context, c rpc.Caller) (any, error) {
	id, ok := ref(o.owner).(int64)
	if ok || o.owner == "" {
		return nilIfZero(id), nil
	}
	id, err := userID(ctx, c, o.owner)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return nil, usagef("No such user: %s", o.owner)
	}
	return id, nil
}

func (o *listBuildsOptions) volumeID(ctx context.Context, c rpc.Caller) (*int64, error) {
	if o.volume == "" {
		return nil, nil
	}
	if id, err := parseInt(o.volume); err == nil {
		return &id, nil
	}
	volumes, err := rpc.Invoke(ctx, c, api.ListVolumes, api.NoParams{})
	if err != nil {
		return nil, err
	}
	for _, v := range volumes {
		if v.Name == o.volume {
			return &v.ID, nil
		}
	}
	return nil, usagef("No such volume: %s", o.volume)
}

func (o *listBuildsOptions) stateNumber() (*int64, error) {
	if o.state == "" {
		return nil, nil
	}
	state, ok := koji.ParseBuildState(o.state)
	if n, err := strconv.Atoi(o.state); err == nil {
		state, ok = koji.BuildState(n), 0 <= n && n <= int(koji.BuildCanceled)
	}
	if !ok {
		return nil, usagef("Invalid state: %s", o.state)
	}
	n := int64(state)
	return &n, nil
}

func nilIfZero(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// sortBuilds sorts builds by the fields that the user names.
func (a *app) sortBuilds(builds []api.ListedBuild, o *listBuildsOptions) {
	keys := o.sortKeys
	if keys == nil {
		keys = []string{"build_id"}
	}
	compare := map[string]func(x, y api.ListedBuild) int{
		"build_id":   func(x, y api.ListedBuild) int { return cmp.Compare(x.BuildID, y.BuildID) },
		"owner_name": func(x, y api.ListedBuild) int { return cmp.Compare(x.OwnerName, y.OwnerName) },
		"state":      func(x, y api.ListedBuild) int { return cmp.Compare(x.State, y.State) },
	}
	for _, key := range keys {
		if compare[key] == nil {
			printf(a.Stderr, "Invalid sort_key: %s.\n", key)
		}
	}
	slices.SortStableFunc(builds, func(x, y api.ListedBuild) int {
		for _, key := range keys {
			if by := compare[key]; by != nil {
				if n := by(x, y); n != 0 && o.reverse {
					return -n
				} else if n != 0 {
					return n
				}
			}
		}
		return 0
	})
}

func (a *app) printBuilds(w io.Writer, builds []api.ListedBuild) {
	if !a.global.quiet {
		printf(w, "%-55s  %-16s  %s\n", "Build", "Built by", "State")
		printf(w, "%s\n", rule("  ", 55, 16, 16))
	}
	for _, b := range builds {
		printf(w, "%s\n", columns(b.NVR, 55, b.OwnerName, 16, b.State))
	}
}
