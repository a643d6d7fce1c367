package kerberos

import (
	"crypto/sha256"
	"sync"
	"time"
)

// replays remembers the authenticators that were used, for as long as their
// time is good. gokrb5's own cache lets through two that come at once.
type replays struct {
	mu    sync.Mutex
	seen  map[[sha256.Size]byte]time.Time
	swept time.Time
}

// before remembers an authenticator and reports whether it was seen already.
func (r *replays) before(authenticator []byte, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[[sha256.Size]byte]time.Time)
	}
	if now.Sub(r.swept) > maxSkew {
		for sum, at := range r.seen {
			if now.Sub(at) > 2*maxSkew {
				delete(r.seen, sum)
			}
		}
		r.swept = now
	}
	sum := sha256.Sum256(authenticator)
	_, used := r.seen[sum]
	if !used {
		r.seen[sum] = now
	}
	return used
}
