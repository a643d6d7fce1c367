package hub

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/adler32"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// upload sends a raw upload.
func (c *caller) upload(body string, params map[string]string) (map[string]any, error) {
	c.t.Helper()
	query := url.Values{}
	for k, v := range params {
		query.Set(k, v)
	}
	status, _, text := c.post("/kojihub?"+query.Encode(), "application/octet-stream", strings.NewReader(body))
	require.Equal(c.t, http.StatusOK, status, text)
	v, err := xmlrpc.DecodeResponse(strings.NewReader(text))
	answer, _ := v.(map[string]any)
	return answer, err
}

func TestRawUpload(t *testing.T) {
	h := newTestHub(t)
	server := newTestServer(t, h)
	c := newCaller(t, server)
	_, err := c.upload("x", map[string]string{"filename": "f"})
	requireFault(t, err, koji.FaultAuth, "'session-id' not specified in session args")
	c.login("labuser", "labuser")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(h.Paths.TopDir, "work", name))
		require.NoError(t, err)
		return string(text)
	}
	at := func(params ...string) map[string]string {
		m := map[string]string{"filepath": "cli/1", "filename": "f.txt"}
		for i := 0; i < len(params); i += 2 {
			m[params[i]] = params[i+1]
		}
		return m
	}
	path := filepath.Join(h.Paths.TopDir, "work/cli/1/f.txt")

	got, err := c.upload("0123456789", at())
	require.NoError(t, err)
	require.Equal(t, map[string]any{"size": int64(10), "fileverify": "", "offset": int64(0)}, got)
	require.Equal(t, "0123456789", read("cli/1/f.txt"))

	_, err = c.upload("x", at())
	requireFault(t, err, koji.FaultGeneric, "upload path exists: "+path)
	got, err = c.upload("abc", at("offset", "10", "fileverify", "adler32"))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%08x", adler32.Checksum([]byte("abc"))), got["hexdigest"])
	_, err = c.upload("abc", at("offset", "10")) // a client that did not get the answer
	require.NoError(t, err)
	_, err = c.upload("x", at("offset", "3"))
	requireFault(t, err, koji.FaultGeneric, "Incorrect upload length for "+path+" - Expected 4, actual 13")
	got, err = c.upload("end", at("offset", "-1"))
	require.NoError(t, err)
	require.Equal(t, int64(13), got["offset"])
	got, err = c.upload("new", at("overwrite", "1", "fileverify", "sha256"))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte("new"))), got["hexdigest"])
	require.Equal(t, "new", read("cli/1/f.txt"))

	for _, tc := range []struct {
		name   string
		params map[string]string
		code   int
		text   string
	}{
		{"unknown checksum", at("fileverify", "crc99", "offset", "3"), koji.FaultGeneric, "Unsupported verify type: crc99"},
		{"upwards", at("filepath", "../../etc"), koji.FaultGeneric, "Invalid upload directory: ../../etc"},
		{"upwards inside", at("filepath", "a/../../etc"), koji.FaultGeneric, "Invalid upload directory: a/../../etc"},
		{"absolute", at("filepath", "/etc"), koji.FaultGeneric, "Invalid upload directory: /etc"},
		{"name with a slash", at("filename", "a/b"), koji.FaultGeneric, "Invalid upload filename: a/b"},
		{"hidden name", at("filename", ".user"), koji.FaultGeneric, "Invalid upload filename: .user"},
		{"no name", map[string]string{"filepath": "cli/1"}, 1, "<class 'KeyError'>: 'filename'"},
		{"no number", at("offset", "x"), 1, "<class 'ValueError'>: invalid literal for int() with base 10: 'x'"},
		{"no such volume", at("volume", "nosuch"), koji.FaultGeneric, "No such entry in table volume: nosuch"},
		{"a task's output", at("filepath", "tasks/1/1"), koji.FaultAuth, "User 2 is not a host"},
		{"no task", at("filepath", "tasks/1"), koji.FaultGeneric, "Invalid task upload directory: tasks/1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.upload("x", tc.params)
			requireFault(t, err, tc.code, tc.text)
		})
	}

	other := newCaller(t, server)
	other.login("kojiadmin", "labadmin")
	_, err = other.upload("x", at("filename", "other"))
	requireFault(t, err, koji.FaultGeneric, "Invalid upload directory, not owner: cli/1")
}

// Links and folders in the place of files lead nowhere.
func TestUploadTraps(t *testing.T) {
	h := newTestHub(t)
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	outside := t.TempDir()
	work := filepath.Join(h.Paths.TopDir, "work")
	require.NoError(t, os.MkdirAll(filepath.Join(work, "cli/dir"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(outside, "f"), filepath.Join(work, "cli/link")))
	require.NoError(t, os.Symlink(outside, filepath.Join(work, "out")))

	_, err := c.upload("x", map[string]string{"filepath": "cli", "filename": "dir"})
	requireFault(t, err, koji.FaultGeneric, "destination not a file: "+work+"/cli/dir")
	_, err = c.upload("x", map[string]string{"filepath": "cli", "filename": "link"})
	requireFault(t, err, koji.FaultGeneric, "destination is a symlink: "+work+"/cli/link")
	_, err = c.upload("x", map[string]string{"filepath": "out", "filename": "f"})
	require.Error(t, err)
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestUploadFileAndCheck(t *testing.T) {
	h := newTestHub(t)
	c := newCaller(t, newTestServer(t, h))
	_, err := c.call("uploadFile", "cli", "f", 1, nil, 0, "eA==")
	requireFault(t, err, koji.FaultActionNotAllowed, "you must be logged in for this operation")
	c.login("labuser", "labuser")
	sum := func(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

	require.Nil(t, c.must("checkUpload", "cli", "f"))
	require.Equal(t, true, c.must("uploadFile", "cli", "f", 5, sum("hello"), 0, encoded("hello")))
	require.Equal(t, false, c.must("uploadFile", "cli", "f", 6, sum("x"), 5, encoded(" world")))
	require.Equal(t, false, c.must("uploadFile", "cli", "f", 7, sum(" world"), 5, encoded(" world")))
	require.Equal(t, true, c.must("uploadFile", "cli", "f", 6, nil, "5", encoded(" world"), nil, []any{"md5", sum(" world")}))
	require.Equal(t, false, c.must("uploadFile", "cli", "f", 12, sum("x"), -1, encoded("!")))
	_, err = c.call("uploadFile", "cli", "f", 1, nil, 0, "eA==")
	requireFault(t, err, koji.FaultGeneric, "file already exists: "+h.Paths.TopDir+"/work/cli/f")

	state := c.must("checkUpload", "cli", "f", "sha256").(map[string]any)
	require.Equal(t, int64(12), state["size"])
	require.Equal(t, int64(12), state["sumlength"])
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte("hello world!"))), state["hexdigest"])
	state = c.must("checkUpload", "cli", "f", "md5", 6).(map[string]any)
	require.Equal(t, sum("world!"), state["hexdigest"])
	_, err = c.call("checkUpload", "cli", "f", "crc")
	requireFault(t, err, koji.FaultGeneric, "Unsupported verify type: crc")
}

// An upload that is larger than any buffer arrives whole.
func TestLargeUpload(t *testing.T) {
	h := newTestHub(t)
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	got, err := c.upload(string(body), map[string]string{"filepath": "cli", "filename": "big", "fileverify": "sha256"})
	require.NoError(t, err)
	require.Equal(t, int64(len(body)), got["size"])
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(body)), got["hexdigest"])
}

func TestUploadLimit(t *testing.T) {
	h := newTestHub(t, func(o *Options) { o.Config.Hub.MaxUploadSize = 10 })
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	path := h.Paths.TopDir + "/work/cli/f"
	at := func(offset string) map[string]string {
		return map[string]string{"filepath": "cli", "filename": "f", "offset": offset}
	}
	_, err := c.upload("12345678", at("0"))
	require.NoError(t, err)
	for _, offset := range []string{"3", "-1", "9223372036854775807"} {
		_, err = c.upload("12345678", at(offset))
		requireFault(t, err, koji.FaultGeneric, "upload is too large: "+path+" would be longer than 10 bytes")
	}
	_, err = c.upload("90", at("8"))
	require.NoError(t, err)

	_, err = c.call("uploadFile", "cli", "g", 1, nil, 10, "eA==")
	requireFault(t, err, koji.FaultGeneric, "upload is too large: "+h.Paths.TopDir+"/work/cli/g would be longer than 10 bytes")
	_, err = c.call("uploadFile", "cli", "f", 11, nil, -1, "")
	requireFault(t, err, koji.FaultGeneric, "upload is too large: "+path+" would be longer than 10 bytes")
	_, err = c.call("uploadFile", "cli", "f", -1, nil, -1, "")
	requireFault(t, err, koji.FaultGeneric, "Invalid size: -1")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "1234567890", string(content))
	require.NoFileExists(t, h.Paths.TopDir+"/work/cli/g")
}

// A full disk leaves no half piece, and the rest of the file as it was.
func TestUploadToFullDisk(t *testing.T) {
	top := t.TempDir()
	testenv.Need(t, os.Geteuid() == 0, "root, to mount a small file system")
	require.NoError(t, unix.Mount("tmpfs", top, "tmpfs", 0, "size=256k"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(top, unix.MNT_DETACH)) })
	h := newTestHub(t, func(o *Options) { o.Config.Hub.TopDir = top })
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	full := "the hub's disk is full: cannot write " + top + "/work/cli/f"
	much := strings.Repeat("x", 1<<20)
	at := func(offset string) map[string]string {
		return map[string]string{"filepath": "cli", "filename": "f", "offset": offset}
	}
	_, err := c.upload(much, at("0"))
	requireFault(t, err, koji.FaultGeneric, full)
	require.NoFileExists(t, top+"/work/cli/f")

	_, err = c.upload("begun", at("0"))
	require.NoError(t, err)
	_, err = c.upload(much, at("5"))
	requireFault(t, err, koji.FaultGeneric, full)
	_, err = c.call("uploadFile", "cli", "f", len(much), nil, 5, []byte(much))
	requireFault(t, err, koji.FaultGeneric, full)
	_, err = c.upload(", ended", at("5"))
	require.NoError(t, err)
	content, err := os.ReadFile(top + "/work/cli/f")
	require.NoError(t, err)
	require.Equal(t, "begun, ended", string(content))
}
