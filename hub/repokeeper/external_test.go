package repokeeper

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// mirror serves repomd.xml files.
type mirror map[string]string // by path

func (m mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, ok := m[strings.TrimSuffix(r.URL.Path, "/repodata/repomd.xml")]
	switch {
	case !ok:
		http.NotFound(w, r)
	case text == "":
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
	default:
		fmt.Fprint(w, text)
	}
}

func repomd(timestamp, checksum string) string {
	return `<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>7</revision><data type="primary"><checksum type="sha256">` +
		checksum + `</checksum><timestamp>` + timestamp + `</timestamp></data><data type="other"><timestamp>3</timestamp></data></repomd>`
}

func TestExternal(t *testing.T) {
	l := newLab(t)
	files := mirror{"/f40/x86_64": repomd("1790000000.6", "a")}
	server := httptest.NewServer(files)
	defer server.Close()
	l.exec(`INSERT INTO host (user_id, name) VALUES (1, 'h1'); INSERT INTO host_config (host_id, arches, creator_id) VALUES (1, 'x86_64 i686', 1)`)
	do(l, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: "ext", URL: server.URL + "/f40/$arch/"})
	do(l, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: "unused", URL: server.URL + "/none/"})
	do(l, api.AddExternalRepoToTag, api.AddExternalRepoToTagParams{TagInfo: "base", RepoInfo: "ext", Priority: 5})
	l.current()
	events := func() []string { return l.list(`SELECT max(id)::text FROM events`) }
	check := func() {
		t.Helper()
		require.NoError(t, l.CheckExternal(l.ctx))
	}
	data := func() api.Extra {
		return do(l, api.RepoGetExternalRepoData, api.RepoExternalDataParams{ERepo: "ext"})
	}

	before := events()
	check()
	require.Equal(t, int64(1790000001), data()["max_ts"], "the arch that there is")
	require.Empty(t, l.wanted(), "the first look changes nothing")
	check()
	require.Equal(t, before, events())

	files["/f40/x86_64"] = ""
	check()
	require.Empty(t, l.wanted(), "no answer is no change")
	files["/f40/x86_64"] = repomd("1790000000.6", "b")
	check()
	require.Equal(t, []string{"f40-build"}, l.wanted(), "another checksum")

	l.current()
	files["/f40/i386"] = repomd("1790000005", "a")
	check()
	require.Equal(t, []string{"f40-build"}, l.wanted(), "another arch")
	require.Equal(t, int64(1790000005), data()["max_ts"])

	// What kojira has recorded is as good.
	l.current()
	do(l, api.RepoSetExternalRepoData, api.SetExternalRepoDataParams{ExternalRepoID: "ext", Data: map[string]any{"max_ts": int64(1790000005)}})
	l.current()
	check()
	require.Empty(t, l.wanted())
}

func TestNoMetadata(t *testing.T) {
	l := newLab(t)
	server := httptest.NewServer(mirror{"/text": "no XML at all <"})
	defer server.Close()
	for path, text := range map[string]string{"/none": "not found", "/text": "repomd.xml: "} {
		_, err := l.look(l.ctx, server.URL+path, nil)
		require.ErrorContains(t, err, text)
	}
}
