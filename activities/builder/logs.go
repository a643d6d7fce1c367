package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	rpcclient "github.com/toji-build/toji/internal/rpc/client"
)

// logEvery is how often grown logs are sent, as Koji's builder does.
const logEvery = time.Second

// logChunk bounds one upload.
const logChunk = 1 << 20

// logStream sends the task's log files to the hub while they grow.
//
// The files are written by whom we do not trust: they may be truncated, replaced
// or be links. Only regular files are read. A file that was truncated or
// replaced is sent again from its beginning.
type logStream struct {
	hub   *rpcclient.Client
	dir   string // on the hub
	state string // file that remembers how far it is
	log   *slog.Logger

	mu    sync.Mutex
	globs []string
	sent  map[string]*sentLog // by path
	quit  chan struct{}
	done  chan struct{} // nil until started
}

// sentLog is how far one file is.
type sentLog struct {
	Name   string `json:"name"` // on the hub
	Inode  uint64 `json:"inode"`
	Offset int64  `json:"offset"`
}

func newLogStream(hub *rpcclient.Client, dir, state string, log *slog.Logger) *logStream {
	l := &logStream{hub: hub, dir: dir, state: state, log: log, sent: map[string]*sentLog{}, quit: make(chan struct{})}
	if text, err := os.ReadFile(state); err == nil {
		if err := json.Unmarshal(text, &l.sent); err != nil {
			l.sent = map[string]*sentLog{} // written by a daemon that died; send again
		}
	}
	return l
}

// watch adds patterns of files to send.
func (l *logStream) watch(globs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.globs = append(l.globs, globs...)
}

// names lists the logs on the hub, sorted.
func (l *logStream) names() (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sent {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (l *logStream) start() {
	l.done = make(chan struct{})
	go func() {
		defer close(l.done)
		tick := time.NewTicker(logEvery)
		defer tick.Stop()
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				if err := l.flush(context.Background()); err != nil {
					l.log.Warn("logs are not sent, will try again", "error", err)
				}
			}
		}
	}()
}

// stop ends the stream; with flush the rest is sent first.
func (l *logStream) stop(flush bool) {
	if l.done == nil {
		return
	}
	close(l.quit)
	<-l.done
	if !flush {
		return
	}
	if err := l.flush(context.Background()); err != nil {
		l.log.Warn("the end of the logs was not sent", "error", err)
	}
}

// flush sends what the files have gained.
func (l *logStream) flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	changed := false
	for _, glob := range l.globs {
		paths, err := filepath.Glob(glob)
		if err != nil {
			return err
		}
		for _, path := range paths {
			grown, err := l.send(ctx, path)
			changed = changed || grown
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", filepath.Base(path), err))
			}
		}
	}
	if changed {
		text, err := json.Marshal(l.sent)
		errs = append(errs, err, replaceFile(l.state, text))
	}
	return errors.Join(errs...)
}

func (l *logStream) send(ctx context.Context, path string) (grown bool, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ELOOP):
		return false, nil
	case err != nil:
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	s := l.entry(path, info)
	buf := make([]byte, min(logChunk, max(info.Size()-s.Offset, 0)))
	for len(buf) > 0 {
		n, err := f.ReadAt(buf, s.Offset)
		if n == 0 {
			if err == io.EOF {
				err = nil
			}
			return grown, err
		}
		o := rpcclient.UploadOptions{Overwrite: true}
		if err := l.hub.UploadChunk(ctx, buf[:n], s.Offset, l.dir, s.Name, o); err != nil {
			return grown, err
		}
		s.Offset += int64(n)
		grown = true
	}
	return grown, nil
}

// entry finds how far the file is. The name of a second file of the same name
// says where it is from.
func (l *logStream) entry(path string, info fs.FileInfo) *sentLog {
	inode := info.Sys().(*syscall.Stat_t).Ino
	s := l.sent[path]
	switch {
	case s == nil:
		s = &sentLog{Name: l.freeName(path), Inode: inode}
		l.sent[path] = s
	case s.Inode != inode || info.Size() < s.Offset:
		s.Inode, s.Offset = inode, 0
	}
	return s
}

func (l *logStream) freeName(path string) string {
	base := filepath.Base(path)
	taken := func(name string) bool {
		for _, s := range l.sent {
			if s.Name == name {
				return true
			}
		}
		return false
	}
	name, ext := strings.TrimSuffix(base, filepath.Ext(base)), filepath.Ext(base)
	for i := 1; taken(base); i++ {
		base = fmt.Sprintf("%s.%d%s", name, i, ext)
	}
	return base
}
