// Package rpmfile reads what an RPM says about itself: its signature and its
// header, without looking at the payload.
//
//	lead | signature section | header section | payload
//	      \________ tags _______________/
//
// A Header merges the tags of both sections, as RPM's own bindings do, and adds
// those that RPM computes. Verify checks the digests over header and payload,
// Splice exchanges the signature, NoarchHash tells whether two hosts built the
// same noarch package.
package rpmfile

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/toji-build/toji/koji"
)

// Header is what an RPM says about itself.
type Header struct {
	// FileSize is the size of the file in bytes; 0 if the RPM was not read by Open.
	FileSize int64

	source bool // as the lead says
	tags   map[tag]entry
}

// Open reads the header of the RPM at path.
func Open(path string) (*Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	h.FileSize = info.Size()
	return h, nil
}

// Read reads the header of an RPM from r, which it leaves at the first byte of
// the payload. The error is ErrNotRPM, ErrTruncated or one of reading.
func Read(r io.Reader) (*Header, error) {
	source, _, err := readLead(r)
	if err != nil {
		return nil, err
	}
	sig, err := readSignature(r)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	raw, err := readSection(r, maxHeaderData)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	tags, err := parseSection(raw)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	h := &Header{source: source, tags: tags}
	return h, h.mergeSignature(sig)
}

// signatureTags maps tags of the signature section to those they have in a
// merged header. The small numbers mean other things in the header section.
var signatureTags = map[tag]tag{
	1000: tagSigSize,
	1002: tagSigPGP,
	1004: tagSigMD5,
	1005: tagSigGPG,
	1007: tagArchiveSize,
	267:  tagDSAHeader,
	268:  tagRSAHeader,
	269:  tagSHA1Header,
	270:  tagLongSigSize,
	271:  271, // LONGARCHIVESIZE
	273:  tagSHA256Header,
	274:  5090, // FILESIGNATURES
	275:  5091, // FILESIGNATURELENGTH
	276:  276,  // VERITYSIGNATURES
	277:  277,  // VERITYSIGNATUREALGO
}

// mergeSignature adds the tags of a signature section.
func (h *Header) mergeSignature(raw []byte) error {
	sig, err := parseSection(raw)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	for from, to := range signatureTags {
		e, ok := sig[from]
		if _, there := h.tags[to]; ok && !there {
			h.tags[to] = e
		}
	}
	return nil
}

// Tags returns the names of the tags that the RPM has, in RPM's order, each as
// Koji's getRPMHeaders names it.
func (h *Header) Tags() []string {
	var names []string
	for _, t := range slices.Sorted(maps.Keys(h.tags)) {
		if name := tagName(t); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Get returns the value of a tag by its name, in any case, as RPM's Python
// bindings do: an int64, a string or []byte for most, a []int64 or []string for
// those tags that are lists. A tag that the RPM does not have is nil or an empty
// []string. ok is false if there is no tag of this name.
func (h *Header) Get(name string) (value any, ok bool) {
	name = canonTag(name)
	if v, ok := h.computed(name); ok {
		return v, true
	}
	t, ok := tagsByName[name]
	if !ok {
		return nil, false
	}
	_, isArray := arrayTags[t]
	e, there := h.tags[t]
	if long, ok := longTags[name]; !there && ok {
		e, there = h.tags[tagsByName[long]]
	}
	switch {
	case !there && isArray:
		return []string{}, true
	case !there:
		return nil, true
	case e.typ == typeBin:
		return e.bytes(), true
	case e.isString() && isArray:
		return e.strings(), true
	case e.isString():
		return e.strings()[0], true // of a text in several languages, the one in English
	case isArray:
		return e.ints(), true
	}
	return e.ints()[0], true
}

// longTags has the 64-bit tags that stand in for sizes of 4 GiB and more.
var longTags = map[string]string{
	"SIZE":        "LONGSIZE",
	"ARCHIVESIZE": "LONGARCHIVESIZE",
	"FILESIZES":   "LONGFILESIZES",
	"SIGSIZE":     "LONGSIGSIZE",
}

// Text returns the value of a tag with a string, "" if there is none.
func (h *Header) Text(name string) string {
	v, _ := h.Get(name)
	s, _ := v.(string)
	return s
}

// Strings returns the value of a tag with a list of strings, nil if there is none.
func (h *Header) Strings(name string) []string {
	v, _ := h.Get(name)
	list, _ := v.([]string)
	if len(list) == 0 {
		return nil
	}
	return list
}

// Int returns the value of a tag with a number, 0 if there is none.
func (h *Header) Int(name string) int64 {
	v, _ := h.Get(name)
	n, _ := v.(int64)
	return n
}

// Ints returns the value of a tag with a list of numbers, nil if there is none.
func (h *Header) Ints(name string) []int64 {
	v, _ := h.Get(name)
	list, _ := v.([]int64)
	return list
}

// Source reports whether this is a source package.
func (h *Header) Source() bool {
	_, marked := h.tags[tagSourcePackage]
	return marked || h.source
}

// Epoch returns the epoch, nil if the package has none.
func (h *Header) Epoch() *int64 {
	v, _ := h.Get("EPOCH")
	if n, ok := v.(int64); ok {
		return &n
	}
	return nil
}

// Arch returns the arch as it stands in file names: "src" for a source package,
// or "nosrc" if that lacks some of its sources. What the source package was
// built on is Text("ARCH").
func (h *Header) Arch() string {
	switch {
	case !h.Source():
		return h.Text("ARCH")
	case len(h.Ints("NOSOURCE")) > 0, len(h.Ints("NOPATCH")) > 0:
		return "nosrc"
	}
	return "src"
}

// NVRA returns the package's name as in its file's name, with the epoch.
func (h *Header) NVRA() koji.NVRA {
	n := koji.NVRA{
		NVR: koji.NVR{
			Name:    h.Text("NAME"),
			Version: h.Text("VERSION"),
			Release: h.Text("RELEASE"),
		},
		Arch: h.Arch(),
	}
	if epoch := h.Epoch(); epoch != nil {
		n.Epoch = fmt.Sprint(*epoch)
	}
	return n
}

// BuildTime returns when the package was built, in seconds since the epoch.
func (h *Header) BuildTime() int64 { return h.Int("BUILDTIME") }

// PayloadHash returns the MD5 digest of header and payload in hexadecimal, by
// which Koji tells copies of one RPM from different builds of it.
func (h *Header) PayloadHash() string { return hex.EncodeToString(h.tags[tagSigMD5].bytes()) }
