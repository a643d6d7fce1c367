package hub

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"
)

// fileServer serves the tree below root under /kojifiles/, with listings of
// directories and ranges of files. Links are followed as long as they stay
// inside of root, which os.Root sees to.
func fileServer(root *os.Root) http.Handler {
	files := http.StripPrefix("/kojifiles", http.FileServerFS(confined{root.FS()}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hidden(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		if t := fileType(r.URL.Path); t != "" {
			w.Header().Set("Content-Type", t)
		}
		// What builders and users upload is never to run in a browser as a page
		// of this server.
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "sandbox")
		files.ServeHTTP(w, r)
	})
}

// confined is the file system of an os.Root, in which what leads out of it does
// not exist.
type confined struct{ fs.FS }

// Open opens the named file.
func (c confined) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if _, ok := errors.AsType[syscall.Errno](err); err != nil && !ok {
		return nil, fs.ErrNotExist // os.Root's refusal, which has no name
	}
	return f, err
}

// hidden tells whether a path has a part that begins with a dot, such as the
// note of who owns an upload.
func hidden(p string) bool { return strings.Contains(p, "/.") }

// fileTypes are those that Go's own table lacks or gets wrong for a browser that
// should show the file.
var fileTypes = map[string]string{
	".log": "text/plain; charset=utf-8",
	".txt": "text/plain; charset=utf-8",
	".cfg": "text/plain; charset=utf-8",
	".ks":  "text/plain; charset=utf-8",
	".rpm": "application/x-rpm",
	".gz":  "application/gzip",
	".xz":  "application/x-xz",
	".zst": "application/zstd",
}

func fileType(p string) string { return fileTypes[path.Ext(p)] }
