package hub

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindBuilds(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetBuild, h.getBuild)
	rpc.Bind(r, api.FindBuildID, h.findBuildID)
	rpc.Bind(r, api.ListBuilds, h.listBuilds)
	rpc.Bind(r, api.GetBuildLogs, h.getBuildLogs)
	rpc.Bind(r, api.GetNextRelease, h.getNextRelease)
	rpc.Bind(r, api.GetAverageBuildDuration, h.getAverageBuildDuration)
	rpc.Bind(r, api.UntaggedBuilds, h.untaggedBuilds)
}

// buildKey reads a reference to a build: an id, an NVR, or a map with name,
// version and release.
func buildKey(v any) (store.BuildKey, error) {
	switch v := v.(type) {
	case int64:
		return store.BuildKey{ID: v}, nil
	case string:
		nvr, err := koji.ParseNVR(v)
		return store.BuildKey{NVR: nvr}, err
	case map[string]any:
		name, ok1 := v["name"].(string)
		version, ok2 := v["version"].(string)
		release, ok3 := v["release"].(string)
		if !ok1 || !ok2 || !ok3 {
			return store.BuildKey{}, koji.GenericErrorf("did not provide name, version, and release")
		}
		return store.BuildKey{NVR: koji.NVR{Name: name, Version: version, Release: release}}, nil
	}
	return store.BuildKey{}, koji.GenericErrorf("Invalid type for argument: <class '%s'>", xmlrpc.TypeName(v))
}

// build returns the build that v refers to, see buildKey; nil if there is none
// and strict is false.
func (h *Hub) build(ctx context.Context, v any, strict bool) (*api.Build, error) {
	key, err := buildKey(v)
	if err != nil {
		return nil, err
	}
	b, err := h.Store.Build(ctx, key)
	if err == nil && b == nil && strict {
		return nil, koji.GenericErrorf("No such build: %s", xmlrpc.Repr(v))
	}
	return b, err
}

func (h *Hub) getBuild(ctx context.Context, p api.BuildParams) (*api.Build, error) {
	return h.build(ctx, p.BuildInfo, p.Strict)
}

func (h *Hub) findBuildID(ctx context.Context, p api.FindBuildIDParams) (*int64, error) {
	key, err := buildKey(p.X)
	if err != nil {
		return nil, err
	}
	if key.NVR.Name == "" {
		return &key.ID, nil
	}
	id, err := h.Store.BuildID(ctx, key.NVR)
	switch {
	case err != nil:
		return nil, err
	case id != 0:
		return &id, nil
	case p.Strict:
		return nil, koji.GenericErrorf("No such build: %s", xmlrpc.Repr(p.X))
	}
	return nil, nil
}

func (h *Hub) listBuilds(ctx context.Context, p api.ListBuildsParams) (rpc.Rows[api.ListedBuild], error) {
	var none rpc.Rows[api.ListedBuild]
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	f := store.BuildFilter{
		TaskID: p.TaskID, VolumeID: p.VolumeID, State: p.State, Draft: p.Draft,
		Prefix: text(p.Prefix), Source: p.Source, Pattern: text(p.Pattern), Type: text(p.Type),
	}
	f.TypeMetadata, _ = p.TypeInfo.(map[string]any)
	if f.Package, err = optionalRef(p.PackageID); err != nil {
		return none, err
	}
	if f.CG, err = optionalRef(p.CGID); err != nil {
		return none, err
	}
	if f.Times, err = buildTimeTests(p); err != nil {
		return none, err
	}
	if err := h.assertBuildType(ctx, p.Type, "build"); err != nil {
		return none, err
	}
	for _, user := range []struct {
		ref any
		id  *int64
	}{{p.UserID, &f.OwnerID}, {p.Promoter, &f.PromoterID}} {
		if user.ref == nil {
			continue
		}
		u, err := h.User(ctx, user.ref, false)
		if err != nil || u == nil {
			return none, err
		}
		*user.id = u.ID
	}
	return h.Store.ListBuilds(ctx, f, opts)
}

// buildTimeTests reads the parameters of listBuilds that are times.
func buildTimeTests(p api.ListBuildsParams) ([]store.TimeTest, error) {
	var tests []store.TimeTest
	for _, t := range []struct {
		expr  string
		value any
	}{
		{"events.time <", p.CreatedBefore},
		{"events.time >", p.CreatedAfter},
		{"build.completion_time <", p.CompleteBefore},
		{"build.completion_time >", p.CompleteAfter},
		{"build.promotion_time <", p.PromotedBefore},
		{"build.promotion_time >", p.PromotedAfter},
	} {
		switch v := t.value.(type) {
		case nil:
		case string:
			if v != "" {
				tests = append(tests, store.TimeTest{Expr: t.expr, Time: v})
			}
		case int64:
			tests = append(tests, store.TimeTest{Expr: t.expr, Time: koji.FromTS(float64(v))})
		case float64:
			tests = append(tests, store.TimeTest{Expr: t.expr, Time: koji.FromTS(v)})
		case time.Time:
			tests = append(tests, store.TimeTest{Expr: t.expr, Time: koji.NewTime(v)})
		default:
			return nil, koji.GenericErrorf("Invalid type for timestamp: <class '%s'>", xmlrpc.TypeName(v))
		}
	}
	return tests, nil
}

// assertBuildType checks that there is a build type; nil is none in particular.
func (h *Hub) assertBuildType(ctx context.Context, btype *string, what string) error {
	switch {
	case btype == nil, *btype == "maven", *btype == "win", *btype == "image":
		return nil
	}
	ok, err := h.Store.BTypeExists(ctx, *btype)
	if err == nil && !ok {
		return koji.GenericErrorf("unsupported %s type: %s", what, *btype)
	}
	return err
}

func (h *Hub) getBuildLogs(ctx context.Context, p api.OneBuildParams) ([]api.BuildLog, error) {
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return nil, err
	}
	dir := h.Paths.BuildLogs(b.VolumeName, b.Parts())
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []api.BuildLog{}, nil
	}
	if err != nil {
		return nil, koji.GenericErrorf("Not a directory: %s", dir)
	}
	defer root.Close()
	rel := strings.TrimPrefix(dir, h.Paths.TopDir+"/")
	logs := []api.BuildLog{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			logs = append(logs, api.BuildLog{Name: d.Name(), Dir: path.Dir(name), Path: rel + "/" + path.Dir(name) + "/" + d.Name()})
		}
		return err
	})
	return logs, err
}

func (h *Hub) getNextRelease(ctx context.Context, p api.GetNextReleaseParams) (string, error) {
	var incr int64
	if err := rpc.Into(p.Incr, &incr); err != nil || p.Incr == nil {
		return "", koji.ParameterErrorf("incr parameter must be an integer")
	}
	name, _ := p.BuildInfo["name"].(string)
	version, _ := p.BuildInfo["version"].(string)
	release, err := h.Store.LatestRelease(ctx, name, version)
	if err != nil {
		return "", err
	}
	return nextRelease(release, incr)
}

// nextRelease adds incr to a release: to the number at its beginning if it has
// at most two parts ("4.fc40"), to the one at its end if it has three
// ("20240102.nightly.4").
func nextRelease(release string, incr int64) (string, error) {
	if release == "" {
		return strconv.FormatInt(incr, 10), nil
	}
	parts := strings.Split(release, ".")
	i := 0
	if len(parts) == 3 {
		i = 2
	}
	n, err := strconv.ParseUint(parts[i], 10, 63)
	if err != nil || len(parts) > 3 {
		return "", koji.BuildErrorf("Unable to increment release value: %s", release)
	}
	parts[i] = strconv.FormatInt(int64(n)+incr, 10)
	return strings.Join(parts, "."), nil
}

func (h *Hub) getAverageBuildDuration(ctx context.Context, p api.GetAverageBuildDurationParams) (*float64, error) {
	pkg, err := optionalRef(p.Package)
	if err != nil || pkg == nil {
		return nil, err
	}
	return h.Store.AverageBuildDuration(ctx, *pkg, p.Age)
}

func (h *Hub) untaggedBuilds(ctx context.Context, p api.UntaggedBuildsParams) (rpc.Rows[api.UntaggedBuild], error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return rpc.Rows[api.UntaggedBuild]{}, err
	}
	return h.Store.UntaggedBuilds(ctx, p.Name, p.Draft, opts)
}

// text returns what p points to, "" for nil.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// optionalRef is refTo for a parameter that may be nil.
func optionalRef(info any) (*store.Ref, error) {
	if info == nil {
		return nil, nil
	}
	ref, err := refTo(info)
	return &ref, err
}
