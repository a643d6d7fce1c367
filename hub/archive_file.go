package hub

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindArchiveFiles(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ListArchiveFiles, h.listArchiveFiles)
	rpc.Bind(r, api.GetArchiveFile, h.getArchiveFile)
}

func (h *Hub) listArchiveFiles(ctx context.Context, p api.ListArchiveFilesParams) (none rpc.Rows[api.ArchiveFile], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	list, err := h.filesIn(ctx, p.ArchiveID, p.Strict)
	if err != nil {
		return none, err
	}
	return query.Apply(list, opts)
}

func (h *Hub) getArchiveFile(ctx context.Context, p api.GetArchiveFileParams) (*api.ArchiveFile, error) {
	list, err := h.filesIn(ctx, p.ArchiveID, p.Strict)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Name == p.Filename {
			return &list[i], nil
		}
	}
	return strictRow[api.ArchiveFile](nil, nil, p.Strict, "No such file: %s in archive#%d", p.Filename, p.ArchiveID)
}

// filesIn lists the files in an archive. Of one that is gone there are none.
func (h *Hub) filesIn(ctx context.Context, id int64, strict bool) ([]api.ArchiveFile, error) {
	a, err := h.getArchive(ctx, api.ArchiveParams{ArchiveID: id, Strict: true})
	if err != nil {
		return nil, err
	}
	list := []api.ArchiveFile{}
	read := map[string]func(string, int64) ([]api.ArchiveFile, error){"zip": filesInZip, "tar": filesInTar}[text(a.CompressionType)]
	if read == nil {
		if strict {
			return nil, koji.GenericErrorf("Unsupported archive type: %s", a.TypeName)
		}
		return list, nil
	}
	b, err := h.build(ctx, a.BuildID, true)
	if err != nil {
		return nil, err
	}
	sub := a.RelPath
	if a.BType == "maven" {
		sub = h.Paths.MavenRepo(a.GroupID, a.ArtifactID, a.Version)
	}
	name, err := koji.Under(h.Paths.TypeDir(b.VolumeName, b.Parts(), a.BType), path.Join(sub, a.Filename))
	if err != nil {
		return nil, err
	}
	found, err := read(name, id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return list, nil
	case err != nil:
		return nil, koji.GenericErrorf("Cannot read archive %s: %w", a.Filename, err)
	}
	return append(list, found...), nil
}

func filesInZip(name string, id int64) ([]api.ArchiveFile, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	list := make([]api.ArchiveFile, len(z.File))
	for i, f := range z.File {
		list[i] = api.ArchiveFile{ArchiveID: id, Name: f.Name, Size: int64(f.UncompressedSize64), MTime: f.Modified.Unix()}
	}
	return list, nil
}

func filesInTar(name string, id int64) ([]api.ArchiveFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := decompress(f)
	if err != nil {
		return nil, err
	}
	var list []api.ArchiveFile
	for t := tar.NewReader(plain); ; {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, api.ArchiveFile{
			ArchiveID: id, Name: strings.TrimSuffix(e.Name, "/"), Size: e.Size, MTime: e.ModTime.Unix(),
			Mode: &e.Mode, User: &e.Uname, Group: &e.Gname,
		})
	}
}

// decompress returns what a file that may be compressed holds, whatever its name.
func decompress(f io.Reader) (io.Reader, error) {
	r := bufio.NewReader(f)
	magic, _ := r.Peek(6) // a shorter file is no compressed one
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		return gzip.NewReader(r)
	case bytes.HasPrefix(magic, []byte("BZh")):
		return bzip2.NewReader(r), nil
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		return nil, koji.GenericErrorf("files compressed by xz cannot be listed")
	}
	return r, nil
}
