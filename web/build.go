package web

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// changelogEntries is how many entries of a build's changelog are shown.
const changelogEntries = 5

// buildPage is all about one build.
type buildPage struct {
	Build     *api.Build
	Tags      []api.ListedTag
	Arches    []archRPMs
	Archives  []api.ListedArchive
	Logs      []buildLogs
	Changelog []api.ChangelogEntry
	Types     []string
	Extra     *node
	Dir       string // URL of its files
}

// archRPMs are the RPMs of one arch.
type archRPMs struct {
	Arch  string
	RPMs  []rpmRow
	Debug []rpmRow // debug information, of less interest
	Size  int64    // of them all
}

type rpmRow struct {
	api.ListedRPM
	URL string // "" if there is no file
}

// buildLogs are the logs of one arch.
type buildLogs struct {
	Arch string
	Logs []api.BuildLog
}

func (s *Site) loadBuild(r *http.Request) (*view, error) {
	name := r.PathValue("id")
	info := idOrName(name)
	if n, ok := info.(int64); ok && n <= 0 {
		return nil, badRequest("An id is a number, such as 42.", "%q is not the id of a build.", name)
	}
	if text, ok := info.(string); ok {
		if _, err := koji.ParseNVR(text); err != nil {
			return nil, badRequest("A build has an id, such as 42, and a name, such as bash-5.2-1.", "%q does not name a build.", name)
		}
	}
	build, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetBuild, api.BuildParams{BuildInfo: info})
	if err != nil {
		return nil, err
	}
	if build == nil {
		return nil, notFound("A build comes into being once its task has made the source package. Search for its package above.", "There is no build %s.", name)
	}
	p := &buildPage{Build: build, Extra: shape(map[string]any(build.Extra.Object()))}
	dir := koji.PathInfo{}.Build(build.VolumeName, build.Parts())
	if build.State == koji.BuildComplete {
		p.Dir = s.filesURL(dir) + "/"
	}
	if err := s.buildContent(r, p, dir); err != nil {
		return nil, err
	}
	v := &view{Title: build.NVR, Body: p}
	if build.State == koji.BuildBuilding {
		v.Live = "/events"
	}
	return v, nil
}

func (s *Site) buildContent(r *http.Request, p *buildPage, dir string) error {
	id := p.Build.BuildID
	var b rpc.Batch
	tags := rpc.Add(&b, api.ListTags, api.ListTagsParams{Build: id, Perms: true, QueryOpts: map[string]any{"order": "name"}})
	rpms := rpc.Add(&b, api.ListRPMs, api.ListRPMsParams{BuildID: &id})
	archives := rpc.Add(&b, api.ListArchives, api.ListArchivesParams{BuildID: &id})
	types := rpc.Add(&b, api.GetBuildType, api.BuildParams{BuildInfo: id})
	logs, changelog := &rpc.Result[[]api.BuildLog]{}, &rpc.Result[rpc.Rows[api.ChangelogEntry]]{}
	if p.Build.State == koji.BuildComplete {
		logs = rpc.Add(&b, api.GetBuildLogs, api.OneBuildParams{Build: id})
		changelog = rpc.Add(&b, api.GetChangelogEntries,
			api.GetChangelogEntriesParams{BuildID: id, QueryOpts: map[string]any{"limit": int64(changelogEntries)}})
	}
	if err := s.do(r, &b); err != nil {
		return err
	}
	// Logs and changelog are read from files, which may have gone.
	if err := firstError(tags.Err, rpms.Err, archives.Err, types.Err); err != nil {
		return err
	}
	p.Tags, p.Archives, p.Changelog = tags.Value.List, archives.Value.List, changelog.Value.List
	p.Arches = s.byArch(rpms.Value.List, dir)
	p.Logs = logsByArch(logs.Value)
	for name := range types.Value {
		p.Types = append(p.Types, name)
	}
	slices.Sort(p.Types)
	return nil
}

// byArch groups RPMs, sources first.
func (s *Site) byArch(list []api.ListedRPM, dir string) (groups []archRPMs) {
	slices.SortFunc(list, func(a, b api.ListedRPM) int {
		return cmp.Or(compareArches(a.Arch, b.Arch), cmp.Compare(a.Name, b.Name))
	})
	for _, rpm := range list {
		if n := len(groups); n == 0 || groups[n-1].Arch != rpm.Arch {
			groups = append(groups, archRPMs{Arch: rpm.Arch})
		}
		g, row := &groups[len(groups)-1], rpmRow{ListedRPM: rpm}
		if !rpm.MetadataOnly {
			row.URL = s.filesURL(path.Join(dir, koji.PathInfo{}.RPM(rpm.Parts())))
		}
		g.Size += rpm.Size
		if strings.Contains(rpm.Name, "-debuginfo") || strings.HasSuffix(rpm.Name, "-debugsource") {
			g.Debug = append(g.Debug, row)
		} else {
			g.RPMs = append(g.RPMs, row)
		}
	}
	return groups
}

// compareArches puts sources before everything else, and noarch before the rest.
func compareArches(a, b string) int {
	rank := map[string]int{"src": -2, "nosrc": -2, "noarch": -1}
	return cmp.Or(cmp.Compare(rank[a], rank[b]), cmp.Compare(a, b))
}

func logsByArch(list []api.BuildLog) (groups []buildLogs) {
	slices.SortStableFunc(list, func(a, b api.BuildLog) int { return compareArches(a.Dir, b.Dir) })
	for _, log := range list {
		if n := len(groups); n == 0 || groups[n-1].Arch != log.Dir {
			groups = append(groups, buildLogs{Arch: log.Dir})
		}
		g := &groups[len(groups)-1]
		g.Logs = append(g.Logs, log)
	}
	return groups
}
