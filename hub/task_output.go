package hub

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// listTaskOutput lists a task's files. The answer is a list of names; or by name
// what is known of the file, the volumes that have it, or, for both, by name and
// volume what is known of it.
func (h *Hub) listTaskOutput(ctx context.Context, p api.ListTaskOutputParams) (any, error) {
	if p.Strict {
		if _, err := h.taskText(ctx, p.TaskID, koji.GenericErrorf("Task doesn't exist")); err != nil {
			return nil, err
		}
	}
	volumes := []api.IDName{{Name: "DEFAULT"}}
	if p.AllVolumes {
		var err error
		if volumes, err = h.Store.Volumes(ctx); err != nil {
			return nil, err
		}
	}
	files, err := h.taskFiles(p.TaskID, volumes)
	if err != nil {
		return nil, err
	}
	return shapeFiles(files, p)
}

// taskFile is a file that a task left.
type taskFile struct {
	volume, name string
	path         string
}

func (h *Hub) taskFiles(id int64, volumes []api.IDName) (files []taskFile, err error) {
	for _, v := range volumes {
		dir := h.Paths.Task(v.Name, id)
		err := eachFile(dir, func(name string) error {
			files = append(files, taskFile{v.Name, name, filepath.Join(dir, name)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func shapeFiles(files []taskFile, p api.ListTaskOutputParams) (any, error) {
	names, volumes := []string{}, map[string][]string{}
	stats, onVolumes := map[string]api.FileStat{}, map[string]map[string]api.FileStat{}
	for _, f := range files {
		names = append(names, f.name)
		volumes[f.name] = append(volumes[f.name], f.volume)
		if !p.Stat {
			continue
		}
		st, err := statFile(f.path)
		if err != nil {
			return nil, err
		}
		stats[f.name] = st
		if onVolumes[f.name] == nil {
			onVolumes[f.name] = map[string]api.FileStat{}
		}
		onVolumes[f.name][f.volume] = st
	}
	switch {
	case p.Stat && p.AllVolumes:
		return onVolumes, nil
	case p.Stat:
		return stats, nil
	case p.AllVolumes:
		return volumes, nil
	}
	return names, nil
}

// eachFile calls fn with the name of each file below dir, relative to it. There
// need be no dir. Links count as what they point to; broken ones are left out.
func eachFile(dir string, fn func(name string) error) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return fn(name)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is removed after some time, maybe right now
	}
	return err
}

func statFile(path string) (api.FileStat, error) {
	info, err := os.Stat(path)
	if err != nil {
		return api.FileStat{}, err
	}
	st := info.Sys().(*syscall.Stat_t)
	return api.FileStat{
		ATime: fileTime(time.Unix(st.Atim.Unix())), CTime: fileTime(time.Unix(st.Ctim.Unix())), MTime: fileTime(info.ModTime()), Size: strconv.FormatInt(info.Size(), 10),
	}, nil
}

// fileTime returns a file's time in seconds since the epoch, rounded as Python
// rounds it.
func fileTime(t time.Time) float64 {
	return float64(t.Unix()) + float64(1e-9*float64(t.Nanosecond()))
}

// maxDownload bounds what a caller gets of a file at once, as all of it is held
// in memory. Clients ask for some megabytes.
const maxDownload = 256 << 20

func (h *Hub) downloadTaskOutput(ctx context.Context, p api.DownloadTaskOutputParams) (string, error) {
	volume := ""
	if xmlrpc.Truth(p.Volume) {
		row, err := h.getVolume(ctx, api.GetVolumeParams{Volume: p.Volume, Strict: true})
		if err != nil {
			return "", err
		}
		volume = row.Name
	}
	if strings.Contains(p.FileName, "..") || strings.ContainsRune(p.FileName, 0) {
		return "", koji.GenericErrorf("Invalid file name: %s", p.FileName)
	}
	path := filepath.Join(h.Paths.Task(volume, p.TaskID), p.FileName)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", koji.GenericErrorf("no file \"%s\" output by task %d", p.FileName, p.TaskID)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	piece, err := readPiece(f, p.Offset, p.Size)
	return base64.StdEncoding.EncodeToString(piece), err
}

// readPiece reads size bytes (nil, negative: all) from offset, which counts from
// the end of the file if it is negative.
func readPiece(f *os.File, offset, size *int64) ([]byte, error) {
	if offset != nil && *offset != 0 {
		whence := io.SeekStart
		if *offset < 0 {
			whence = io.SeekEnd
		}
		if _, err := f.Seek(*offset, whence); err != nil {
			return nil, err
		}
	}
	limit := int64(maxDownload) + 1
	if size != nil && *size >= 0 {
		limit = min(*size, limit)
	}
	piece, err := io.ReadAll(io.LimitReader(f, limit))
	if err == nil && len(piece) > maxDownload {
		err = koji.GenericErrorf("more than %d bytes: ask for the file in pieces, by offset and size", maxDownload)
	}
	return piece, err
}
