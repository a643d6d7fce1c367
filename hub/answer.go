package hub

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// worthPacking is the size from which an answer is compressed.
	worthPacking = 1 << 10
	// pieceTime is how long a client may take to accept a piece of an answer: what
	// is not yet read of the database keeps a connection to it busy.
	pieceTime = time.Minute
)

// answer is the body of a response. It knows whether anything was written, and
// compresses what comes in pieces of some size for clients that take it.
type answer struct {
	w      http.ResponseWriter
	packs  bool // the client takes gzip
	began  bool
	packer *gzip.Writer // nil unless the answer is compressed
}

func newAnswer(w http.ResponseWriter, r *http.Request) *answer {
	return &answer{w: w, packs: takesGzip(r.Header.Get("Accept-Encoding"))}
}

func takesGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.TrimSpace(weight) != "q=0"
		}
	}
	return false
}

// packers compress fast: the answers are text that repeats itself, and better
// compression of it costs more time than it saves on any network.
var packers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // there is such a level
	}
	return w
}}

// Write writes a piece. The first one tells whether to compress: only a short
// answer has a short first piece.
func (a *answer) Write(p []byte) (int, error) {
	if !a.began {
		a.began = true
		if a.packs && len(p) >= worthPacking {
			a.w.Header().Set("Content-Encoding", "gzip")
			a.packer = packers.Get().(*gzip.Writer)
			a.packer.Reset(a.w)
		}
	}
	// Not every writer has deadlines: a test's has none.
	_ = http.NewResponseController(a.w).SetWriteDeadline(time.Now().Add(pieceTime))
	if a.packer != nil {
		return a.packer.Write(p)
	}
	return a.w.Write(p)
}

// end completes the answer.
func (a *answer) end() {
	if a.packer == nil {
		return
	}
	_ = a.packer.Close() // who does not listen does not need it
	packers.Put(a.packer)
	a.packer = nil
}
