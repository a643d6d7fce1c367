package xmlrpc

import (
	"fmt"
	"strings"
)

// Value writes v, as EncodeResponse does within an answer.
func (e *Encoder) Value(v any) error { return e.value(v) }

// WriteText writes v, as Encoder.Value does but without boxing it.
func WriteText[T TextAppender](e *Encoder, v T) error {
	const open = "<value><string>"
	e.raw(open)
	text := len(e.buf)
	if e.buf = v.AppendXMLRPC(e.buf); len(e.buf) > text {
		e.raw("</string></value>\n")
		return nil
	}
	e.buf = e.buf[:text-len(open)]
	e.nil()
	return nil
}

// Array writes an array; write writes its elements.
func (e *Encoder) Array(write func() error) error {
	if err := e.openArray(); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	e.closeArray()
	return e.spill()
}

// Record is the text of structs that have the same members, without the values.
type Record struct {
	before []string // each value
	after  string   // the last one
}

// NewRecord returns the record of structs whose members have these names, in
// this order. Each goes with a value of its own to Encoder.Record, or, if it is
// in fixed, has that value in all structs.
func NewRecord(names []string, fixed map[string]any) (*Record, error) {
	r := &Record{}
	e := Encoder{}
	e.raw("<value><struct>\n")
	for _, name := range names {
		e.member(name)
		v, isFixed := fixed[name]
		if !isFixed {
			r.before = append(r.before, string(e.buf))
			e.buf = e.buf[:0]
		} else if err := appendValue(&e, v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		e.raw("</member>\n")
	}
	e.raw("</struct></value>\n")
	r.after = string(e.buf)
	return r, nil
}

// appendValue writes a value to the buffer, which it must fit into.
func appendValue(e *Encoder, v any) error {
	var text strings.Builder
	err := encode(&text, func(inner *Encoder) error { return inner.value(v) })
	e.raw(text.String())
	return err
}

// Record writes a struct; value writes the value of the i-th member that is not
// fixed.
func (e *Encoder) Record(r *Record, value func(i int) error) error {
	for i, text := range r.before {
		e.raw(text)
		if err := value(i); err != nil {
			return err
		}
	}
	e.raw(r.after)
	return e.spill()
}
