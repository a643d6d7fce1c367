package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// downloadBuildOptions are those of download-build.
type downloadBuildOptions struct {
	arches                           []string
	btype, latestFrom, key, topURL   string
	debuginfo, taskID, rpm, unsigned bool
	noProgress                       bool
}

func downloadBuild(a *app) *cobra.Command {
	var o downloadBuildOptions
	cmd := &cobra.Command{
		Use:   "download-build [options] <n-v-r|build_id>",
		Short: "Download a completed build",
		Long: "Download the files of a build to the current directory.\n" +
			"Scratch builds do not have build entries: their files are the output of their tasks.",
		Example: "  toji download-build hello-1.0-1\n  toji download-build --arch x86_64 --latestfrom f40 hello",
		GroupID: download,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) < 1:
				return usagef("Please specify a package N-V-R or build ID")
			case len(args) > 1:
				return usagef("Only a single package N-V-R or build ID may be specified")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.downloadBuild(cmd.Context(), &o, args[0])
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&o.arches, "arch", "a", nil, "only download packages for this `arch` (may be used multiple times)")
	fs.StringVar(&o.btype, "type", "", "download archives of the given type, rather than rpms (maven, win, image, remote-sources)")
	fs.StringVar(&o.latestFrom, "latestfrom", "", "download the latest build from this `tag`")
	fs.BoolVar(&o.debuginfo, "debuginfo", false, "also download -debuginfo rpms")
	fs.BoolVar(&o.taskID, "task-id", false, "interpret id as a task id")
	fs.BoolVar(&o.rpm, "rpm", false, "download the given rpm")
	fs.StringVar(&o.key, "key", "", "download rpms signed with the given key")
	fs.BoolVar(&o.unsigned, "fallback-unsigned", false, "when used with --key: download unsigned if signed packages not found")
	fs.StringVar(&o.topURL, "topurl", "", "`URL` under which the hub's files are accessible")
	fs.BoolVar(&o.noProgress, "noprogress", false, "do not display progress meter")
	fs.BoolVarP(&a.global.quiet, "quiet", "q", false, "suppress output")
	a.complete(cmd, flagNames{"latestfrom": a.tags})
	return cmd
}

func (a *app) downloadBuild(ctx context.Context, o *downloadBuildOptions, arg string) error {
	h, err := a.anonymous(ctx)
	if err != nil {
		return err
	}
	b, single, err := o.findBuild(ctx, h, arg)
	if err != nil {
		return err
	}
	if o.topURL == "" {
		o.topURL = h.profile.TopURL
	}
	if o.topURL == "" {
		return failuref("You must specify --topurl to download files")
	}
	d := downloader{app: a, hub: h, top: koji.PathInfo{TopDir: strings.TrimRight(o.topURL, "/")}, noProgress: o.noProgress}
	if o.btype != "" {
		return d.archives(ctx, b, o.btype)
	}
	rpms, err := o.findRPMs(ctx, h, b, single)
	if err != nil {
		return err
	}
	return d.rpms(ctx, b, rpms, o.key, o.unsigned)
}

// findBuild finds the build that the argument means; with --rpm also the RPM.
func (o *downloadBuildOptions) findBuild(ctx context.Context, c rpc.Caller, arg string) (*api.BuildInfo, *api.RPM, error) {
	name := ref(arg)
	id, isID := name.(int64)
	switch {
	case isID && o.latestFrom != "":
		return nil, nil, usagef("--latestfrom not compatible with build IDs, specify a package name.")
	case o.latestFrom != "":
		b, err := o.latest(ctx, c, arg)
		return b, nil, err
	case isID && o.taskID:
		build, err := buildOfTask(ctx, c, id)
		if err != nil {
			return nil, nil, err
		}
		name = build
	}
	single, err := o.findSingle(ctx, c, arg)
	if err != nil {
		return nil, nil, err
	}
	if single != nil {
		name = deref(single.BuildID)
	}
	if !o.rpm {
		single = nil // its name meant the build that it belongs to
	}
	b, err := rpc.Invoke(ctx, c, api.GetBuild, api.BuildParams{BuildInfo: name})
	if err != nil {
		return nil, nil, err
	}
	if b == nil {
		return nil, nil, failuref("No such build: %s", arg)
	}
	return &b.BuildInfo, single, nil
}

// buildOfTask returns the build that a task made.
func buildOfTask(ctx context.Context, c rpc.Caller, id int64) (int64, error) {
	builds, err := rpc.Invoke(ctx, c, api.ListBuilds, api.ListBuildsParams{TaskID: &id})
	if err != nil {
		return 0, err
	}
	if len(builds.List) == 0 {
		return 0, failuref("No associated builds for task %d\nThe files of a scratch build are the output of its tasks: `%s taskinfo -r %d` lists them",
			id, program(), id)
	}
	return builds.List[0].BuildID, nil
}

// findSingle returns the RPM that the argument names: with --rpm it has to exist,
// otherwise it is nil where the argument names something else.
func (o *downloadBuildOptions) findSingle(ctx context.Context, c rpc.Caller, arg string) (*api.RPM, error) {
	if _, err := koji.ParseNVRA(arg); err != nil && !o.rpm {
		return nil, nil
	}
	found, err := findRPM(ctx, c, ref(arg))
	switch {
	case err != nil && (o.rpm || !isFault(err)):
		return nil, err
	case o.rpm && found == nil:
		return nil, failuref("No such rpm: %s", arg)
	case err != nil || found == nil || found.BuildID == nil && !o.rpm:
		return nil, nil
	}
	return found, nil
}

// latest returns the latest build of a package in the tag of --latestfrom.
func (o *downloadBuildOptions) latest(ctx context.Context, c rpc.Caller, pkg string) (*api.BuildInfo, error) {
	p := api.ListTaggedParams{Tag: o.latestFrom, Latest: true, Package: &pkg, Type: ptr(o.btype), Strict: true}
	builds, err := rpc.Invoke(ctx, c, api.ListTagged, p)
	if isFault(err) {
		return nil, failuref("Error finding latest build: %v", err)
	}
	if err != nil {
		return nil, err
	}
	if len(builds) == 0 {
		return nil, failuref("%s has no builds of %s", o.latestFrom, pkg)
	}
	return &builds[0].BuildInfo, nil
}

// findRPMs returns the RPMs to download: single if it is set, else those of the
// build that the options do not exclude.
func (o *downloadBuildOptions) findRPMs(ctx context.Context, c rpc.Caller, b *api.BuildInfo, single *api.RPM) ([]api.RPM, error) {
	rpms := []api.RPM{}
	if single != nil {
		rpms = append(rpms, *single)
	} else {
		p := api.ListRPMsParams{BuildID: &b.BuildID}
		if o.arches != nil {
			p.Arches = o.arches
		}
		rows, err := rpc.Invoke(ctx, c, api.ListRPMs, p)
		if err != nil {
			return nil, err
		}
		for _, r := range rows.List {
			rpms = append(rpms, r.RPM)
		}
	}
	if len(rpms) == 0 && o.arches != nil {
		return nil, failuref("No %s packages available for %s", strings.Join(o.arches, " or "), b.Parts())
	}
	if len(rpms) == 0 {
		return nil, failuref("No packages available for %s", b.Parts())
	}
	wanted := rpms[:0]
	for _, r := range rpms {
		if o.debuginfo || !koji.IsDebuginfo(r.Name) {
			wanted = append(wanted, r)
		}
	}
	return wanted, nil
}
