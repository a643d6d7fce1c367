package builder

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// oldRepodata is the metadata of an earlier repository. What it describes need
// not be there to be described again.
type oldRepodata struct {
	dir  string          // folder repodata
	rpms map[string]bool // file names
}

// reused are the types of metadata that createrepo_c reads for an update.
var reused = []string{"primary", "filelists", "other"}

// fetchOld brings the metadata of one arch of a repository into the job's folder.
// It returns nil if it is of no use: it only saves work.
func (j *job) fetchOld(ctx context.Context, tag string, id int64, arch string) *oldRepodata {
	old := &oldRepodata{dir: filepath.Join(j.dir, "old", "repodata"), rpms: map[string]bool{}}
	if err := old.fetch(ctx, j, fmt.Sprintf("repos/%s/%d/%s", tag, id, arch)); err != nil {
		j.log.Info("metadata of the last repository is not used", "repo", id, "error", err)
		return nil
	}
	return old
}

func (o *oldRepodata) fetch(ctx context.Context, j *job, rel string) error {
	list := filepath.Join(o.dir, "repomd.xml")
	if err := j.fetch(ctx, rel+"/repodata/repomd.xml", list); err != nil {
		return err
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var repomd struct {
		Data []struct {
			Type     string `xml:"type,attr"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"data"`
	}
	if err := xml.Unmarshal(text, &repomd); err != nil {
		return err
	}
	primary := ""
	fetches, ctx := errgroup.WithContext(ctx)
	for _, d := range repomd.Data {
		if !slices.Contains(reused, d.Type) {
			continue
		}
		name, ok := strings.CutPrefix(d.Location.Href, "repodata/")
		if !ok || name != path.Base(name) {
			return fmt.Errorf("repomd.xml names %q", d.Location.Href)
		}
		to := filepath.Join(o.dir, name)
		fetches.Go(func() error { return j.fetchMissing(ctx, rel+"/repodata/"+name, to) })
		if d.Type == "primary" {
			primary = to
		}
	}
	if err := fetches.Wait(); err != nil {
		return err
	}
	return o.read(primary)
}

// read finds the names of the RPMs in a primary.xml.gz.
func (o *oldRepodata) read(primary string) error {
	f, err := os.Open(primary)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	lines := bufio.NewReader(z)
	for {
		// createrepo_c writes an element a line.
		line, err := lines.ReadString('\n')
		if _, href, ok := strings.Cut(line, `<location href="`); ok {
			href, _, _ = strings.Cut(href, `"`)
			o.rpms[path.Base(href)] = true
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// has tells whether an RPM is described.
func (o *oldRepodata) has(file string) bool { return o != nil && o.rpms[path.Base(file)] }
