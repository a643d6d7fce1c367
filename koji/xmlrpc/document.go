package xmlrpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

var buffers = sync.Pool{New: func() any { return new([scanBuffer]byte) }}

// decode reads one document from r to its end. In calls of the methods in order
// structs are Ordered.
func decode(r io.Reader, order ...string) (*decoder, error) {
	buf := buffers.Get().(*[scanBuffer]byte)
	defer buffers.Put(buf)
	d := &decoder{scanner: scanner{r: r, buf: buf[:], line: 1}, order: order}
	defer func() { d.buf = nil }()
	if _, err := d.peek(0); errors.Is(err, io.EOF) {
		return nil, errors.New("Empty request") //nolint:staticcheck // Koji's text
	}
	if err := d.declaration(); err != nil {
		return nil, err
	}
	if err := d.document(); err != nil {
		return nil, err
	}
	if d.kind == kindNone {
		return nil, errors.New("ResponseError()")
	}
	return d, nil
}

// xmlDeclaration matches an XML declaration and captures the encoding in its quotes.
var xmlDeclaration = regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1[^"]*"|'1[^']*')` +
	`(?:\s+encoding\s*=\s*("[^"]*"|'[^']*'))?(?:\s+standalone\s*=\s*(?:"[^"]*"|'[^']*'))?\s*$`)

// declaration reads the XML declaration, if there is one, for its encoding.
func (d *decoder) declaration() error {
	if d.has("\xef\xbb\xbf") {
		d.pos += 3
	}
	if !d.has("<?xml") {
		return nil
	}
	text, err := d.skip("?>")
	if err != nil {
		return err
	}
	parts := xmlDeclaration.FindSubmatch(text)
	if parts == nil {
		return &SyntaxError{"XML declaration not well-formed", 1, len("<?xml") + 1}
	}
	name := strings.Trim(string(parts[1]), `"'`)
	switch strings.ToLower(name) {
	case "":
	case "utf-8", "us-ascii", "ascii":
	case "iso-8859-1", "latin1", "latin-1":
		d.latin1 = true
	default:
		return fmt.Errorf("unknown encoding: %s", name)
	}
	return nil
}

// document feeds the tags and texts of the input to the decoder.
func (d *decoder) document() error {
	root := false
	for {
		if len(d.open) == 0 {
			err := d.space()
			if errors.Is(err, io.EOF) && root {
				return nil
			} else if err != nil {
				return d.endError(err, d.end, noElement)
			}
			if err := d.outside(root); err != nil {
				return err
			}
		} else {
			var err error
			if d.data, err = d.text(d.data); err != nil {
				return err
			}
		}
		element, err := d.markup()
		if err != nil {
			return err
		}
		root = root || element
	}
}

// outside refuses text that is not within the root element.
func (d *decoder) outside(root bool) error {
	c := d.buf[d.pos]
	next, _ := d.peek(1)
	switch {
	case root && (c != '<' || next != '!' && next != '?'):
		return d.errorAt(d.pos, "junk after document element")
	case c == '<':
		return nil
	case c < ' ' || c >= 0x80:
		return d.errorAt(d.pos, badToken)
	}
	return d.errorAt(d.pos, "syntax error")
}

// markup reads what starts with "<" and reports whether it was an element.
func (d *decoder) markup() (element bool, err error) {
	c, err := d.peek(1)
	if err != nil {
		return false, d.endError(err, d.pos, unclosed)
	}
	switch {
	case c == '/':
		return true, d.endTag()
	case c == '?':
		if d.has("<?xml") {
			return false, d.errorAt(d.pos, "XML or text declaration not at start of entity")
		}
		_, err = d.skip("?>")
		return false, err
	case c != '!':
		return true, d.startTag()
	case d.has("<!--"):
		d.pos += len("<!--")
		_, err = d.skip("-->")
		return false, err
	case d.has("<![CDATA[") && len(d.open) > 0:
		d.pos += len("<![CDATA[")
		d.data, err = d.cdata(d.data)
		return false, err
	case d.has("<!DOCTYPE") && len(d.open) == 0:
		return false, d.doctype()
	}
	return false, d.errorAt(d.pos, badToken)
}

// doctype skips a document type declaration. Entities are what makes a small
// document large (or read a file), so none may be declared; nor anything else,
// because no XML-RPC client has a reason to.
func (d *decoder) doctype() error {
	for i := 0; ; i++ {
		c, err := d.peek(i)
		if err != nil {
			return d.endError(err, d.pos, unclosed)
		}
		switch c {
		case '>':
			d.pos += i + 1
			return nil
		case '[':
			d.pos += i + 1
			subset, err := d.skip("]")
			if err != nil {
				return err
			}
			_, entity, found := bytes.Cut(subset, []byte("<!ENTITY"))
			if !found {
				return errors.New("DTDForbidden()")
			}
			name := append(bytes.Fields(entity), nil)[0]
			return fmt.Errorf("EntitiesForbidden(name=%s, system_id=None, public_id=None)", quote(string(name)))
		}
	}
}

func (d *decoder) startTag() error {
	text, err := d.tag()
	if err != nil {
		return err
	}
	at := d.pos - len(text) - 2
	text, closed := bytes.CutSuffix(text, []byte("/"))
	tag, known := tagOf(text)
	if known == "" { // an unusual name, or attributes
		name, attrs := splitName(text)
		if bad := badName(name); bad >= 0 || !validAttributes(attrs) {
			return d.errorAt(at+1+max(bad, 0), badToken)
		}
		tag, _ = tagOf(name)
		known = d.known(name).(string)
	}
	if len(d.open) >= maxElements {
		return errDepth
	}
	d.open = append(d.open, element{tag, known})
	if err := d.start(tag, known); err != nil {
		return err
	}
	if closed {
		return d.finish()
	}
	return nil
}

func (d *decoder) endTag() error {
	text, err := d.tag()
	if err != nil {
		return err
	}
	at := d.pos - len(text) - 2
	name := text[1:]
	if len(d.open) > 0 && string(name) == d.open[len(d.open)-1].name {
		return d.finish()
	}
	name = bytes.TrimRight(name, " \t\r\n")
	if bad := badName(name); bad >= 0 || len(d.open) == 0 {
		return d.errorAt(at+2+max(bad, 0), badToken)
	}
	if string(name) != d.open[len(d.open)-1].name {
		return d.errorAt(at+2, "mismatched tag")
	}
	return d.finish()
}

// finish closes the innermost open element.
func (d *decoder) finish() error {
	top := d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	return d.close(top.tag)
}

func splitName(text []byte) (name, rest []byte) {
	if i := bytes.IndexAny(text, " \t\r\n"); i >= 0 {
		return text[:i], bytes.TrimSpace(text[i:])
	}
	return text, nil
}

// badName returns where name stops being the name of an element, or -1 if it is one.
func badName(name []byte) int {
	if len(name) == 0 || !isNameStart(name[0]) {
		return 0
	}
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRune(name[i:])
		if !isNameByte(name[i]) || r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// validAttributes checks the shape name="value" of attributes; nobody reads them.
func validAttributes(attrs []byte) bool {
	for len(attrs) > 0 {
		name, rest, ok := bytes.Cut(attrs, []byte("="))
		rest = bytes.TrimSpace(rest)
		if !ok || badName(bytes.TrimSpace(name)) >= 0 || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
			return false
		}
		value, more, ok := bytes.Cut(rest[1:], rest[:1])
		if !ok || bytes.IndexByte(value, '<') >= 0 {
			return false
		}
		attrs = bytes.TrimSpace(more)
	}
	return true
}
