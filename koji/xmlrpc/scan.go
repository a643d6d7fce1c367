package xmlrpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError is a document that is not well-formed XML, in the words of expat,
// the parser of Koji's hub.
type SyntaxError struct {
	Msg          string
	Line, Column int // from 1 and from 0
}

// Error returns the message and its place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d, column %d", e.Msg, e.Line, e.Column)
}

const (
	badToken   = "not well-formed (invalid token)"
	noElement  = "no element found"
	unclosed   = "unclosed token"
	scanBuffer = 32 << 10
	maxTag     = 64 << 10 // bytes of one tag or declaration; calls have neither attributes nor DTDs
)

// scanner splits a document into tags and text. It keeps a window of the input
// in buf[pos:end] and refills it as the parser moves on.
type scanner struct {
	r         io.Reader
	buf       []byte
	pos, end  int
	err       error // of r, io.EOF at its end; sticks
	line, col int   // place of buf[0]
	latin1    bool  // the input is ISO-8859-1 instead of UTF-8
}

// fill reads more input behind buf[:end], dropping what lies before pos. It
// returns io.EOF at the end of the input, or the reader's error.
func (s *scanner) fill() error {
	if s.err != nil {
		return s.err
	}
	s.line, s.col = s.place(s.pos)
	s.end = copy(s.buf, s.buf[s.pos:s.end])
	s.pos = 0
	if s.end == len(s.buf) {
		if s.end >= maxTag {
			return s.errorAt(0, "token too long")
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		var n int
		n, s.err = s.r.Read(s.buf[s.end:])
		s.end += n
		if n > 0 {
			return nil
		}
		if s.err != nil {
			return s.err
		}
	}
	return io.ErrNoProgress
}

// place returns the line and column of buf[i].
func (s *scanner) place(i int) (line, col int) {
	seen := s.buf[:i]
	last := bytes.LastIndexByte(seen, '\n')
	if last < 0 {
		return s.line, s.col + s.chars(seen)
	}
	return s.line + bytes.Count(seen, []byte{'\n'}), s.chars(seen[last+1:])
}

func (s *scanner) chars(b []byte) int {
	if s.latin1 {
		return len(b)
	}
	return utf8.RuneCount(b)
}

func (s *scanner) errorAt(i int, msg string) error {
	line, col := s.place(i)
	return &SyntaxError{msg, line, col}
}

// endError makes the end of the input where something was still expected an
// error with message msg at buf[i]; other errors pass.
func (s *scanner) endError(err error, i int, msg string) error {
	if errors.Is(err, io.EOF) {
		return s.errorAt(i, msg)
	}
	return err
}

// peek returns the byte i positions ahead.
func (s *scanner) peek(i int) (byte, error) {
	for s.pos+i >= s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	return s.buf[s.pos+i], nil
}

// has reports whether the input goes on with prefix.
func (s *scanner) has(prefix string) bool {
	if _, err := s.peek(len(prefix) - 1); err != nil {
		return false
	}
	return string(s.buf[s.pos:s.pos+len(prefix)]) == prefix
}

// space skips white space.
func (s *scanner) space() error {
	for {
		c, err := s.peek(0)
		if err != nil {
			return err
		}
		if !isSpace(c) {
			return nil
		}
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// skip moves behind the next occurrence of end and returns the text before it,
// which is valid until the next call.
func (s *scanner) skip(end string) ([]byte, error) {
	from := 0
	for {
		if i := bytes.Index(s.buf[s.pos+from:s.end], []byte(end)); i >= 0 {
			text := s.buf[s.pos : s.pos+from+i]
			s.pos += from + i + len(end)
			return text, nil
		}
		from = max(0, s.end-s.pos-len(end)+1)
		if err := s.fill(); err != nil {
			return nil, s.endError(err, s.pos, unclosed)
		}
	}
}

// tag reads a tag, from its "<" on, and returns the text between the brackets.
// It is valid until the next call.
func (s *scanner) tag() ([]byte, error) {
	from := 1
	for {
		i := s.tagEnd(from)
		if i > 0 {
			text := s.buf[s.pos+1 : s.pos+i]
			if bad := bytes.IndexByte(text, '<'); bad >= 0 {
				return nil, s.errorAt(s.pos+1+bad, badToken)
			}
			s.pos += i + 1
			return text, nil
		}
		from = s.end - s.pos
		if i < 0 {
			from = 1 // a quote has opened
		}
		if err := s.fill(); err != nil {
			return nil, s.endError(err, s.pos, unclosed)
		}
	}
}

// tagEnd returns how far behind pos the tag's ">" is, looking no sooner than
// from; 0 when there is none yet, or -1 when there is none outside of quotes.
func (s *scanner) tagEnd(from int) int {
	window := s.buf[s.pos:s.end]
	i := bytes.IndexByte(window[from:], '>')
	if i < 0 {
		return 0
	}
	i += from
	if bytes.IndexByte(window[:i], '"') < 0 && bytes.IndexByte(window[:i], '\'') < 0 {
		return i
	}
	quote := byte(0)
	for i, c := range window {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return i
		case c == '"' || c == '\'':
			quote = c
		}
	}
	return -1
}

// text appends the character data up to the next "<" to dst.
func (s *scanner) text(dst []byte) ([]byte, error) {
	for {
		i := s.pos
		for i < s.end && !markup[s.buf[i]] {
			i++
		}
		dst = append(dst, s.buf[s.pos:i]...)
		s.pos = i
		if i == s.end {
			if err := s.fill(); err != nil {
				return dst, s.endError(err, s.end, noElement)
			}
			continue
		}
		var err error
		switch c := s.buf[i]; c {
		case '<':
			return dst, nil
		case '&':
			dst, err = s.reference(dst)
		case ']':
			if s.has("]]>") {
				return dst, s.errorAt(s.pos, badToken)
			}
			dst = append(dst, ']')
			s.pos++
		default:
			dst, err = s.char(dst)
		}
		if err != nil {
			return dst, err
		}
	}
}

// markup are the bytes that text cannot be copied beyond without a look.
var markup = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' && c != '\t' && c != '\n' || c >= utf8.RuneSelf
	}
	t['<'], t['&'], t[']'] = true, true, true
	return t
}()

// char appends one character that is not plain ASCII: a carriage return, which
// becomes a line feed, or one beyond ASCII.
func (s *scanner) char(dst []byte) ([]byte, error) {
	c := s.buf[s.pos]
	switch {
	case c == '\r':
		s.pos++
		if next, err := s.peek(0); err == nil && next == '\n' {
			return dst, nil // the line feed follows
		}
		return append(dst, '\n'), nil
	case s.latin1 && c >= utf8.RuneSelf:
		s.pos++
		return utf8.AppendRune(dst, rune(c)), nil
	}
	for !utf8.FullRune(s.buf[s.pos:s.end]) {
		if err := s.fill(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return dst, err
		}
	}
	r, size := utf8.DecodeRune(s.buf[s.pos:s.end])
	if r == utf8.RuneError && size == 1 || !isChar(r) {
		return dst, s.errorAt(s.pos, badToken)
	}
	dst = append(dst, s.buf[s.pos:s.pos+size]...)
	s.pos += size
	return dst, nil
}

var entities = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// reference appends the character that an entity or character reference names.
func (s *scanner) reference(dst []byte) ([]byte, error) {
	const longest = 32
	n := 1
	for ; ; n++ {
		c, err := s.peek(n)
		if err != nil {
			return dst, s.endError(err, s.pos, unclosed)
		}
		if c == ';' && n > 1 {
			break
		}
		if c != '#' && !isNameByte(c) || n == longest {
			return dst, s.errorAt(s.pos+n, badToken)
		}
	}
	name := string(s.buf[s.pos+1 : s.pos+n])
	if number, ok := strings.CutPrefix(name, "#"); ok {
		r, err := parseChar(number)
		if err != nil {
			return dst, s.errorAt(s.pos, badToken)
		}
		if !isChar(r) {
			return dst, s.errorAt(s.pos, "reference to invalid character number")
		}
		dst = utf8.AppendRune(dst, r)
	} else {
		text, ok := entities[name]
		if !ok {
			return dst, s.errorAt(s.pos, "undefined entity")
		}
		dst = append(dst, text...)
	}
	s.pos += n + 1
	return dst, nil
}

func parseChar(number string) (rune, error) {
	base := 10
	if hex, ok := strings.CutPrefix(number, "x"); ok {
		number, base = hex, 16
	}
	n, err := strconv.ParseUint(number, base, 64)
	if errors.Is(err, strconv.ErrRange) || n > utf8.MaxRune {
		return 0, nil // not a character either
	}
	return rune(n), err
}

// cdata appends the text of a CDATA section, from behind its opening on.
func (s *scanner) cdata(dst []byte) ([]byte, error) {
	for {
		c, err := s.peek(0)
		if err != nil {
			return dst, s.endError(err, s.end, "unclosed CDATA section")
		}
		switch {
		case c == ']' && s.has("]]>"):
			s.pos += len("]]>")
			return dst, nil
		case c < utf8.RuneSelf && c >= ' ' || c == '\t' || c == '\n':
			dst = append(dst, c)
			s.pos++
		default:
			if dst, err = s.char(dst); err != nil {
				return dst, err
			}
		}
	}
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '_' || c == '.' || c == ':' || c >= utf8.RuneSelf
}

func isNameStart(c byte) bool {
	return isNameByte(c) && c != '-' && c != '.' && (c < '0' || c > '9')
}
