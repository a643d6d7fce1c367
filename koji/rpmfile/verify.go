package rpmfile

import (
	"bufio"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
)

// ErrCorrupt is the error for an RPM that differs from what its digests or its
// size say.
var ErrCorrupt = errors.New("corrupt RPM")

// VerifyFile is Verify for the file at path.
func VerifyFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := Verify(f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Verify reads an RPM to its end and checks its size and every digest it has of
// its header, of its payload and of both, as rpm -K --nosignature does. The error
// is ErrCorrupt, ErrNotRPM, ErrTruncated or one of reading.
func Verify(r io.Reader) error {
	r = bufio.NewReaderSize(r, 1<<16)
	if _, _, err := readLead(r); err != nil {
		return err
	}
	rawSig, err := readSignature(r)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	raw, err := readSection(r, maxHeaderData)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	tags, err := parseSection(raw)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	h := &Header{tags: tags}
	if err := h.mergeSignature(rawSig); err != nil {
		return err
	}
	checks, err := h.checks()
	if err != nil {
		return err
	}
	size, err := feed(checks, raw, r)
	if err != nil {
		return err
	}
	switch want := h.Int("SIGSIZE"); {
	case want > size:
		return fmt.Errorf("%w: %d bytes of %d", ErrTruncated, size, want)
	case want != 0 && want < size:
		return fmt.Errorf("%w: %d bytes instead of %d", ErrCorrupt, size, want)
	}
	for _, c := range checks {
		if err := c.result(); err != nil {
			return err
		}
	}
	return nil
}

// check is a digest of a part of an RPM.
type check struct {
	name   string
	sum    hash.Hash
	want   string // in hexadecimal
	header bool   // it covers the header
	data   bool   // it covers the payload
}

// result compares the outcome with what the RPM says.
func (c check) result() error {
	if got := hex.EncodeToString(c.sum.Sum(nil)); got != c.want {
		return fmt.Errorf("%w: %s is %s, should be %s", ErrCorrupt, c.name, got, c.want)
	}
	return nil
}

// checks returns what can be checked: at least one digest that covers the
// header and one that covers the payload.
func (h *Header) checks() ([]check, error) {
	var list []check
	if sum := h.tags[tagSigMD5].bytes(); sum != nil {
		list = append(list, check{name: "MD5 digest", sum: md5.New(), want: hex.EncodeToString(sum), header: true, data: true})
	}
	if sum := h.Text("SHA1HEADER"); sum != "" {
		list = append(list, check{name: "header SHA1 digest", sum: sha1.New(), want: sum, header: true})
	}
	if sum := h.Text("SHA256HEADER"); sum != "" {
		list = append(list, check{name: "header SHA256 digest", sum: sha256.New(), want: sum, header: true})
	}
	if sums := h.Strings("PAYLOADDIGEST"); sums != nil {
		algo := digestAlgorithms[h.Int("PAYLOADDIGESTALGO")]
		if sum := newHash(algo); sum != nil {
			list = append(list, check{name: "payload " + algo + " digest", sum: sum, want: sums[0], data: true})
		}
	}
	if !slices.ContainsFunc(list, func(c check) bool { return c.header }) ||
		!slices.ContainsFunc(list, func(c check) bool { return c.data }) {
		return nil, fmt.Errorf("%w: no digest of header and payload", ErrCorrupt)
	}
	return list, nil
}

// newHash returns the hash of an algorithm by name, nil if it is not supported.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// feed gives every check the parts that it covers and returns their total size.
func feed(checks []check, header []byte, payload io.Reader) (int64, error) {
	var data []io.Writer
	for _, c := range checks {
		if c.header {
			c.sum.Write(header) // a hash never fails
		}
		if c.data {
			data = append(data, c.sum)
		}
	}
	n, err := io.Copy(io.MultiWriter(data...), payload)
	return n + int64(len(header)), err
}
