package repokeeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
)

// seen is what is recorded of an external repository.
type seen struct {
	// MaxTS is the time of its latest metadata. Koji: kojira knows only this.
	MaxTS int64 `json:"max_ts"`
	// RepoMD is the checksum of the repomd.xml of each arch, one after the other.
	RepoMD string `json:"repomd,omitempty"`
}

const (
	externalTimeout = 20 * time.Second // for one repomd.xml; a slow mirror is looked at again
	externalSize    = 4 << 20          // far above any repomd.xml
)

// CheckExternal looks at the external repositories that tags use and records
// those that have changed, which changes the tags. One that does not answer is
// taken for unchanged.
func (k *Keeper) CheckExternal(ctx context.Context) error {
	watched, err := k.hub.Store.WatchedRepos(ctx)
	if err != nil || len(watched) == 0 {
		return err
	}
	owner, err := k.hub.Store.EnsureUser(ctx, k.hub.Repo.QueueUser)
	if err != nil {
		return err
	}
	hosts, err := k.hub.Store.HostArches(ctx)
	if err != nil {
		return err
	}
	arches := koji.CanonArches(strings.Join(hosts, " "))
	for _, w := range watched {
		now, err := k.look(ctx, w.URL, arches)
		if err != nil {
			k.log.WarnContext(ctx, "external repository does not answer", "url", w.URL, "error", err)
			continue
		}
		if err := k.recordExternal(ctx, w, now, owner); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) recordExternal(ctx context.Context, w store.WatchedRepo, now seen, owner int64) error {
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if w.Data == nil {
		return k.hub.Store.FirstExternalRepoData(ctx, w.ID, string(data), owner)
	}
	var old seen
	if err := json.Unmarshal([]byte(*w.Data), &old); err != nil {
		k.log.WarnContext(ctx, "what was seen of an external repository is not readable", "repo", w.ID, "error", err)
	}
	// What kojira has recorded has no checksum.
	if now.MaxTS <= old.MaxTS && (old.RepoMD == "" || now.RepoMD == old.RepoMD) {
		return nil
	}
	k.log.InfoContext(ctx, "external repository has changed", "url", w.URL)
	ctx = store.WithActor(ctx, owner)
	return k.hub.Store.InTx(ctx, func(ctx context.Context) error {
		return k.hub.Store.SetExternalRepoData(ctx, w.ID, string(data))
	})
}

// look reads the repomd.xml of a repository, for each arch if its URL has $arch.
// Not every one need be there.
func (k *Keeper) look(ctx context.Context, url string, arches []string) (seen, error) {
	if !strings.Contains(url, "$arch") {
		arches = []string{""}
	}
	var s seen
	var missing error
	sum := sha256.New()
	for _, arch := range arches {
		text, err := k.repomd(ctx, strings.ReplaceAll(url, "$arch", arch))
		if errors.Is(err, errNoRepo) {
			missing = err
			continue
		}
		if err != nil {
			return seen{}, err
		}
		ts, err := latestTimestamp(text)
		if err != nil {
			return seen{}, err
		}
		s.MaxTS = max(s.MaxTS, ts)
		fmt.Fprintln(sum, arch)
		sum.Write(text)
	}
	if s.MaxTS == 0 {
		return seen{}, errors.Join(errors.New("no metadata for any arch"), missing)
	}
	s.RepoMD = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// errNoRepo is the answer of a server that does not have a repository.
var errNoRepo = errors.New("not found")

func (k *Keeper) repomd(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, externalTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/repodata/repomd.xml", nil)
	if err != nil {
		return nil, err
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(resp.Body, externalSize))
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", req.URL, errNoRepo)
	}
	return nil, fmt.Errorf("%s: %s", req.URL, resp.Status)
}

// latestTimestamp is the latest time in a repomd.xml, rounded as kojira does.
func latestTimestamp(repomd []byte) (int64, error) {
	var doc struct {
		Data []struct {
			Timestamp float64 `xml:"timestamp"`
		} `xml:"data"`
	}
	if err := xml.Unmarshal(repomd, &doc); err != nil {
		return 0, fmt.Errorf("repomd.xml: %w", err)
	}
	latest := int64(0)
	for _, d := range doc.Data {
		latest = max(latest, int64(d.Timestamp+0.5))
	}
	return latest, nil
}

// newClient returns a client that knows file URLs, too, which laboratories use.
func newClient() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	t.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	return &http.Client{Transport: t}
}
