package cli

import (
	"context"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// listTaggedOptions are those of list-tagged.
type listTaggedOptions struct {
	arches                []string
	rpms, inherit, latest bool
	latestN               *int64
	paths, sigs           bool
	btype                 string
	draftOnly, noDraft    bool
	when
}

func listTagged(a *app) *cobra.Command {
	var o listTaggedOptions
	cmd := &cobra.Command{
		Use:     "list-tagged [options] <tag> [<package>]",
		Short:   "List the builds or rpms in a tag",
		Example: "  toji list-tagged --latest --inherit f40-build\n  toji list-tagged --arch x86_64 f40 hello",
		GroupID: info,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("A tag name must be specified")
			case len(args) > 2:
				return usagef("Only one package name may be specified")
			case o.noDraft && o.draftOnly:
				return usagef("--draft-only conflicts with --no-draft")
			}
			return a.listTagged(cmd, o, args[0], args[1:])
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&o.arches, "arch", nil, "list rpms for this `arch`")
	fs.BoolVar(&o.rpms, "rpms", false, "show rpms instead of builds")
	fs.BoolVar(&o.inherit, "inherit", false, "follow inheritance")
	fs.BoolVar(&o.latest, "latest", false, "only show the latest builds/rpms")
	optionalInt(fs, &o.latestN, "latest-n", "only show the latest N builds/rpms")
	fs.BoolVar(&o.paths, "paths", false, "show the file paths")
	fs.BoolVar(&o.sigs, "sigs", false, "show signatures")
	fs.StringVar(&o.btype, "type", "", "show builds of the given type only: rpm, maven, win, image, or a custom one")
	o.when.register(fs)
	fs.BoolVar(&o.draftOnly, "draft-only", false, "only list draft builds/rpms")
	fs.BoolVar(&o.noDraft, "no-draft", false, "only list regular builds/rpms")
	a.quietFlag(cmd, "do not print the header information")
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tags)
	return cmd
}

func (a *app) listTagged(cmd *cobra.Command, o listTaggedOptions, tag string, pkg []string) error {
	ctx := cmd.Context()
	h, err := a.anonymous(ctx)
	if err != nil {
		return err
	}
	p := o.params(tag, pkg)
	event, err := o.find(ctx, h)
	if err != nil {
		return err
	}
	p.Event = eventID(event)
	if !a.global.quiet && !wantsJSON(cmd) {
		a.sayEvent(a.Stdout, event)
	}
	get := api.GetTagParams{TagInfo: tag}
	if event != nil {
		get.Event = event.ID
	}
	found, err := rpc.Invoke(ctx, h, api.GetTag, get)
	if err != nil {
		return err
	}
	if found == nil {
		return usagef("No such tag: %s", tag)
	}
	if o.rpms || o.sigs || o.arches != nil {
		return a.listTaggedRPMs(cmd, h, o, p)
	}
	builds, err := rpc.Invoke(ctx, h, api.ListTagged, p)
	if err != nil {
		return err
	}
	table := buildTable{paths: o.paths, maven: o.btype == "maven", head: !a.global.quiet, topDir: h.profile.TopDir}
	return a.show(cmd, builds, func(w io.Writer) { table.print(w, builds) })
}

// params returns the query for builds.
func (o *listTaggedOptions) params(tag string, pkg []string) api.ListTaggedParams {
	p := api.ListTaggedParams{Tag: tag, Inherit: o.inherit, Latest: o.latest, Type: ptr(o.btype), Strict: true}
	if o.latestN != nil {
		p.Latest = *o.latestN
	}
	if len(pkg) > 0 {
		p.Package = ptr(pkg[0])
	}
	// Koji: drafts are told apart only where no type is asked for.
	if o.btype == "" && (o.noDraft || o.draftOnly) {
		p.Draft = &o.draftOnly
	}
	return p
}

// listTaggedRPMs lists the RPMs of the builds that p asks for.
func (a *app) listTaggedRPMs(cmd *cobra.Command, h *hub, o listTaggedOptions, p api.ListTaggedParams) error {
	top := koji.PathInfo{TopDir: h.profile.TopDir}
	packages := top.TopDir + "/packages"
	if _, err := os.Stat(packages); o.sigs && o.paths && err != nil {
		return failuref("'list-tagged --sigs --paths' requires accessible %s", packages)
	}
	q := api.ListTaggedRPMSParams{
		Tag: p.Tag, Event: p.Event, Inherit: p.Inherit, Latest: p.Latest, Package: p.Package,
		RPMSigs: o.sigs, Type: p.Type, Strict: true, Extra: true, Draft: p.Draft,
	}
	if o.arches != nil {
		q.Arch = o.arches
	}
	rpms, builds, err := taggedRPMs(cmd.Context(), h, q)
	if err != nil {
		return err
	}
	return a.show(cmd, rpms, func(w io.Writer) {
		var lines []string
		if o.paths {
			lines = a.rpmPaths(top, rpms, builds, o.sigs)
		} else {
			for _, r := range rpms {
				lines = append(lines, o.rpmLine(r))
			}
		}
		printSorted(w, lines)
	})
}

// taggedRPMs lists RPMs and the builds that they belong to.
func taggedRPMs(ctx context.Context, c rpc.Caller, p api.ListTaggedRPMSParams) (rpms []api.TaggedRPM, builds []api.TaggedBuild, err error) {
	lists, err := rpc.Invoke(ctx, c, api.ListTaggedRPMS, p)
	if err != nil {
		return nil, nil, err
	}
	return splitRPMs(lists)
}

// splitRPMs converts an answer that is a list of RPMs and a list of builds.
func splitRPMs(lists []any) (rpms []api.TaggedRPM, builds []api.TaggedBuild, err error) {
	if len(lists) != 2 {
		return nil, nil, failuref("The hub answered %d lists in place of RPMs and builds", len(lists))
	}
	if err := rpc.Into(lists[0], &rpms); err != nil {
		return nil, nil, err
	}
	return rpms, builds, rpc.Into(lists[1], &builds)
}

func (o *listTaggedOptions) rpmLine(r api.TaggedRPM) string {
	line := taggedNVRA(r).String()
	if deref(r.Draft) {
		line += " (,draft_" + orNone(&r.BuildID) + ")"
	}
	if o.sigs {
		line = deref(r.SigKey) + " " + line
	}
	return line
}

func taggedNVRA(r api.TaggedRPM) koji.NVRA {
	return koji.NVRA{NVR: koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release}, Arch: r.Arch}
}

// rpmPaths returns the files of RPMs; with sigs, those of signed copies that are there.
func (a *app) rpmPaths(top koji.PathInfo, rpms []api.TaggedRPM, builds []api.TaggedBuild, sigs bool) []string {
	dirs := make(map[int64]string, len(builds))
	for _, b := range builds {
		dir := top.Build(b.VolumeName, b.Parts())
		if info, err := os.Stat(dir); sigs && (err != nil || !info.IsDir()) {
			printf(a.Stderr, "Build directory not found: %s\n", dir)
			continue
		}
		dirs[b.BuildID] = dir
	}
	var lines []string
	for _, r := range rpms {
		dir, ok := dirs[r.BuildID]
		if !ok {
			continue
		}
		path := dir + "/" + top.RPM(taggedNVRA(r))
		if sigs {
			path = dir + "/" + top.Signed(taggedNVRA(r), deref(r.SigKey))
			if !isFile(path) {
				continue
			}
		}
		lines = append(lines, path)
	}
	return lines
}

// buildTable prints builds in tags.
type buildTable struct {
	paths, maven, head bool
	topDir             string
}

func (t buildTable) print(w io.Writer, builds []api.TaggedBuild) {
	if t.head {
		t.printHead(w)
	}
	lines := make([]string, len(builds))
	for i, b := range builds {
		lines[i] = t.line(b)
	}
	printSorted(w, lines)
}

func (t buildTable) printHead(w io.Writer) {
	if t.maven {
		printf(w, "%-40s  %-20s  %-20s  %-20s  %s\n", "Build", "Tag", "Group Id", "Artifact Id", "Built by")
		printf(w, "%s\n", rule("  ", 40, 20, 20, 20, 16))
		return
	}
	printf(w, "%-40s  %-20s  %s\n", "Build", "Tag", "Built by")
	printf(w, "%s\n", rule("  ", 40, 20, 16))
}

func (t buildTable) line(b api.TaggedBuild) string {
	top := koji.PathInfo{TopDir: t.topDir}
	name := b.NVR
	switch {
	case t.paths && t.maven:
		name = top.TypeDir(b.VolumeName, b.Parts(), "maven")
	case t.paths:
		name = top.Build(b.VolumeName, b.Parts())
	}
	if t.maven {
		return columns(name, 40, b.TagName, 20, b.MavenGroupID, 20, b.MavenArtifactID, 20, b.OwnerName)
	}
	return columns(name, 40, b.TagName, 20, b.OwnerName)
}

func printSorted(w io.Writer, lines []string) {
	slices.Sort(lines)
	for _, line := range lines {
		printf(w, "%s\n", line)
	}
}
