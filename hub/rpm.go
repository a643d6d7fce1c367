package hub

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindRPMs(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetRPM, h.getRPM)
	rpc.Bind(r, api.ListRPMs, h.listRPMs)
	rpc.Bind(r, api.ListBuildRPMs, h.listBuildRPMs)
	rpc.Bind(r, api.GetRPMDeps, h.getRPMDeps)
	rpc.Bind(r, api.ListRPMFiles, h.listRPMFiles)
	rpc.Bind(r, api.GetRPMFile, h.getRPMFile)
	rpc.Bind(r, api.GetRPMHeaders, h.getRPMHeaders)
	rpc.Bind(r, api.GetChangelogEntries, h.getChangelogEntries)
}

// rpmKey reads a reference to an RPM: an id, also as text, "N-V-R.A" or
// "N-V-R.A@location", or a map of the parts. The second result is what a fault
// calls it, as Python prints the parts.
func rpmKey(v any) (store.RPMKey, string, error) {
	byID := func(id int64) (store.RPMKey, string, error) {
		return store.RPMKey{ID: id}, "{'id': " + strconv.FormatInt(id, 10) + "}", nil
	}
	switch v := v.(type) {
	case int64:
		return byID(v)
	case string:
		if id, err := strconv.ParseInt(v, 10, 64); err == nil {
			return byID(id)
		}
		n, err := koji.ParseNVRA(v)
		if err != nil {
			return store.RPMKey{}, "", err
		}
		key := store.RPMKey{NVRA: n}
		if n.Location != "" {
			key.Location = &store.Ref{Name: n.Location}
		}
		return key, describeNVRA(n), nil
	case map[string]any:
		return rpmKeyFromMap(v)
	}
	return store.RPMKey{}, "", koji.GenericErrorf("Invalid type for rpminfo: <class '%s'>", xmlrpc.TypeName(v))
}

func rpmKeyFromMap(m map[string]any) (store.RPMKey, string, error) {
	var key store.RPMKey
	shown := xmlrpc.Repr(m)
	if id, ok := toInt(m["id"]); ok {
		key.ID = id
	} else {
		for name, part := range map[string]*string{
			"name": &key.NVRA.Name, "version": &key.NVRA.Version, "release": &key.NVRA.Release, "arch": &key.NVRA.Arch,
		} {
			text, ok := m[name].(string)
			if !ok {
				return key, "", koji.ParameterErrorf("an RPM's %s is missing: %s", name, shown)
			}
			*part = text
		}
	}
	if m["location"] != nil {
		ref, err := refTo(m["location"])
		if err != nil {
			return key, "", err
		}
		key.Location = &ref
	}
	return key, shown, nil
}

// describeNVRA prints a parsed NVRA as Python prints what Koji's parser returns.
func describeNVRA(n koji.NVRA) string {
	s := "{'release': " + xmlrpc.Repr(n.Release) + ", 'version': " + xmlrpc.Repr(n.Version) + ", 'name': " + xmlrpc.Repr(n.Name) +
		", 'epoch': " + xmlrpc.Repr(n.Epoch) + ", 'arch': " + xmlrpc.Repr(n.Arch) + ", 'src': " + xmlrpc.Repr(n.Source())
	if n.Location != "" {
		s += ", 'location': " + xmlrpc.Repr(n.Location)
	}
	return s + "}"
}

// rpms returns the RPMs that v refers to, see rpmKey, and what to call it.
func (h *Hub) rpms(ctx context.Context, v any) ([]api.RPM, string, error) {
	key, shown, err := rpmKey(v)
	if err != nil {
		return nil, "", err
	}
	if key.Location != nil {
		location := any(key.Location.Name)
		if key.Location.Name == "" {
			location = key.Location.ID
		}
		if _, err := h.lookupID(ctx, store.ExternalRepos, location); err != nil {
			return nil, "", err
		}
	}
	list, err := h.Store.RPMs(ctx, key)
	return list, shown, err
}

// rpm returns the RPM that v refers to; nil if there is none and strict is
// false. Of several, one of a regular build is preferred to one of a draft, and
// that to an external one; among these the newest.
func (h *Hub) rpm(ctx context.Context, v any, strict bool) (*api.RPM, error) {
	list, shown, err := h.rpms(ctx, v)
	if err != nil {
		return nil, err
	}
	var best *api.RPM
	for i := range list {
		if best == nil || preferRPM(&list[i], best) {
			best = &list[i]
		}
	}
	if best == nil && strict {
		return nil, koji.GenericErrorf("No such rpm: %s", shown)
	}
	return best, nil
}

func preferRPM(a, b *api.RPM) bool {
	rank := func(r *api.RPM) int {
		switch {
		case r.ExternalRepoID != 0:
			return 2
		case r.Draft != nil && *r.Draft:
			return 1
		}
		return 0
	}
	if rank(a) != rank(b) {
		return rank(a) < rank(b)
	}
	return a.ID > b.ID
}

func (h *Hub) getRPM(ctx context.Context, p api.GetRPMParams) (any, error) {
	if p.Multi {
		list, _, err := h.rpms(ctx, p.RPMInfo)
		return list, err
	}
	return h.rpm(ctx, p.RPMInfo, p.Strict)
}

func (h *Hub) listRPMs(ctx context.Context, p api.ListRPMsParams) (none rpc.Rows[api.ListedRPM], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	arches, err := archFilter(p.Arches, `"arches" parameter`)
	if err != nil {
		return none, err
	}
	return h.Store.ListRPMs(ctx, store.RPMFilter{
		BuildID: p.BuildID, BuildrootID: p.BuildrootID, ComponentBuildrootID: p.ComponentBuildrootID,
		ArchiveID: p.ImageID, HostID: p.HostID, Arches: arches, Draft: p.Draft,
	}, opts)
}

func (h *Hub) listBuildRPMs(ctx context.Context, p api.OneBuildParams) ([]api.ListedRPM, error) {
	id, err := h.findBuildID(ctx, api.FindBuildIDParams{X: p.Build, Strict: true})
	if err != nil {
		return nil, err
	}
	return loaded(h.Store.ListRPMs(ctx, store.RPMFilter{BuildID: id}, query.Options{}))
}

// rpmHeader reads the header of an RPM of this system. The result is nil if
// there is no such RPM or file; with strict that is an error, for which what
// says what the header was wanted for.
func (h *Hub) rpmHeader(ctx context.Context, ref any, strict bool, what string) (*api.RPM, *rpmfile.Header, error) {
	r, err := h.rpm(ctx, ref, strict)
	if err != nil || r == nil {
		return nil, nil, err
	}
	refuse := func(format string, args ...any) (*api.RPM, *rpmfile.Header, error) {
		if !strict {
			return r, nil, nil
		}
		return r, nil, koji.GenericErrorf(format, args...)
	}
	switch {
	case r.BuildID == nil && what == "headers": // Koji: other words there
		return refuse("External rpm: %d", r.ID)
	case r.BuildID == nil:
		return refuse("Can not get %s, because RPM: %s is not internal", what, pyStr(ref))
	}
	b, err := h.Store.Build(ctx, store.BuildKey{ID: *r.BuildID})
	if err != nil {
		return nil, nil, err
	}
	if b.State == koji.BuildDeleted {
		return refuse("Build %s is deleted", b.NVR)
	}
	name := h.rpmPath(b, r)
	header, err := rpmfile.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		switch what { // Koji: each method has words of its own
		case "RPM file":
			return refuse("RPM package file of %s doesn't exist", pyStr(ref))
		case "dependencies":
			return refuse("RPM file of %s doesn't exist", pyStr(ref))
		}
		return refuse("Missing rpm file: %s", name)
	}
	return r, header, err
}

// rpmPath returns where the file of an RPM lies.
func (h *Hub) rpmPath(b *api.Build, r *api.RPM) string {
	return h.Paths.Build(b.VolumeName, b.Parts()) + "/" + h.Paths.RPM(r.Parts())
}

func (h *Hub) getRPMDeps(ctx context.Context, p api.GetRPMDepsParams) (none rpc.Rows[api.RPMDep], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	_, header, err := h.rpmHeader(ctx, p.RPMID, p.Strict, "dependencies")
	if err != nil {
		return none, err
	}
	var deps []api.RPMDep
	for _, kind := range []koji.DepType{
		koji.DepRequire, koji.DepProvide, koji.DepConflict, koji.DepObsolete,
		koji.DepSuggest, koji.DepEnhance, koji.DepSupplement, koji.DepRecommend,
	} {
		if header == nil || p.DepType != nil && *p.DepType != kind {
			continue
		}
		for _, d := range header.Deps(kind) {
			deps = append(deps, api.RPMDep{Name: d.Name, Version: d.Version, Flags: d.Flags, Type: kind})
		}
	}
	return shaped(deps, opts, "name", "version", "flags", "type")
}

// shaped applies queryOpts to a list; columns is the order of members for asList.
func shaped[T any](list []T, opts query.Options, columns ...string) (rpc.Rows[T], error) {
	rows, err := query.Apply(list, opts)
	if opts.AsList && rows.Count == nil {
		rows.Columns = columns
	}
	return rows, err
}

func rpmFiles(header *rpmfile.Header) []api.RPMFile {
	algorithm := header.FileDigestAlgorithm()
	var files []api.RPMFile
	for _, f := range header.Files() {
		files = append(files, api.RPMFile{
			Name: f.Name, Digest: f.Digest, DigestAlgo: algorithm, MD5: f.Digest, Size: f.Size, Flags: f.Flags,
			User: f.User, Group: f.Group, MTime: f.MTime, Mode: f.Mode,
		})
	}
	return files
}

func (h *Hub) listRPMFiles(ctx context.Context, p api.ListRPMFilesParams) (none rpc.Rows[api.RPMFile], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	_, header, err := h.rpmHeader(ctx, p.RPMID, false, "files")
	if err != nil {
		return none, err
	}
	var files []api.RPMFile
	if header != nil {
		files = rpmFiles(header)
	}
	return shaped(files, opts, "name", "digest", "size", "flags", "digest_algo", "user", "group", "mtime", "mode")
}

func (h *Hub) getRPMFile(ctx context.Context, p api.GetRPMFileParams) (map[string]any, error) {
	r, header, err := h.rpmHeader(ctx, p.RPMID, p.Strict, "RPM file")
	if err != nil || header == nil {
		return map[string]any{}, err
	}
	for _, f := range rpmFiles(header) {
		if f.Name != p.Filename {
			continue
		}
		file, err := xmlrpc.Plain(f)
		if err != nil {
			return nil, err
		}
		members := file.(map[string]any)
		members["rpm_id"] = r.ID
		return members, nil
	}
	if p.Strict {
		return nil, koji.GenericErrorf("No file: %s found in RPM: %s", p.Filename, pyStr(p.RPMID))
	}
	return map[string]any{}, nil
}

func (h *Hub) getRPMHeaders(ctx context.Context, p api.GetRPMHeadersParams) (xmlrpc.Ordered, error) {
	var header *rpmfile.Header
	var err error
	switch {
	case xmlrpc.Truth(p.RPMID):
		_, header, err = h.rpmHeader(ctx, p.RPMID, p.Strict, "headers")
	case p.TaskID != nil && *p.TaskID != 0:
		header, err = h.taskRPM(*p.TaskID, p.Filepath, p.Strict, "Missing rpm file: %s")
	default:
		return nil, koji.GenericErrorf("either rpmID or taskID and filepath must be specified")
	}
	if err != nil || header == nil {
		return xmlrpc.Ordered{}, err
	}
	names := p.Headers
	if names == nil {
		names = header.Tags()
	}
	members := make([]any, 0, 2*len(names))
	for _, name := range names {
		v, ok := header.Get(name)
		if !ok {
			return nil, koji.GenericErrorf("No such rpm header field: %s", strings.ToUpper(name))
		}
		members = append(members, name, v)
	}
	return xmlrpc.OrderedOf(members...), nil
}

// taskRPM reads the header of a file in the output of a task; nil if there is
// none and strict is false.
func (h *Hub) taskRPM(taskID int64, rel *string, strict bool, missing string) (*rpmfile.Header, error) {
	if text(rel) == "" {
		return nil, koji.GenericErrorf("filepath must be specified with taskID")
	}
	name, err := koji.Under(h.Paths.Task("", taskID), *rel)
	if err != nil {
		return nil, koji.GenericErrorf("Invalid filepath: %s", *rel)
	}
	if _, err := os.Stat(name); err != nil {
		if strict {
			return nil, koji.GenericErrorf(missing, name)
		}
		return nil, nil
	}
	return rpmfile.Open(name)
}
