package rpmfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// An RPM file is a lead, two sections of the same format (signature and
// header) and the payload. A section is a preamble with two counts, an index
// of 16 bytes per entry, and the data that the entries point into. All numbers
// are big-endian. The format is described in RPM's docs/manual/format.md.
const (
	leadSize     = 96
	preambleSize = 16
	indexSize    = 16

	// Limits of RPM itself.
	maxEntries       = 0xffff
	maxHeaderData    = 256 << 20
	maxSignatureData = 64 << 20
)

var (
	leadMagic    = []byte{0xed, 0xab, 0xee, 0xdb}
	sectionMagic = []byte{0x8e, 0xad, 0xe8, 0x01}
)

// ErrNotRPM is the error for a file that is something else than an RPM, or
// whose structure contradicts itself.
var ErrNotRPM = errors.New("not an RPM")

// ErrTruncated is the error for an RPM that ends too early.
var ErrTruncated = errors.New("truncated RPM")

// entryType is the type of an entry's elements.
type entryType uint32

// The types. Numbers are unsigned.
const (
	typeChar        entryType = 1
	typeInt8        entryType = 2
	typeInt16       entryType = 3
	typeInt32       entryType = 4
	typeInt64       entryType = 5
	typeString      entryType = 6
	typeBin         entryType = 7
	typeStringArray entryType = 8
	typeI18NString  entryType = 9
)

// entry is one tag's value: count elements of a type, at the start of data.
type entry struct {
	typ   entryType
	count uint32
	data  []byte
}

// readFull is io.ReadFull with this package's errors.
func readFull(r io.Reader, buf []byte) error {
	_, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}

// readLead reads the lead, of which only the kind of the package still counts.
func readLead(r io.Reader) (source bool, lead []byte, err error) {
	lead = make([]byte, leadSize)
	n, err := io.ReadFull(r, lead)
	switch {
	case !bytes.HasPrefix(lead[:n], leadMagic):
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = ErrNotRPM
		}
		return false, nil, err
	case err != nil:
		return false, nil, ErrTruncated
	}
	return binary.BigEndian.Uint16(lead[6:]) == 1, lead, nil
}

// readSection reads the bytes of a section, its preamble included.
func readSection(r io.Reader, maxData uint32) ([]byte, error) {
	preamble := make([]byte, preambleSize)
	if err := readFull(r, preamble); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(preamble, sectionMagic) {
		return nil, fmt.Errorf("%w: bad header magic", ErrNotRPM)
	}
	entries, size := binary.BigEndian.Uint32(preamble[8:]), binary.BigEndian.Uint32(preamble[12:])
	if entries > maxEntries || size > maxData {
		return nil, fmt.Errorf("%w: header of %d entries and %d bytes", ErrNotRPM, entries, size)
	}
	// The sizes may be lies: memory grows with what is really there.
	rest := int64(entries)*indexSize + int64(size)
	raw := bytes.NewBuffer(preamble)
	if n, err := io.CopyN(raw, r, rest); err != nil {
		if n < rest && errors.Is(err, io.EOF) {
			err = ErrTruncated
		}
		return nil, err
	}
	return raw.Bytes(), nil
}

// readSignature reads the signature section with the padding behind it, which
// aligns the header to 8 bytes.
func readSignature(r io.Reader) ([]byte, error) {
	raw, err := readSection(r, maxSignatureData)
	if err != nil {
		return nil, err
	}
	padding := make([]byte, -len(raw)&7)
	if err := readFull(r, padding); err != nil {
		return nil, err
	}
	return append(raw, padding...), nil
}

// parseSection returns the entries of a section. Every entry lies inside of the
// data and has at least one element.
func parseSection(raw []byte) (map[tag]entry, error) {
	if len(raw) < preambleSize || !bytes.HasPrefix(raw, sectionMagic) {
		return nil, fmt.Errorf("%w: bad header magic", ErrNotRPM)
	}
	n, size := int64(binary.BigEndian.Uint32(raw[8:])), int64(binary.BigEndian.Uint32(raw[12:]))
	start := preambleSize + n*indexSize
	if n > maxEntries || int64(len(raw)) < start+size {
		return nil, ErrTruncated
	}
	data := raw[start : start+size]
	entries := make(map[tag]entry, n)
	for i := range n {
		e := raw[preambleSize+i*indexSize:]
		t := tag(binary.BigEndian.Uint32(e))
		offset, count := binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])
		if int64(offset) > size || count == 0 {
			return nil, fmt.Errorf("%w: bad entry for tag %d", ErrNotRPM, t)
		}
		entry := entry{typ: entryType(binary.BigEndian.Uint32(e[4:])), count: count, data: data[offset:]}
		if !entry.fits() {
			return nil, fmt.Errorf("%w: bad entry for tag %d", ErrNotRPM, t)
		}
		if t < tagRegionFirst || t > tagRegionLast {
			entries[t] = entry
		}
	}
	return entries, nil
}

// fits reports whether as many elements can be in the data; of strings, it
// takes the shortest ones.
func (e entry) fits() bool {
	return uint64(e.count)*uint64(e.elemSize()) <= uint64(len(e.data))
}

// elemSize returns the size of an element, of a string the least it can be.
func (e entry) elemSize() int {
	switch e.typ {
	case typeInt16:
		return 2
	case typeInt32:
		return 4
	case typeInt64:
		return 8
	}
	return 1
}

// isString reports whether the elements are strings.
func (e entry) isString() bool {
	return e.typ == typeString || e.typ == typeStringArray || e.typ == typeI18NString
}

// strings returns the elements of an entry of strings, else nil.
func (e entry) strings() []string {
	if !e.isString() {
		return nil
	}
	var list []string
	rest := e.data
	for range e.count {
		if len(rest) == 0 {
			break
		}
		var s []byte
		s, rest, _ = bytes.Cut(rest, []byte{0})
		list = append(list, decodeString(s))
	}
	return list
}

// ints returns the elements of an entry of numbers, else nil.
func (e entry) ints() []int64 {
	if e.isString() || e.typ == typeBin {
		return nil
	}
	list := make([]int64, 0, e.count)
	size := e.elemSize()
	for i := range int(e.count) {
		var n uint64
		for _, b := range e.data[i*size : (i+1)*size] {
			n = n<<8 | uint64(b)
		}
		list = append(list, int64(n))
	}
	return list
}

// bytes returns the content of a binary entry, else nil.
func (e entry) bytes() []byte {
	if e.typ != typeBin {
		return nil
	}
	return e.data[:e.count:e.count]
}

// decodeString decodes UTF-8, or Latin-1 if it is none, as in old changelogs.
func decodeString(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
