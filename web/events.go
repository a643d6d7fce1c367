package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"
)

const (
	// heartbeat keeps proxies from closing a quiet stream and shows us a browser
	// that is gone. At a heartbeat a stream also looks at what it follows: a log
	// on a network file system grows without a notice when another hub writes it.
	heartbeat = 15 * time.Second
	// calm is the time between two events that make a page load itself again.
	calm = time.Second
)

// stream is a response of server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// newStream begins the response. A browser that loses it tries again soon.
func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would wait for more
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// send sends an event. Its data goes as JSON, in one line, which keeps every
// character of a log as it is. The id, if any, comes back when the browser
// connects again.
func (s *stream) send(event, id string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return s.write(fmt.Sprintf("event: %s\n%sdata: %s\n\n", event, id, text))
}

func (s *stream) write(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

// serveChanges tells a list to load itself again when tasks or hosts have
// changed.
func (s *Site) serveChanges(w http.ResponseWriter, r *http.Request) {
	rings, stop := s.changes.listen()
	defer stop()
	out := newStream(w)
	if out.write("retry: 3000\n\n") != nil || r.Method == http.MethodHead {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		case <-beat.C:
			err = out.write(": still here\n\n")
		case <-rings:
			if err = out.send("change", "", nil); err == nil && !s.pause(r) {
				return
			}
		}
		if err != nil {
			return // the browser is gone
		}
	}
}

// pause waits out the time of calm; false says that the stream is to end.
func (s *Site) pause(r *http.Request) bool {
	timer := time.NewTimer(calm)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
	case <-r.Context().Done():
	}
	return false
}

// serveTaskEvents follows a task and one of its logs.
func (s *Site) serveTaskEvents(w http.ResponseWriter, r *http.Request) {
	f, err := s.newFollower(r)
	if err != nil {
		s.serveError(w, r, err)
		return
	}
	defer f.close()
	f.out = newStream(w)
	if f.out.write("retry: 3000\n\n") != nil || r.Method == http.MethodHead {
		return
	}
	if err := f.run(); err != nil && r.Context().Err() == nil {
		s.opts.Log.WarnContext(r.Context(), "stream of a task's events broke off", "task", f.task, "error", err)
	}
}

// logOffset is where a browser wants a log from: where it was when the
// connection broke, or where the page ends.
func logOffset(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("offset")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, badRequest("An offset is a number of bytes.", "%q is not an offset.", text)
	}
	return n, nil
}

// sendLog sends what the log has gained. A log that has become shorter is another
// one and is sent from its beginning.
func (f *follower) sendLog() error {
	if f.log == "" {
		return nil
	}
	file, err := openLog(f.site.opts.TopDir, f.task, f.log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < f.offset {
		f.offset = 0
		if err := f.out.send("restart", "0", nil); err != nil {
			return err
		}
	}
	for f.offset < info.Size() && f.r.Context().Err() == nil {
		text, err := readAt(file, f.offset, chunkSize)
		if err != nil || len(text) == 0 {
			return err
		}
		f.offset += int64(len(text))
		if err := f.out.send("log", strconv.FormatInt(f.offset, 10), clean(text)); err != nil {
			return err
		}
	}
	return nil
}
