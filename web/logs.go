package web

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/toji-build/toji/koji"
)

const (
	tailSize  = 64 << 10 // of a log, shown with the page
	chunkSize = 64 << 10 // of a log, sent as one event
)

// logTail is the end of a log.
type logTail struct {
	Name  string
	Text  string
	Begin int64 // where Text is in the file
	End   int64
}

// openLog opens a task's log. What lies outside of the top directory is not
// opened, whatever links a builder has made.
func openLog(topDir string, task int64, name string) (*os.File, error) {
	if !isLog(name) {
		return nil, fs.ErrNotExist
	}
	root, err := os.OpenRoot(topDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// A pipe would make the open wait for its other end.
	f, err := root.OpenFile(path.Join("work", koji.PathInfo{}.TaskRel(task), name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, fs.ErrNotExist)
	}
	return f, nil
}

// readTail reads the last lines of a log. A log that is gone by now is empty.
func readTail(topDir string, task int64, name string) (*logTail, error) {
	t := &logTail{Name: name}
	f, err := openLog(topDir, task, name)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t.Begin = max(0, info.Size()-tailSize)
	text, err := readAt(f, t.Begin, tailSize)
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexByte(text, '\n'); t.Begin > 0 && i >= 0 {
		t.Begin, text = t.Begin+int64(i)+1, text[i+1:]
	}
	t.End = t.Begin + int64(len(text))
	t.Text = clean(text)
	return t, nil
}

// readAt reads at most n bytes that are whole characters.
func readAt(f *os.File, offset int64, n int) ([]byte, error) {
	buf := make([]byte, n)
	got, err := f.ReadAt(buf, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return wholeRunes(buf[:got]), nil
}

// wholeRunes leaves out a character at the end of which a part is missing.
func wholeRunes(text []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if b := text[len(text)-i]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(text[len(text)-i:]) {
				return text[:len(text)-i]
			}
			break
		}
	}
	return text
}

// clean makes a text of what a build wrote: lines that overwrite themselves
// become lines, and what is no character is marked.
func clean(text []byte) string {
	s := strings.ToValidUTF8(string(text), "\uFFFD")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(s)
}
