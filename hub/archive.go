package hub

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindArchives(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ListArchives, h.listArchives)
	rpc.Bind(r, api.GetArchive, h.getArchive)
	rpc.Bind(r, api.GetMavenArchive, ofArchive(h.Store.MavenArchive))
	rpc.Bind(r, api.GetWinArchive, ofArchive(h.Store.WinArchive))
	rpc.Bind(r, api.GetImageArchive, ofArchive(h.Store.ImageArchive))
	rpc.Bind(r, api.GetArchiveTypes, h.getArchiveTypes)
	rpc.Bind(r, api.GetArchiveType, h.getArchiveType)
	rpc.Bind(r, api.AddArchiveType, h.addArchiveType)
}

func (h *Hub) listArchives(ctx context.Context, p api.ListArchivesParams) (rows rpc.Rows[api.ListedArchive], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return rows, err
	}
	btype := text(p.Type)
	if err := h.assertBuildType(ctx, p.Type, "archive"); err != nil {
		return rows, err
	}
	switch btype {
	case "", "maven", "win", "image":
	default:
		if len(p.TypeInfo) > 0 {
			return rows, koji.GenericErrorf("typeInfo queries not supported for type %s", btype)
		}
	}
	rows, err = h.Store.ListArchives(ctx, store.ArchiveFilter{
		ID: p.ArchiveID, BuildID: p.BuildID, BuildrootID: p.BuildrootID, ComponentBuildrootID: p.ComponentBuildrootID,
		HostID: p.HostID, ImageID: p.ImageID, Filename: p.Filename, Size: p.Size, Checksum: p.Checksum,
		ChecksumType: p.ChecksumType, Type: btype, TypeInfo: p.TypeInfo,
	}, opts)
	if err != nil || !p.Strict {
		return rows, err
	}
	if rows, err = rows.Load(); err == nil && rows.Count == nil && len(rows.List) == 0 {
		err = koji.GenericErrorf("No archives found.")
	}
	return rows, err
}

func (h *Hub) getArchive(ctx context.Context, p api.ArchiveParams) (*api.ListedArchive, error) {
	list, err := loaded(h.Store.ListArchives(ctx, store.ArchiveFilter{ID: &p.ArchiveID}, query.Options{}))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		if p.Strict {
			return nil, koji.GenericErrorf("No such archive: %d", p.ArchiveID)
		}
		return nil, nil
	}
	a := &list[0]
	return a, h.addArchiveDetails(ctx, a)
}

// addArchiveDetails adds what is special about the archive's type.
func (h *Hub) addArchiveDetails(ctx context.Context, a *api.ListedArchive) error {
	maven, err := h.Store.MavenArchive(ctx, a.ID)
	if err != nil {
		return err
	}
	if maven != nil {
		a.GroupID, a.ArtifactID, a.Version = maven.GroupID, maven.ArtifactID, maven.Version
	}
	win, err := h.Store.WinArchive(ctx, a.ID)
	if err != nil {
		return err
	}
	if win != nil {
		a.RelPath, a.Platforms, a.Flags = win.RelPath, win.Platforms, text(win.Flags)
	}
	image, err := h.Store.ImageArchive(ctx, a.ID)
	if err == nil && image != nil {
		a.Arch, a.RootID = image.Arch, &image.RootID
	}
	return err
}

// ofArchive makes a method of a function that says what is special about an
// archive. With strict an archive of another type is an error.
func ofArchive[T any](read func(context.Context, int64) (*T, error)) func(context.Context, api.ArchiveParams) (*T, error) {
	return func(ctx context.Context, p api.ArchiveParams) (*T, error) {
		found, err := read(ctx, p.ArchiveID)
		if err == nil && found == nil && p.Strict {
			err = errNoRow
		}
		return found, err
	}
}

func (h *Hub) getArchiveTypes(ctx context.Context, _ api.NoParams) ([]api.ArchiveType, error) {
	return h.Store.ArchiveTypes(ctx)
}

func (h *Hub) getArchiveType(ctx context.Context, p api.GetArchiveTypeParams) (*api.ArchiveType, error) {
	types, err := h.Store.ArchiveTypes(ctx)
	if err != nil {
		return nil, err
	}
	find := func(match func(api.ArchiveType) bool) *api.ArchiveType {
		if i := slices.IndexFunc(types, match); i >= 0 {
			return &types[i]
		}
		return nil
	}
	switch {
	case p.TypeID != nil && *p.TypeID != 0:
		return strictRow(find(func(t api.ArchiveType) bool { return t.ID == *p.TypeID }), nil, p.Strict, "%w", errNoRow)
	case text(p.TypeName) != "":
		return strictRow(find(func(t api.ArchiveType) bool { return t.Name == *p.TypeName }), nil, p.Strict, "%w", errNoRow)
	case text(p.Filename) == "":
		return nil, koji.GenericErrorf("one of filename, type_name, or type_id must be specified")
	}
	return strictRow(archiveTypeOf(types, *p.Filename), nil, p.Strict, "unsupported file extension: %s", *p.Filename)
}

// archiveTypeOf returns the type that a file's extension tells, nil if none does.
func archiveTypeOf(types []api.ArchiveType, filename string) *api.ArchiveType {
	// The longest extension first: .tar.gz before .gz.
	for ext := strings.ToLower(filename); ext != ""; _, ext, _ = strings.Cut(ext, ".") {
		if i := slices.IndexFunc(types, func(t api.ArchiveType) bool { return hasExtension(t, ext) }); i >= 0 {
			return &types[i]
		}
	}
	return nil
}

func hasExtension(t api.ArchiveType, ext string) bool {
	return slices.Contains(strings.Fields(strings.ToLower(t.Extensions)), ext)
}

func (h *Hub) addArchiveType(ctx context.Context, p api.AddArchiveTypeParams) (rpc.None, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return rpc.None{}, err
	}
	if c := text(p.CompressionType); p.CompressionType != nil && c != "zip" && c != "tar" {
		return rpc.None{}, koji.GenericErrorf("Unsupported compression type %s", c)
	}
	types, err := h.Store.ArchiveTypes(ctx)
	if err != nil {
		return rpc.None{}, err
	}
	for _, t := range types {
		if t.Name == p.Name {
			return rpc.None{}, koji.GenericErrorf("archivetype %s already exists", p.Name)
		}
	}
	for ext := range strings.SplitSeq(p.Extensions, " ") {
		if strings.Trim(ext, ".") == "" || strings.ContainsFunc(ext, notInExtension) {
			return rpc.None{}, koji.GenericErrorf("No such %s file extension", ext)
		}
		if slices.ContainsFunc(types, func(t api.ArchiveType) bool { return hasExtension(t, strings.ToLower(ext)) }) {
			return rpc.None{}, koji.GenericErrorf("file extension %s already exists", ext)
		}
	}
	_, err = h.Store.AddArchiveType(ctx, api.ArchiveType{
		Name: p.Name, Description: p.Description, Extensions: p.Extensions, CompressionType: p.CompressionType,
	})
	return rpc.None{}, err
}

func notInExtension(r rune) bool { return r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
