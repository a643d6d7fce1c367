package rpmfile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// ReadSignature returns the bytes of an RPM's signature section, with the padding
// behind it. Koji keeps these to put signatures back into unsigned copies.
func ReadSignature(r io.Reader) ([]byte, error) {
	if _, _, err := readLead(r); err != nil {
		return nil, err
	}
	raw, err := readSignature(r)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return raw, nil
}

// ParseSignature returns the tags of a signature section alone, as ReadSignature
// returns it.
func ParseSignature(raw []byte) (*Header, error) {
	h := &Header{tags: make(map[tag]entry)}
	return h, h.mergeSignature(raw)
}

// Splice returns a reader of the RPM in src with another signature section. It
// has read src up to the header when it returns.
func Splice(src io.Reader, signature []byte) (io.Reader, error) {
	if _, err := parseSection(signature); err != nil {
		return nil, fmt.Errorf("new signature: %w", err)
	}
	_, lead, err := readLead(src)
	if err != nil {
		return nil, err
	}
	if _, err := readSignature(src); err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return io.MultiReader(bytes.NewReader(lead), bytes.NewReader(signature), src), nil
}

// Signature returns the OpenPGP signature, nil if the RPM is not signed. One
// over header and payload is preferred to one over the header alone.
func (h *Header) Signature() []byte {
	for _, t := range []tag{tagSigGPG, tagSigPGP, tagDSAHeader, tagRSAHeader} {
		if sig := h.tags[t].bytes(); len(sig) > 0 {
			return sig
		}
	}
	return nil
}

// SigKey returns the ID of the key that signed the RPM as Koji writes it: the
// last 8 hexadecimal digits in lower case. It is "" if the RPM is not signed. The
// signature is not verified.
func (h *Header) SigKey() (string, error) {
	sig := h.Signature()
	if sig == nil {
		return "", nil
	}
	id, err := issuer(sig)
	if err != nil {
		return "", fmt.Errorf("signature: %w", err)
	}
	return hex.EncodeToString(id[len(id)-4:]), nil
}

var errPacket = errors.New("malformed OpenPGP packet")

// issuer returns the 8 bytes of the key ID in an OpenPGP signature packet
// (RFC 4880, 5.2).
func issuer(packet []byte) ([]byte, error) {
	body, err := signatureBody(packet)
	if err != nil {
		return nil, err
	}
	switch {
	case len(body) >= 15 && body[0] == 3:
		return body[7:15], nil
	case len(body) < 6 || body[0] != 4:
		return nil, fmt.Errorf("%w: unknown version of a signature", errPacket)
	}
	// Version, type and two algorithms are followed by two areas of
	// subpackets, the first of which is signed.
	rest := body[4:]
	for range 2 {
		if len(rest) < 2 {
			return nil, errPacket
		}
		size := int(binary.BigEndian.Uint16(rest))
		if len(rest) < 2+size {
			return nil, errPacket
		}
		if id, err := issuerIn(rest[2 : 2+size]); id != nil || err != nil {
			return id, err
		}
		rest = rest[2+size:]
	}
	return nil, fmt.Errorf("%w: no issuer", errPacket)
}

// signatureBody strips the packet's header (RFC 4880, 4.2).
func signatureBody(p []byte) ([]byte, error) {
	const kindSignature = 2
	if len(p) < 2 || p[0]&0x80 == 0 {
		return nil, errPacket
	}
	kind, cut := p[0]&0x3f, cutSized
	if p[0]&0x40 == 0 { // the old format
		sizeType := kind & 3
		kind >>= 2
		cut = func(p []byte) ([]byte, []byte, error) { return cutOldSized(p, sizeType) }
	}
	if kind != kindSignature {
		return nil, fmt.Errorf("%w: not a signature", errPacket)
	}
	body, rest, err := cut(p[1:])
	if err != nil || len(rest) > 0 {
		return nil, errPacket
	}
	return body, nil
}

// cutOldSized splits off what a size of one, two or four bytes says; of type 3
// it is all there is.
func cutOldSized(p []byte, sizeType byte) (body, rest []byte, err error) {
	if sizeType == 3 {
		return p, nil, nil
	}
	start, size := 1<<sizeType, 0
	if len(p) < start {
		return nil, nil, errPacket
	}
	for _, b := range p[:start] {
		size = size<<8 | int(b)
	}
	if len(p)-start < size {
		return nil, nil, errPacket
	}
	return p[start : start+size], p[start+size:], nil
}

// cutSized splits off what a size of one, two or five bytes says, as new-format
// packets and subpackets have it (RFC 4880, 4.2.2 and 5.2.3.1).
func cutSized(p []byte) (body, rest []byte, err error) {
	size, start := 0, 0
	switch {
	case len(p) >= 1 && p[0] < 192:
		size, start = int(p[0]), 1
	case len(p) >= 2 && p[0] >= 192 && p[0] < 255:
		size, start = int(p[0]-192)<<8+int(p[1])+192, 2
	case len(p) >= 5 && p[0] == 255:
		size, start = int(binary.BigEndian.Uint32(p[1:])), 5
	}
	if start == 0 || size < 0 || len(p)-start < size {
		return nil, nil, errPacket
	}
	return p[start : start+size], p[start+size:], nil
}

// issuerIn looks for the issuer among subpackets; nil if it is not there.
func issuerIn(area []byte) ([]byte, error) {
	const issuerKeyID, issuerFingerprint = 16, 33
	var found []byte
	for len(area) > 0 {
		sub, rest, err := cutSized(area)
		if err != nil || len(sub) == 0 {
			return nil, errPacket
		}
		switch {
		case sub[0]&0x7f == issuerKeyID && len(sub) == 9:
			return sub[1:], nil
		case sub[0]&0x7f == issuerFingerprint && len(sub) == 22 && sub[1] == 4:
			found = sub[len(sub)-8:] // of a version 4 key, the ID is the end of the fingerprint
		}
		area = rest
	}
	return found, nil
}
