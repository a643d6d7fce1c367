package hub

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// ListedRPM is an RPM of a dist repo as file kojipkgs lists it, by file name.
type ListedRPM struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Version     string  `json:"version"`
	Release     string  `json:"release"`
	Arch        string  `json:"arch"`
	Epoch       *int64  `json:"epoch"`
	Size        int64   `json:"size"`
	PayloadHash string  `json:"payloadhash"`
	BuildID     int64   `json:"build_id"`
	SigKey      *string `json:"sigkey"` // of the signed copy; nil or "" for the RPM as it was built
}

// PlaceDistRepo is MoveDistRepo for what a createdistrepo task has made.
func (h *Hub) PlaceDistRepo(ctx context.Context, id, taskID int64, arch string) error {
	repo, err := h.Store.Repo(ctx, id)
	if repo, err = strictRow(repo, err, true, "No such repo: %d", id); err != nil {
		return err
	}
	if repo.State == int(koji.RepoReady) { // by an earlier try
		return nil
	}
	return h.MoveDistRepo(ctx, repo, h.Paths.TaskRel(taskID), arch)
}

// MoveDistRepo puts one arch of a dist repo into place: the files that a task
// uploaded, as its repo_manifest lists them, and links to the RPMs that its
// kojipkgs lists. It may be repeated.
func (h *Hub) MoveDistRepo(ctx context.Context, repo *api.Repo, uploadPath, arch string) error {
	if s := koji.RepoState(repo.State); s != koji.RepoInit {
		return koji.GenericErrorf("Repo is in state: %s", s)
	}
	dir, err := koji.Under(h.Paths.DistRepo("", repo.TagName, repo.ID), koji.CanonArch(arch))
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return koji.GenericErrorf("Repo arch directory missing: %s", dir)
	}
	upload, err := koji.Under(h.Paths.Work(""), uploadPath)
	if err != nil {
		return err
	}
	var files []string
	if err := readUploaded(upload+"/repo_manifest", "Missing repo manifest", &files); err != nil {
		return err
	}
	f := filing{work: h.Paths.Work("")}
	kojipkgs := upload + "/kojipkgs"
	if found, err := f.source(uploadPath+"/kojipkgs", dir+"/kojipkgs"); err == nil {
		kojipkgs = found // where an earlier try has moved it
	}
	var listed map[string]ListedRPM
	if err := readUploaded(kojipkgs, "Missing kojipkgs file", &listed); err != nil {
		return err
	}
	sources, err := h.listedFiles(ctx, listed)
	if err != nil {
		return err
	}
	for _, name := range files {
		to, err := koji.Under(dir, name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(to, dir+"/Packages/") {
			return koji.GenericErrorf("repo manifest names a package: %s", name)
		}
		if err := f.move(uploadPath+"/"+name, to); err != nil {
			return err
		}
	}
	for name, from := range sources {
		to := filepath.Join(dir, "Packages", strings.ToLower(name[:1]), name)
		if err := linkFile(from, to); err != nil {
			return err
		}
	}
	return nil
}

// readUploaded reads JSON that a host has uploaded.
func readUploaded(name, missing string, dst any) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return koji.GenericErrorf("%s", missing)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, dst); err != nil {
		return koji.GenericErrorf("%s: %v", filepath.Base(name), err)
	}
	return nil
}

// listedFiles checks that the listed RPMs are those that the database knows and
// returns where each lies, by its file name.
func (h *Hub) listedFiles(ctx context.Context, listed map[string]ListedRPM) (map[string]string, error) {
	ids := make([]int64, 0, len(listed))
	for _, r := range listed {
		ids = append(ids, r.ID)
	}
	known, err := h.Store.PlacedRPMs(ctx, ids)
	if err != nil {
		return nil, err
	}
	files := make(map[string]string, len(listed))
	for name, r := range listed {
		k, ok := known[r.ID]
		if !ok {
			return nil, koji.GenericErrorf("No such rpm: %d", r.ID)
		}
		if key := r.differs(name, k); key != "" {
			return nil, koji.GenericErrorf("kojipkgs entry does not match db: file %s, key %s", name, key)
		}
		rel := h.Paths.RPM(k.NVRA())
		if sigkey := text(r.SigKey); sigkey != "" {
			if strings.ContainsAny(sigkey, "/.\x00") {
				return nil, koji.GenericErrorf("invalid signing key: %q", sigkey)
			}
			rel = h.Paths.Signed(k.NVRA(), sigkey)
		}
		files[name] = h.Paths.Build(k.Volume, k.Build()) + "/" + rel
	}
	return files, nil
}

// differs names the first thing in which a listed RPM is not the one in the
// database, "" if there is none.
func (r ListedRPM) differs(file string, k store.PlacedRPM) string {
	for _, c := range []struct {
		key  string
		same bool
	}{
		{"name", r.Name == k.Name}, {"version", r.Version == k.Version}, {"release", r.Release == k.Release}, {"arch", r.Arch == k.Arch},
		{"epoch", samePtr(r.Epoch, k.Epoch)}, {"size", r.Size == k.Size}, {"payloadhash", r.PayloadHash == k.PayloadHash},
		{"build_id", r.BuildID == k.BuildID}, {"file", file == k.NVRA().Filename()},
	} {
		if !c.same {
			return c.key
		}
	}
	return ""
}

// linkFile makes to the same file as from, or a copy on another file system. It
// is no error if it was made before.
func linkFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := os.Link(from, to)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return koji.GenericErrorf("No such file: %s", from)
	case errors.Is(err, syscall.EXDEV):
		return copyFile(from, to)
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	a, err := os.Stat(from)
	if err != nil {
		return err
	}
	b, err := os.Lstat(to)
	if err != nil {
		return err
	}
	if !os.SameFile(a, b) {
		return koji.GenericErrorf("File already in repo: %s", to)
	}
	return nil
}
