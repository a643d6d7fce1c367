package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// newArchive is a file that is to become an archive of a build.
type newArchive struct {
	store.NewArchive
	rel    string         // below work/
	subdir string         // below the directory of its type; not for Maven, Windows and images
	info   map[string]any // what its build type wants to know
	about  map[string]any // what a content generator says of the file
}

// archiveMove brings a file of a build into place.
type archiveMove struct {
	rel, to string // from below the work directory
	maven   bool   // into a Maven repository, which has checksums beside its files
}

func (h *Hub) importArchive(ctx context.Context, p api.ImportArchiveParams) (none rpc.None, err error) {
	switch {
	case p.Type == "maven" && !h.Config.EnableMaven:
		return none, errNoMaven
	case p.Type == "win" && !h.Config.EnableWin:
		return none, errNoWin
	case p.Type != "maven" && p.Type != "win" && p.Type != "image":
		return none, koji.GenericErrorf("unsupported archive type: %s", p.Type)
	}
	if err := assertPerm(ctx, p.Type+"-import"); err != nil {
		return none, err
	}
	b, err := h.build(ctx, p.BuildInfo, true)
	if err != nil {
		return none, err
	}
	f := filing{work: h.Paths.Work("")}
	a := newArchive{rel: p.FilePath, info: p.TypeInfo}
	a.BType, a.Filename, a.ChecksumType = p.Type, path.Base(p.FilePath), koji.ChecksumSHA256
	from, err := f.source(p.FilePath, "")
	if err != nil {
		return none, err
	}
	if a.Size, a.Checksum, err = sumFile(from, sha256.New()); err != nil {
		return none, err
	}
	moves, err := h.recordArchives(ctx, &f, b, []newArchive{a})
	if err != nil {
		return none, err
	}
	return none, moveArchives(&f, moves)
}

// sumFile returns the size and the checksum of a file.
func sumFile(name string, sum hash.Hash) (int64, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	n, err := io.Copy(sum, f)
	return n, hex.EncodeToString(sum.Sum(nil)), err
}

// recordArchives adds archives to a build and returns the moves that bring their
// files, from below the work directory, into place.
func (h *Hub) recordArchives(ctx context.Context, f *filing, b *api.Build, list []newArchive) ([]archiveMove, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if b.Draft {
		return nil, errDraftBuild
	}
	kinds, err := h.Store.ArchiveTypes(ctx)
	if err != nil {
		return nil, err
	}
	types, err := h.Store.BuildTypes(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	rows := make([]store.NewArchive, len(list))
	var moves []archiveMove
	for i := range list {
		a := &list[i]
		kind := archiveTypeOf(kinds, a.Filename)
		if kind == nil {
			return nil, koji.GenericErrorf("unsupported file extension: %s", a.Filename)
		}
		if !slices.Contains(types.Names, a.BType) {
			return nil, koji.ImportErrorf("Build does not have type %s", a.BType)
		}
		a.TypeID, a.BuildID = kind.ID, b.ID
		if err := a.describe(); err != nil {
			return nil, err
		}
		rows[i] = a.NewArchive
		if a.MetadataOnly {
			continue
		}
		move, err := h.placeArchive(f, b, a, kind.Name)
		if err != nil {
			return nil, err
		}
		moves = append(moves, move)
	}
	if err := h.Store.AddArchives(ctx, rows); err != nil {
		return nil, err
	}
	return moves, h.publishArchives(ctx, b, list, rows)
}

// publishArchives tells that archives were imported; rows have their ids.
func (h *Hub) publishArchives(ctx context.Context, b *api.Build, list []newArchive, rows []store.NewArchive) error {
	if !h.Messages.Enabled {
		return nil
	}
	for i, a := range list {
		archive, err := h.getArchive(ctx, api.ArchiveParams{ArchiveID: rows[i].ID, Strict: true})
		if err != nil {
			return err
		}
		fileinfo := a.about
		if fileinfo == nil {
			fileinfo = map[string]any{}
		}
		if err := h.publishImport(ctx, "archive", b, data{
			"archive": archive, "build_type": a.BType, "filepath": h.Paths.Work("") + "/" + a.rel, "fileinfo": fileinfo,
		}); err != nil {
			return err
		}
	}
	return nil
}

// describe reads what the archive's build type wants to know of it.
func (a *newArchive) describe() error {
	required := map[string][]string{
		"maven": {"group_id", "artifact_id", "version"}, "win": {"relpath", "platforms", "flags"}, "image": {"arch"},
	}[a.BType]
	if err := needKeys(a.info, required...); err != nil {
		return err
	}
	var info struct {
		GroupID    string   `rpc:"group_id"`
		ArtifactID string   `rpc:"artifact_id"`
		Version    string   `rpc:"version"`
		RelPath    string   `rpc:"relpath"`
		Platforms  []string `rpc:"platforms"`
		Flags      []string `rpc:"flags"`
		Arch       string   `rpc:"arch"`
	}
	if len(required) == 0 {
		return nil
	}
	if err := rpc.Into(a.info, &info); err != nil {
		return err
	}
	if a.BType == "win" && len(info.Platforms) == 0 {
		return koji.BuildErrorf("no value for platforms")
	}
	a.GroupID, a.ArtifactID, a.Version, a.Arch = info.GroupID, info.ArtifactID, info.Version, info.Arch
	a.RelPath, a.Platforms = strings.Trim(info.RelPath, "/"), strings.Join(info.Platforms, " ")
	if len(info.Flags) > 0 {
		a.Flags = new(strings.Join(info.Flags, " "))
	}
	return nil
}

// needKeys fails as Python does if a key is missing.
func needKeys(m map[string]any, keys ...string) error {
	for _, key := range keys {
		if _, ok := m[key]; !ok {
			return pythonError("KeyError", "'%s'", key)
		}
	}
	return nil
}

// placeArchive returns the move that brings an archive into place.
func (h *Hub) placeArchive(f *filing, b *api.Build, a *newArchive, kind string) (move archiveMove, err error) {
	sub := a.subdir
	switch a.BType {
	case "maven":
		sub = h.Paths.MavenRepo(a.GroupID, a.ArtifactID, a.Version)
		if kind == "pom" {
			if err := a.checkPOM(f); err != nil {
				return move, err
			}
		}
	case "win":
		sub = a.RelPath
	case "image":
		sub = ""
	}
	to, err := koji.Under(h.Paths.TypeDir(b.VolumeName, b.Parts(), a.BType), path.Join(cmp.Or(sub, "."), a.Filename))
	if err != nil {
		return move, err
	}
	if _, err := os.Lstat(to); err == nil {
		return move, koji.GenericErrorf("Error importing archive file, %s already exists", to)
	}
	return archiveMove{a.rel, to, a.BType == "maven"}, nil
}

// moveArchives makes the moves, or none.
func moveArchives(f *filing, moves []archiveMove) error {
	for _, m := range moves {
		err := f.move(m.rel, m.to)
		if err == nil && m.maven {
			err = writeMavenSums(m.to)
		}
		if err != nil {
			return errors.Join(err, f.undo())
		}
	}
	return nil
}
