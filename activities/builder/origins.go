package builder

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// origins says which external repository each RPM of a buildroot is from, by
// NAME-VERSION-RELEASE.ARCH; our own are not in it.
type origins map[string]int64

// readOrigins reads what mergerepo_c wrote beside the merged metadata: a line
// for each RPM with the URL that it is from. A repository without external ones
// has no such file.
func (j *job) readOrigins(ctx context.Context, repo *api.Repo, url, arch string) (origins, error) {
	external, err := rpc.Invoke(ctx, j.hub, api.GetExternalRepoList, api.GetExternalRepoListParams{TagInfo: repo.TagID, Event: &repo.CreateEvent})
	if err != nil || len(external) == 0 {
		return nil, err
	}
	byURL := map[string]int64{}
	for _, e := range external {
		byURL[strings.ReplaceAll(e.URL, "$arch", arch)] = e.ExternalRepoID
	}
	text, err := j.originsFile(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("origins of repo %d: %w", repo.ID, err)
	}
	found := origins{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		nvra, err := koji.ParseNVRA(fields[0]) // with the epoch in front, if it has one
		if err != nil {
			return nil, fmt.Errorf("origins of repo %d: %w", repo.ID, err)
		}
		if id, ok := byURL[fields[1]]; ok {
			found[fmt.Sprintf("%s-%s-%s.%s", nvra.Name, nvra.Version, nvra.Release, nvra.Arch)] = id
		}
	}
	return found, nil
}

// originsFile finds the file by repomd.xml and unpacks it.
func (j *job) originsFile(ctx context.Context, url string) ([]byte, error) {
	var md struct {
		Data []struct {
			Type     string `xml:"type,attr"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"data"`
	}
	var text bytes.Buffer
	if _, err := j.Activities.hub.Download(ctx, url+"/repodata/repomd.xml", &text); err != nil {
		return nil, infrastructure(err)
	}
	if err := xml.Unmarshal(text.Bytes(), &md); err != nil {
		return nil, err
	}
	for _, d := range md.Data {
		if d.Type == "origin" {
			return j.unzipped(ctx, url+"/"+d.Location.Href)
		}
	}
	return nil, nil
}

func (j *job) unzipped(ctx context.Context, url string) ([]byte, error) {
	var packed, text bytes.Buffer
	if _, err := j.Activities.hub.Download(ctx, url, &packed); err != nil {
		return nil, infrastructure(err)
	}
	z, err := gzip.NewReader(&packed)
	if err != nil {
		return nil, err
	}
	_, err = text.ReadFrom(z)
	return text.Bytes(), err
}

// location is the external repository of a package, nil for one of our own.
func (o origins) location(p buildroot.Package) any {
	if id, ok := o[p.String()]; ok {
		return id
	}
	return nil
}
