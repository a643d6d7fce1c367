package xmlrpc

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	timeLayout  = "20060102T15:04:05"
	maxElements = 4 * maxDepth // a level of nesting is at most <value><array><data>, or <value><struct><member>
	maxNames    = 1024         // different member names remembered while decoding
)

// kind is what a document turned out to be.
type kind int

const (
	kindNone kind = iota
	kindCall
	kindParams
	kindFault
)

// tag is an element that means something.
type tag int

const (
	tagOther tag = iota
	tagNil
	tagBool
	tagInt
	tagDouble
	tagString
	tagName
	tagArray
	tagStruct
	tagBase64
	tagTime
	tagValue
	tagParams
	tagFault
	tagMethodName
)

// tagOf returns what the element name means, and the name as a string, or "" for
// a name that is not among those usually met.
func tagOf(name []byte) (tag, string) {
	switch string(name) {
	case "value":
		return tagValue, "value"
	case "member":
		return tagOther, "member"
	case "name":
		return tagName, "name"
	case "string":
		return tagString, "string"
	case "int":
		return tagInt, "int"
	case "nil":
		return tagNil, "nil"
	case "boolean":
		return tagBool, "boolean"
	case "double":
		return tagDouble, "double"
	case "struct":
		return tagStruct, "struct"
	case "array":
		return tagArray, "array"
	case "data":
		return tagOther, "data"
	case "params":
		return tagParams, "params"
	case "param":
		return tagOther, "param"
	case "methodName":
		return tagMethodName, "methodName"
	case "methodCall":
		return tagOther, "methodCall"
	case "methodResponse":
		return tagOther, "methodResponse"
	}
	if local := localName(name); len(local) < len(name) {
		t, _ := tagOf(local)
		return t, ""
	}
	return rareTagOf(name), ""
}

// localName returns name without its prefix: Apache's clients send <ex:nil/>.
func localName(name []byte) []byte { return name[bytes.LastIndexByte(name, ':')+1:] }

func rareTagOf(name []byte) tag {
	switch string(name) {
	case "fault":
		return tagFault
	case "base64":
		return tagBase64
	case "dateTime.iso8601":
		return tagTime
	case "i4", "i8", "i1", "i2", "biginteger":
		return tagInt
	case "float", "bigdecimal":
		return tagDouble
	}
	return tagOther
}

type element struct {
	tag  tag
	name string
}

// decoder turns tags and texts into values. Like Koji's it is lenient about the
// order of elements: a closed element takes its text, or what has gathered on the
// stack since an array or struct was opened, and puts a value onto the stack.
type decoder struct {
	scanner
	kind   kind
	method string
	stack  []any
	marks  []int     // height of the stack at each open array or struct
	open   []element // all open elements
	data   []byte    // text since the last start tag
	bare   bool      // the last start tag was <value>
	names  map[string]any
	order  []string // methods in whose calls structs keep their order
}

// known returns text as a string in an interface, shared between equal texts:
// lists of structs repeat their member names over and over.
func (d *decoder) known(text []byte) any {
	if v, ok := d.names[string(text)]; ok {
		return v
	}
	var v any = string(text)
	if len(d.names) < maxNames && len(text) <= 64 {
		if d.names == nil {
			d.names = map[string]any{}
		}
		d.names[v.(string)] = v
	}
	return v
}

func (d *decoder) start(t tag, name string) error {
	d.data = d.data[:0]
	if t == tagArray || t == tagStruct {
		if len(d.marks) >= maxDepth {
			return errDepth
		}
		d.marks = append(d.marks, len(d.stack))
	}
	if d.bare && t == tagOther {
		return fmt.Errorf(`ResponseError("unknown tag %s")`, quote(name[strings.LastIndexByte(name, ':')+1:]))
	}
	d.bare = t == tagValue
	return nil
}

func (d *decoder) close(t tag) error {
	var err error
	switch t {
	case tagOther:
		return nil
	case tagParams:
		d.kind = kindParams
		return nil
	case tagFault:
		d.kind = kindFault
		return nil
	case tagMethodName:
		d.kind = kindCall
		d.method = string(d.data)
		return nil
	case tagValue:
		if d.bare { // no type: a string
			d.push(string(d.data))
		}
	case tagString:
		d.push(string(d.data))
	case tagName:
		d.push(d.known(d.data))
	case tagNil:
		d.push(nil)
	case tagArray:
		d.closeArray()
	case tagStruct:
		err = d.closeStruct()
	default:
		var v any
		if v, err = scalar(t, string(d.data)); err == nil {
			d.push(v)
		}
	}
	d.bare = false
	return err
}

func (d *decoder) push(v any) { d.stack = append(d.stack, v) }

// take removes what has gathered since the innermost array or struct was opened.
func (d *decoder) take() []any {
	mark := d.marks[len(d.marks)-1]
	d.marks = d.marks[:len(d.marks)-1]
	items := d.stack[mark:]
	d.stack = d.stack[:mark]
	return items
}

func (d *decoder) closeArray() {
	items := d.take()
	list := make([]any, len(items))
	copy(list, items)
	d.push(list)
}

func (d *decoder) closeStruct() error {
	items := d.take()
	if len(items)%2 != 0 {
		return errors.New("list index out of range")
	}
	for i := 0; i < len(items); i += 2 {
		if _, ok := items[i].(string); !ok {
			return errors.New("dictionary key must be string")
		}
	}
	if slices.Contains(d.order, d.method) {
		d.push(OrderedOf(items...))
		return nil
	}
	m := make(map[string]any, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		m[items[i].(string)] = items[i+1]
	}
	d.push(m)
	return nil
}

// fault reads the struct of a fault.
func (d *decoder) fault() *Fault {
	f := &Fault{Code: 1}
	if len(d.stack) == 0 {
		return f
	}
	m, _ := d.stack[0].(map[string]any)
	if code, ok := m["faultCode"].(int64); ok {
		f.Code = int(code)
	}
	f.String, _ = m["faultString"].(string)
	return f
}

// errRange is the failure of a call that holds an integer beyond 64 bits.
var errRange = &Fault{Code: 1, String: "<class 'OverflowError'>: long int exceeds XML-RPC limits"}

// scalar converts the text of a simple element.
func scalar(t tag, text string) (any, error) {
	switch t {
	case tagBool:
		switch text {
		case "0":
			return false, nil
		case "1":
			return true, nil
		}
		return nil, errors.New("bad boolean value")
	case tagInt:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return nil, errRange
		}
		if err != nil {
			return nil, fmt.Errorf("invalid literal for int() with base 10: %s", quote(text))
		}
		return n, nil
	case tagDouble:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if strings.ContainsAny(text, "xX_") || err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, fmt.Errorf("could not convert string to float: %s", quote(text))
		}
		return f, nil
	case tagBase64:
		return decodeBase64(text)
	default:
		return parseTime(strings.TrimSpace(text))
	}
}

// decodeBase64 ignores what is not of the alphabet, such as line ends.
func decodeBase64(text string) ([]byte, error) {
	raw := make([]byte, 0, len(text))
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
			raw = append(raw, c)
		}
	}
	n, err := base64.StdEncoding.Decode(raw, raw)
	if err != nil {
		return nil, errors.New("Incorrect padding") //nolint:staticcheck // Koji's text
	}
	return raw[:n], nil
}

// parseTime reads the forms of ISO 8601 that clients send. Without a zone it is UTC.
func parseTime(text string) (any, error) {
	for _, layout := range []string{timeLayout, "20060102T15:04:05Z07:00", "2006-01-02T15:04:05", time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return nil, fmt.Errorf("time data %s does not match format '%%Y%%m%%dT%%H:%%M:%%S'", quote(text))
}
