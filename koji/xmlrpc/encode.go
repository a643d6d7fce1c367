package xmlrpc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	flushSize = 64 << 10 // text is handed to the writer in pieces of about this size
	maxDepth  = 500      // of arrays and structs within one another, both ways
)

var errDepth = errors.New("values are nested too deeply")

// Encoder writes values to a response or a request. Its methods are for types
// that implement Streamer.
//
// It builds text in buf and hands it to w piece by piece. The first error of w
// sticks and is returned by flush.
type Encoder struct {
	w     io.Writer
	buf   []byte
	depth int
	keys  []string // of the maps being written, the innermost last
	err   error
}

var encoders = sync.Pool{New: func() any { return &Encoder{buf: make([]byte, 0, flushSize+flushSize/4)} }}

// encode runs write with an encoder for w and flushes what it wrote, unless it fails.
func encode(w io.Writer, write func(*Encoder) error) error {
	e := encoders.Get().(*Encoder)
	e.w = w
	err := write(e)
	if err == nil {
		err = e.flush()
	}
	if cap(e.buf) <= 4*flushSize {
		clear(e.keys[:cap(e.keys)])
		*e = Encoder{buf: e.buf[:0], keys: e.keys[:0]}
		encoders.Put(e)
	}
	return err
}

func (e *Encoder) flush() error {
	if e.err == nil && len(e.buf) > 0 {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
	return e.err
}

// spill flushes when enough text has gathered.
func (e *Encoder) spill() error {
	if len(e.buf) < flushSize {
		return nil
	}
	return e.flush()
}

func (e *Encoder) raw(s string) { e.buf = append(e.buf, s...) }

func (e *Encoder) params(params []any) error {
	e.raw("<params>\n")
	for _, v := range params {
		e.raw("<param>\n")
		if err := e.value(v); err != nil {
			return err
		}
		e.raw("</param>\n")
	}
	e.raw("</params>\n")
	return nil
}

// value writes v. The types that answers are mostly made of go without reflection.
func (e *Encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.nil()
	case string:
		return e.string(v)
	case bool:
		e.bool(v)
	case int:
		e.int(int64(v))
	case int64:
		e.int(v)
	case float64:
		e.float(v)
	case []byte:
		return e.bytes(v)
	case time.Time:
		e.time(v)
	case map[string]any:
		return e.object(v)
	case []any:
		return encodeList(e, v, e.value)
	case []map[string]any:
		return encodeList(e, v, e.object)
	case []string:
		return encodeList(e, v, e.string)
	case []int64:
		return encodeList(e, v, func(n int64) error { e.int(n); return nil })
	case iter.Seq2[any, error]:
		return e.sequence(v)
	case Streamer:
		return v.StreamXMLRPC(e)
	default:
		return e.reflect(v)
	}
	return nil
}

func (e *Encoder) nil() { e.raw("<value><nil/></value>") }

func (e *Encoder) bool(v bool) {
	if v {
		e.raw("<value><boolean>1</boolean></value>\n")
	} else {
		e.raw("<value><boolean>0</boolean></value>\n")
	}
}

func (e *Encoder) int(v int64) {
	if v > math.MaxInt32 || v < math.MinInt32 {
		e.raw("<value><i8>")
		e.buf = strconv.AppendInt(e.buf, v, 10)
		e.raw("</i8></value>\n")
		return
	}
	e.raw("<value><int>")
	e.buf = strconv.AppendInt(e.buf, v, 10)
	e.raw("</int></value>\n")
}

func (e *Encoder) float(v float64) {
	e.raw("<value><double>")
	e.buf = appendFloat(e.buf, v)
	e.raw("</double></value>\n")
}

// appendFloat writes v as Python's repr does: always recognisable as a float,
// with an exponent below 1e-4 and from 1e16.
func appendFloat(dst []byte, v float64) []byte {
	switch abs := math.Abs(v); {
	case math.IsNaN(v):
		return append(dst, "nan"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case abs >= 1e16 || abs < 1e-4 && v != 0:
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if v == math.Trunc(v) {
		dst = append(dst, ".0"...)
	}
	return dst
}

func (e *Encoder) string(s string) error {
	e.raw("<value><string>")
	for len(s) > flushSize {
		n := flushSize
		for n > flushSize-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		e.text(s[:n])
		s = s[n:]
		if err := e.spill(); err != nil {
			return err
		}
	}
	e.text(s)
	e.raw("</string></value>\n")
	return e.spill()
}

// special are the bytes that text cannot take over as they are, or that start a
// character which has to be looked at.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= utf8.RuneSelf || c < ' ' && c != '\t' && c != '\n' && c != '\r'
	}
	t['&'], t['<'], t['>'] = true, true, true
	return t
}()

// text writes s escaped. What XML cannot express becomes U+FFFD, because one bad
// byte in, say, a changelog would make the whole answer unreadable.
func (e *Encoder) text(s string) {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !special[c] {
			i++
			continue
		}
		size, repl := 1, "\uFFFD"
		switch {
		case c == '&':
			repl = "&amp;"
		case c == '<':
			repl = "&lt;"
		case c == '>':
			repl = "&gt;"
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if (r != utf8.RuneError || size > 1) && isChar(r) {
				i += size
				continue
			}
		}
		e.raw(s[done:i])
		e.raw(repl)
		i += size
		done = i
	}
	e.raw(s[done:])
}

// isChar reports whether XML 1.0 allows r in a document.
func isChar(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0xD800 && r <= 0xDFFF, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return r <= utf8.MaxRune
}

// bytes writes b in base64, in lines of 76 characters as Python's encodebytes does.
func (e *Encoder) bytes(b []byte) error {
	const line = 57
	e.raw("<value><base64>\n")
	for len(b) > 0 {
		n := min(line, len(b))
		e.buf = base64.StdEncoding.AppendEncode(e.buf, b[:n])
		e.raw("\n")
		b = b[n:]
		if err := e.spill(); err != nil {
			return err
		}
	}
	e.raw("</base64></value>\n")
	return nil
}

func (e *Encoder) time(t time.Time) {
	e.raw("<value><dateTime.iso8601>")
	e.buf = t.UTC().AppendFormat(e.buf, timeLayout)
	e.raw("</dateTime.iso8601></value>\n")
}

// object writes m in the order of its keys, so that equal answers are equal texts.
func (e *Encoder) object(m map[string]any) error {
	if err := e.openStruct(); err != nil {
		return err
	}
	from := len(e.keys)
	for name := range m {
		e.keys = append(e.keys, name)
	}
	to := len(e.keys)
	slices.Sort(e.keys[from:to])
	for i := from; i < to; i++ {
		name := e.keys[i]
		e.member(name)
		if err := e.value(m[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		e.raw("</member>\n")
	}
	e.keys = e.keys[:from]
	e.closeStruct()
	return nil
}

func (e *Encoder) member(name string) {
	e.raw("<member>\n<name>")
	e.text(name)
	e.raw("</name>\n")
}

func encodeList[T any](e *Encoder, list []T, value func(T) error) error {
	if err := e.openArray(); err != nil {
		return err
	}
	for i, v := range list {
		if err := value(v); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	e.closeArray()
	return nil
}

// sequence writes the values of seq as they come and stops at its first error.
func (e *Encoder) sequence(seq iter.Seq2[any, error]) error {
	if err := e.openArray(); err != nil {
		return err
	}
	for v, err := range seq {
		if err == nil {
			err = e.value(v)
		}
		if err == nil {
			err = e.spill()
		}
		if err != nil {
			return err
		}
	}
	e.closeArray()
	return nil
}

func (e *Encoder) openArray() error {
	if e.depth++; e.depth > maxDepth {
		return errDepth
	}
	e.raw("<value><array><data>\n")
	return e.spill()
}

func (e *Encoder) closeArray() {
	e.depth--
	e.raw("</data></array></value>\n")
}

func (e *Encoder) openStruct() error {
	if e.depth++; e.depth > maxDepth {
		return errDepth
	}
	e.raw("<value><struct>\n")
	return e.spill()
}

func (e *Encoder) closeStruct() {
	e.depth--
	e.raw("</struct></value>\n")
}
