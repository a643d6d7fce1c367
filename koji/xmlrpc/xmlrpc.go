// Package xmlrpc is the codec of Koji's dialect of XML-RPC.
//
// It reads what Python's xmlrpc.client reads and writes, byte for byte, what
// Koji's marshaller writes, because clients and the task table of an adopted
// database hold such texts. Beyond the XML-RPC specification there are <nil/>,
// <i8> for integers beyond 32 bits, and keyword arguments (see Keywords).
//
// Decoded values are of these Go types only:
//
//	<nil/>                                nil
//	<int> <i1> <i2> <i4> <i8> <biginteger>  int64
//	<boolean>                             bool
//	<double> <float>                      float64
//	<string>, bare text in <value>        string
//	<base64>                              []byte
//	<dateTime.iso8601>                    time.Time (UTC)
//	<array>                               []any
//	<struct>                              map[string]any
//
// Encoding takes those, every other integer kind, slices and arrays, maps with
// string keys (written in sorted order), Ordered, pointers (nil is <nil/>), structs (see
// Fields), iter.Seq2[any, error] (written as an array, element by element) and
// types that implement Marshaler. A nil slice is an empty array and a nil map an
// empty struct.
package xmlrpc

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// Fault is the failure of a call as it travels: <methodResponse><fault>.
type Fault struct {
	Code   int    // Koji's faultCode; 1 is an unforeseen error
	String string // the message
}

// Error returns the fault in the form in which Python's client prints it.
func (f *Fault) Error() string {
	return fmt.Sprintf("<Fault %d: %s>", f.Code, quote(f.String))
}

// Marshaler is implemented by types that travel as another value.
type Marshaler interface {
	// MarshalXMLRPC returns the value to encode in the receiver's stead.
	MarshalXMLRPC() (any, error)
}

// TextAppender is a Marshaler that travels as a string, or as nil when that is
// empty. The text must be plain: nothing in it is escaped.
type TextAppender interface {
	Marshaler
	// AppendXMLRPC appends the text to dst.
	AppendXMLRPC(dst []byte) []byte
}

// Streamer is a Marshaler that can also write itself piece by piece, for answers
// that are too large to be held.
type Streamer interface {
	Marshaler
	// StreamXMLRPC writes what MarshalXMLRPC would return.
	StreamXMLRPC(e *Encoder) error
}

// Unmarshaler is implemented by types that are built from a decoded value;
// package internal/rpc calls it when it fills parameters and results.
type Unmarshaler interface {
	// UnmarshalXMLRPC sets the receiver from v, one of the decoded types.
	UnmarshalXMLRPC(v any) error
}

const (
	header   = "<?xml version='1.0'?>\n"
	starstar = "__starstar"
)

// Keywords returns the struct by which Koji passes keyword arguments: as the
// last parameter, with the member __starstar set. It does not change kw.
func Keywords(kw map[string]any) map[string]any {
	last := make(map[string]any, len(kw)+1)
	for name, v := range kw {
		last[name] = v
	}
	last[starstar] = true
	return last
}

// SplitKeywords takes keyword arguments, if there are any, off the end of the
// parameters of a call. It does not change params; kw is nil without keywords.
func SplitKeywords(params []any) (args []any, kw map[string]any) {
	if len(params) == 0 {
		return params, nil
	}
	last, ok := params[len(params)-1].(map[string]any)
	if o, ordered := params[len(params)-1].(Ordered); ordered && Truth(o.Get(starstar)) {
		last, ok = make(map[string]any, len(o)), true
		for _, m := range o {
			last[m.Name] = m.Value
		}
	}
	if !ok || !Truth(last[starstar]) {
		return params, nil
	}
	kw = make(map[string]any, len(last))
	for name, v := range last {
		if name != starstar {
			kw[name] = v
		}
	}
	return params[:len(params)-1], kw
}

// Truth is Python's notion of truth for a decoded value.
func Truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	case Ordered:
		return len(v) > 0
	}
	return true
}

// EncodeRequest writes a methodCall to w. An error is one of w's, or names a
// value that has no XML-RPC form.
func EncodeRequest(w io.Writer, method string, params ...any) error {
	return encode(w, func(e *Encoder) error {
		e.raw(header + "<methodCall>\n<methodName>")
		e.raw(method)
		e.raw("</methodName>\n")
		if err := e.params(params); err != nil {
			return err
		}
		e.raw("</methodCall>\n")
		return nil
	})
}

// EncodeResponse writes a methodResponse with the result v to w. When it fails
// before 64 KiB of text nothing has reached w, and a fault can still be written.
func EncodeResponse(w io.Writer, v any) error {
	return encode(w, func(e *Encoder) error {
		e.raw(header + "<methodResponse>\n")
		if err := e.params([]any{v}); err != nil {
			return err
		}
		e.raw("</methodResponse>\n")
		return nil
	})
}

// EncodeFault writes a methodResponse with a fault to w.
func EncodeFault(w io.Writer, code int, text string) error {
	return encode(w, func(e *Encoder) error {
		e.raw(header + "<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n")
		e.int(int64(code))
		e.raw("</member>\n<member>\n<name>faultString</name>\n")
		e.string(text)
		e.raw("</member>\n</struct></value>\n</fault>\n</methodResponse>\n")
		return nil
	})
}

// DecodeRequest reads a methodCall from r until the end of the input. The method
// is "" when the document names none. Texts of errors are those of Koji's hub; an
// error of r is wrapped. Koji: an integer beyond 64 bits is not a malformed
// request but a failing call, hence a *Fault to answer with.
//
// In the parameters of a call of one of the methods in order, structs are of type
// Ordered instead of maps.
func DecodeRequest(r io.Reader, order ...string) (method string, params []any, err error) {
	d, err := decode(r, order...)
	if err != nil {
		return "", nil, err
	}
	if d.kind == kindFault {
		return "", nil, fmt.Errorf("%w", d.fault())
	}
	return d.method, d.stack, nil
}

// DecodeResponse reads a methodResponse from r until the end of the input and
// returns its result. A fault is returned as an error of type *Fault.
func DecodeResponse(r io.Reader) (any, error) {
	d, err := decode(r)
	if err != nil {
		return nil, err
	}
	if d.kind == kindFault {
		return nil, d.fault()
	}
	if len(d.stack) != 1 {
		return nil, fmt.Errorf("response has %d values, want 1", len(d.stack))
	}
	return d.stack[0], nil
}

// MarshalRequest returns a methodCall as the column task.request stores it: the
// method is the task's, and so are the parameters.
func MarshalRequest(method string, params ...any) (string, error) {
	var b strings.Builder
	err := EncodeRequest(&b, method, params...)
	return b.String(), err
}

// MarshalResult returns a methodResponse as the column task.result stores it for
// a closed task with result v.
func MarshalResult(v any) (string, error) {
	var b strings.Builder
	err := EncodeResponse(&b, v)
	return b.String(), err
}

// MarshalFault returns a methodResponse as the column task.result stores it for
// a failed task.
func MarshalFault(code int, text string) string {
	var b strings.Builder
	_ = EncodeFault(&b, code, text) // neither the values nor a strings.Builder can fail
	return b.String()
}

// UnmarshalRequest reads a text of the column task.request.
func UnmarshalRequest(text string) (method string, params []any, err error) {
	text, err = stored(text)
	if err != nil {
		return "", nil, err
	}
	return DecodeRequest(strings.NewReader(text))
}

// UnmarshalResult reads a text of the column task.result. That of a failed task
// is returned as an error of type *Fault.
func UnmarshalResult(text string) (any, error) {
	text, err := stored(text)
	if err != nil {
		return nil, err
	}
	return DecodeResponse(strings.NewReader(text))
}

// stored undoes the encoding of the task table.
// Koji: rows of old installations hold the text in base64.
func stored(text string) (string, error) {
	if strings.Contains(text[:min(10, len(text))], "<?xml") {
		return text, nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return "", fmt.Errorf("stored text is neither XML nor base64: %w", err)
	}
	return string(raw), nil
}

// LimitReader returns a reader of r that fails with ErrTooLong instead of
// yielding more than n bytes. With n <= 0 there is no limit.
func LimitReader(r io.Reader, n int64) io.Reader {
	if n <= 0 {
		return r
	}
	return &limitReader{r, n}
}

// ErrTooLong is the error of a LimitReader.
var ErrTooLong = fmt.Errorf("Request too long") //nolint:staticcheck // Koji's text

type limitReader struct {
	r io.Reader
	n int64 // bytes still allowed
}

func (l *limitReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.n -= int64(n); l.n < 0 {
		return 0, ErrTooLong
	}
	return n, err
}
