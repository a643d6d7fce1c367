package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	rpcclient "github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/rpmfile"
)

// fetchWork brings a file below the hub's work/ into the job's folder. One that
// an earlier attempt brought is there already.
func (j *job) fetchWork(ctx context.Context, rel string) (string, error) {
	to := filepath.Join(j.dir, path.Base(rel))
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	err := j.fetch(ctx, "work/"+rel, to)
	if rpcclient.IsNotFound(err) {
		// Not the host's fault: nobody has uploaded it.
		return "", koji.BuildErrorf("%s was not uploaded", rel)
	}
	return to, err
}

// fetchSRPM is fetchWork for a source package, whose header it reads.
func (j *job) fetchSRPM(ctx context.Context, rel string) (string, *rpmfile.Header, error) {
	file, err := j.fetchWork(ctx, rel)
	if err != nil {
		return "", nil, err
	}
	header, err := rpmfile.Open(file)
	switch {
	case err != nil:
		return "", nil, koji.BuildErrorf("%s: %s", rel, strings.TrimPrefix(err.Error(), file+": "))
	case !header.Source():
		return "", nil, koji.BuildErrorf("%s is not a source package", rel)
	}
	return file, header, nil
}

// fetch brings a file of the hub's top directory.
func (j *job) fetch(ctx context.Context, rel, to string) error {
	ok, err := j.fetchIfThere(ctx, rel, to)
	if err == nil && !ok {
		err = koji.GenericErrorf("the hub has no file %s", rel)
	}
	return err
}

// fetchIfThere is fetch for a file that the hub need not have; it returns false
// if it has not.
func (j *job) fetchIfThere(ctx context.Context, rel, to string) (bool, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return false, infrastructure(err)
	}
	temp := fmt.Sprintf("%s.part-%d", to, j.task.ID)
	f, err := os.Create(temp)
	if err != nil {
		return false, infrastructure(err)
	}
	_, err = j.Activities.hub.Download(ctx, j.cfg.TopURL+"/"+rel, f)
	if e := f.Close(); err == nil {
		err = e
	}
	switch {
	case rpcclient.IsNotFound(err):
		return false, os.Remove(temp)
	case err != nil:
		return false, errors.Join(infrastructure(err), os.Remove(temp))
	}
	return true, os.Rename(temp, to)
}

// uploadResult sends a file that a build made, which must be a regular file.
func (j *job) uploadResult(ctx context.Context, dir, name string) (string, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
			return "", koji.BuildErrorf("result file %s is missing or a link", name)
		}
		return "", infrastructure(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", koji.BuildErrorf("result %s is not a regular file", name)
	}
	if err := j.hub.Upload(ctx, f, j.upload, name, rpcclient.UploadOptions{Overwrite: true}); err != nil {
		return "", err
	}
	return j.upload + "/" + name, nil
}

func (j *job) uploadResults(ctx context.Context, dir string, names []string) ([]string, error) {
	paths := make([]string, len(names))
	for i, name := range names {
		var err error
		if paths[i], err = j.uploadResult(ctx, dir, name); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// logPaths sends the rest of the logs and lists them.
func (j *job) logPaths(ctx context.Context) ([]string, error) {
	if err := j.logs.flush(ctx); err != nil {
		return nil, infrastructure(err)
	}
	names := j.logs.names()
	for i, name := range names {
		names[i] = j.upload + "/" + name
	}
	return names, nil
}
