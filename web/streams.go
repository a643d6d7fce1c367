package web

import (
	"net"
	"net/http"
	"sync"
)

// streams counts the open streams of server-sent events by the address of their
// browsers. Its zero value is ready for use.
type streams struct {
	mu   sync.Mutex
	open map[string]int
}

// enter counts one more, unless there are as many as max from this address.
func (s *streams) enter(address string, max int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[address] >= max {
		return false
	}
	if s.open == nil {
		s.open = make(map[string]int)
	}
	s.open[address]++
	return true
}

func (s *streams) leave(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[address]--; s.open[address] == 0 {
		delete(s.open, address)
	}
}

func remoteAddress(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// limited lets no address have more than Options.MaxStreams streams: each holds a
// connection, and may follow a log.
func (s *Site) limited(stream http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		address := s.opts.Address(r)
		if !s.streams.enter(address, s.opts.MaxStreams) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "Too many open pages follow what changes from this address; close some of them.", http.StatusTooManyRequests)
			return
		}
		defer s.streams.leave(address)
		stream(w, r)
	}
}
