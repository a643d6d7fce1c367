package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	_ "github.com/toji-build/toji/koji/tasks" // for their labels
	"github.com/toji-build/toji/koji/xmlrpc"
)

// buildDetails is what buildinfo shows.
type buildDetails struct {
	api.Build
	Task      *api.TaskInfo        `rpc:"task"`
	Tags      []api.ListedTag      `rpc:"tags"`
	Maven     *api.MavenBuild      `rpc:"maven"`
	Win       *api.WinBuild        `rpc:"win"`
	Archives  []archiveGroup       `rpc:"archives"`
	RPMs      []signedRPM          `rpc:"rpms"`
	Changelog []api.ChangelogEntry `rpc:"changelog,omitempty"`
}

// archiveGroup are the archives of one build type.
type archiveGroup struct {
	Type     string              `rpc:"type"`
	Archives []api.ListedArchive `rpc:"archives"`
}

// signedRPM is an RPM with the keys that it is signed with.
type signedRPM struct {
	api.ListedRPM
	SigKeys []string `rpc:"sigkeys"`
}

func buildInfo(a *app) *cobra.Command {
	var changelog bool
	cmd := &cobra.Command{
		Use:     "buildinfo [options] <n-v-r> [<n-v-r> ...]",
		Short:   "Print basic information about a build",
		Example: "  toji buildinfo hello-1.0-1\n  toji buildinfo --changelog 123",
		GroupID: info,
		Args:    nargs(1, -1, "Please specify a build"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			var missing error
			for _, arg := range args {
				d, err := buildDetailsOf(cmd.Context(), h, arg, changelog)
				if err != nil {
					return err
				}
				if d == nil {
					printf(a.Stderr, "No such build: %s\n\n", arg)
					missing = errFailed
					continue
				}
				if err := a.show(cmd, d, func(w io.Writer) { a.printBuild(w, h, d) }); err != nil {
					return err
				}
			}
			return missing
		},
	}
	cmd.Flags().BoolVar(&changelog, "changelog", false, "show the changelog for the build")
	jsonFlag(cmd)
	return cmd
}

// buildDetailsOf returns nil for a build that does not exist.
func buildDetailsOf(ctx context.Context, c rpc.Caller, name string, changelog bool) (*buildDetails, error) {
	b, err := rpc.Invoke(ctx, c, api.GetBuild, api.BuildParams{BuildInfo: ref(name)})
	if err != nil || b == nil {
		return nil, err
	}
	d := &buildDetails{Build: *b}
	if id := buildTaskOf(b); id != 0 {
		if d.Task, err = requestedTask(ctx, c, id); err != nil {
			return nil, err
		}
	}
	tags, err := rpc.Invoke(ctx, c, api.ListTags, api.ListTagsParams{Build: ref(name), Perms: true})
	if err != nil {
		return nil, err
	}
	d.Tags = tags.List
	if d.Maven, err = rpc.Invoke(ctx, c, api.GetMavenBuild, api.BuildParams{BuildInfo: b.ID}); err != nil {
		return nil, err
	}
	if d.Win, err = rpc.Invoke(ctx, c, api.GetWinBuild, api.BuildParams{BuildInfo: b.ID}); err != nil {
		return nil, err
	}
	if d.Archives, err = archivesOf(ctx, c, b.ID); err != nil {
		return nil, err
	}
	if d.RPMs, err = signedRPMsOf(ctx, c, b.ID); err != nil || !changelog {
		return d, err
	}
	rows, err := rpc.Invoke(ctx, c, api.GetChangelogEntries, api.GetChangelogEntriesParams{BuildID: b.ID})
	d.Changelog = rows.List
	return d, err
}

// buildTaskOf returns the task that made a build, or 0. The content generator of
// containers notes its own in the build's extra data.
func buildTaskOf(b *api.Build) int64 {
	if b.TaskID != nil {
		return *b.TaskID
	}
	id, _ := b.Extra.Object()["container_koji_task_id"].(int64)
	return id
}

// archivesOf lists the archives of a build: those of Maven, Windows and image
// builds, then all others in the order of their types.
func archivesOf(ctx context.Context, c rpc.Caller, buildID int64) ([]archiveGroup, error) {
	var groups []archiveGroup
	seen := map[int64]bool{}
	for _, btype := range []string{"maven", "win", "image", ""} {
		rows, err := rpc.Invoke(ctx, c, api.ListArchives, api.ListArchivesParams{BuildID: &buildID, Type: ptr(btype)})
		if err != nil {
			return nil, err
		}
		for _, archive := range rows.List {
			if seen[archive.ID] {
				continue
			}
			seen[archive.ID] = true
			i := slices.IndexFunc(groups, func(g archiveGroup) bool { return g.Type == archive.BType })
			if i < 0 {
				i = len(groups)
				groups = append(groups, archiveGroup{Type: archive.BType})
			}
			groups[i].Archives = append(groups[i].Archives, archive)
		}
	}
	return groups, nil
}

func signedRPMsOf(ctx context.Context, c rpc.Caller, buildID int64) ([]signedRPM, error) {
	rows, err := rpc.Invoke(ctx, c, api.ListRPMs, api.ListRPMsParams{BuildID: &buildID})
	if err != nil {
		return nil, err
	}
	var batch rpc.Batch
	rpms := make([]signedRPM, len(rows.List))
	results := make([]*rpc.Result[rpc.Rows[api.RPMSignature]], len(rpms))
	for i, r := range rows.List {
		rpms[i].ListedRPM = r
		results[i] = rpc.Add(&batch, api.QueryRPMSigs, api.QueryRPMSigsParams{RPMID: r.ID})
	}
	err = doAll(ctx, c, &batch, results)
	for i, result := range results {
		for _, sig := range result.Value.List {
			if sig.SigKey != "" {
				rpms[i].SigKeys = append(rpms[i].SigKeys, sig.SigKey)
			}
		}
		slices.Sort(rpms[i].SigKeys)
	}
	return rpms, err
}

func (a *app) printBuild(w io.Writer, h *hub, d *buildDetails) {
	printf(w, "BUILD: %s [%d]\n", d.Parts(), d.ID)
	if d.Draft {
		printf(w, "Draft: YES\n")
	}
	printf(w, "State: %s\n", d.State)
	if d.State == koji.BuildBuilding {
		printf(w, "Reserved by: %s\n", orNone(d.CGName))
	}
	printf(w, "Built by: %s\n", d.OwnerName)
	if d.Source != nil {
		printf(w, "Source: %s\n", *d.Source)
	}
	printf(w, "Volume: %s\n", d.VolumeName)
	if d.Task != nil {
		printf(w, "Task: %d %s\n", d.Task.ID, labelOf(d.Task))
	} else {
		printf(w, "Task: none\n")
	}
	printf(w, "Finished: %s\n", a.longTime(d.CompletionTS))
	if d.PromotionTS != nil {
		printf(w, "Promoted by: %s\n", orNone(d.PromoterName))
		printf(w, "Promoted at: %s\n", a.longTime(d.PromotionTS))
	}
	d.printTypes(w)
	names := make([]string, len(d.Tags))
	for i, t := range d.Tags {
		names[i] = t.Name
	}
	printf(w, "Tags: %s\n", strings.Join(names, " "))
	if extra := d.Extra.Object(); len(extra) > 0 {
		printf(w, "Extra: %s\n", xmlrpc.Repr(map[string]any(extra)))
	}
	d.printFiles(w, koji.PathInfo{TopDir: h.profile.TopDir})
	printChangelog(w, d.Changelog)
}

func (d *buildDetails) printTypes(w io.Writer) {
	if d.Maven != nil {
		printf(w, "Maven groupId: %s\n", d.Maven.GroupID)
		printf(w, "Maven artifactId: %s\n", d.Maven.ArtifactID)
		printf(w, "Maven version: %s\n", d.Maven.Version)
	}
	if d.Win != nil {
		printf(w, "Windows build platform: %s\n", d.Win.Platform)
	}
}

// archiveTitles are the headings of the build types that Koji has known longest.
var archiveTitles = map[string]string{"maven": "Maven archives", "win": "Windows archives", "image": "Image archives"}

func (d *buildDetails) printFiles(w io.Writer, top koji.PathInfo) {
	for _, group := range d.Archives {
		title, ok := archiveTitles[group.Type]
		if !ok {
			title = strings.ToUpper(group.Type[:1]) + group.Type[1:] + " Archives"
		}
		printf(w, "%s:\n", title)
		for _, archive := range group.Archives {
			printf(w, "%s/%s\n", top.TypeDir(d.VolumeName, d.Parts(), group.Type), archiveFile(archive))
		}
	}
	if len(d.RPMs) > 0 {
		printf(w, "RPMs:\n")
	}
	for _, r := range d.RPMs {
		printf(w, "%s/%s", top.Build(d.VolumeName, d.Parts()), top.RPM(r.Parts()))
		if len(r.SigKeys) > 0 {
			printf(w, "\tSignatures: %s", strings.Join(r.SigKeys, ", "))
		}
		printf(w, "\n")
	}
}

// archiveFile returns an archive's path below the directory of its type.
func archiveFile(a api.ListedArchive) string {
	switch {
	case a.BType == "maven" && a.GroupID != "":
		return strings.ReplaceAll(a.GroupID, ".", "/") + "/" + a.ArtifactID + "/" + a.Version + "/" + a.Filename
	case a.BType == "win" && a.RelPath != "":
		return a.RelPath + "/" + a.Filename
	}
	return a.Filename
}

func printChangelog(w io.Writer, entries []api.ChangelogEntry) {
	if len(entries) == 0 {
		return
	}
	printf(w, "Changelog:\n")
	for _, e := range entries {
		day := koji.FromTS(float64(e.DateTS)).Format("Mon Jan 02 2006")
		printf(w, "* %s %s\n%s\n\n", day, e.Author, e.Text)
	}
	printf(w, "\n")
}

// requestedTask returns a task with its request; nil if it does not exist.
func requestedTask(ctx context.Context, c rpc.Caller, id int64) (*api.TaskInfo, error) {
	v, err := rpc.Invoke(ctx, c, api.GetTaskInfo, api.TaskInfoParams{TaskID: id, Request: true})
	if err != nil {
		return nil, err
	}
	var t *api.TaskInfo
	err = rpc.Into(v, &t)
	return t, err
}

// labelOf names a task by what it is about.
func labelOf(t *api.TaskInfo) string { return taskLabel(&t.Task, t.Request) }

func taskLabel(t *api.Task, request any) string {
	params, _ := request.([]any)
	return task.Label(t.Method, t.Arch, params)
}
