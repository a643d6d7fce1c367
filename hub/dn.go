package hub

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// dn is the distinguished name of a certificate's subject, in the order of the
// certificate.
type dn []dnPart

type dnPart struct{ kind, value string }

// dnKinds are the names of the kinds of parts, and what else OpenSSL and Apache
// call them.
var dnKinds = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "S": "ST", "2.5.4.9": "STREET",
	"2.5.4.10": "O", "2.5.4.11": "OU",
	"0.9.2342.19200300.100.1.1": "UID", "USERID": "UID", "0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1": "Email", "EMAIL": "Email", "EMAILADDRESS": "Email", "E": "Email",
}

func dnKind(name string) string {
	name = strings.ToUpper(strings.TrimSpace(name))
	if kind, ok := dnKinds[name]; ok {
		return kind
	}
	return name
}

// subjectOf returns the subject of a certificate and its text.
func subjectOf(cert *x509.Certificate) (dn, string, error) {
	var sequence pkix.RDNSequence
	if _, err := asn1.Unmarshal(cert.RawSubject, &sequence); err != nil {
		return nil, "", fmt.Errorf("subject of the client certificate: %w", err)
	}
	text := sequence.String()
	d, err := parseDN(text)
	return d, text, err
}

// legacyPart begins a part of a name in OpenSSL's old form.
var legacyPart = regexp.MustCompile(`/[A-Za-z0-9.]+=`)

// parseDN reads a name as Apache prints it: "CN=ann,O=Lab" (RFC 2253, the last
// part first), or "/O=Lab/CN=ann" as old versions do.
func parseDN(text string) (dn, error) {
	if strings.HasPrefix(text, "/") {
		return parseLegacyDN(text)
	}
	var d dn
	for _, field := range splitUnescaped(text) {
		kind, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no distinguished name", text)
		}
		value, err := unescapeDN(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("%q is no distinguished name: %w", text, err)
		}
		d = append(d, dnPart{dnKind(kind), value})
	}
	slices.Reverse(d)
	return d, nil
}

func parseLegacyDN(text string) (dn, error) {
	starts := legacyPart.FindAllStringIndex(text, -1)
	if len(starts) == 0 || starts[0][0] != 0 {
		return nil, fmt.Errorf("%q is no distinguished name", text)
	}
	var d dn
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		d = append(d, dnPart{dnKind(text[at[0]+1 : at[1]-1]), text[at[1]:end]})
	}
	return d, nil
}

// splitUnescaped splits at commas and pluses that no backslash stands before.
func splitUnescaped(text string) []string {
	var fields []string
	start, escaped := 0, false
	for i, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == ',' || r == '+':
			fields = append(fields, text[start:i])
			start = i + 1
		}
	}
	return append(fields, text[start:])
}

// unescapeDN undoes the escapes of RFC 2253: \, and \C3, and a value that stands
// as the hex digits of its DER encoding.
func unescapeDN(value string) (string, error) {
	if digits, ok := strings.CutPrefix(value, "#"); ok {
		der, err := hex.DecodeString(digits)
		if err != nil {
			return "", err
		}
		var text string
		if _, err := asn1.Unmarshal(der, &text); err != nil {
			return value, nil // no string, and equal only to itself
		}
		return text, nil
	}
	var out []byte
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			out = append(out, value[i])
			continue
		}
		rest := value[i+1:]
		if len(rest) >= 2 {
			if b, err := hex.DecodeString(rest[:2]); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		if rest == "" {
			return "", fmt.Errorf("it ends in a backslash")
		}
		out = append(out, rest[0])
		i++
	}
	return string(out), nil
}

// part returns the first part of a kind, "" if there is none.
func (d dn) part(kind string) string {
	for _, p := range d {
		if p.kind == kind {
			return p.value
		}
	}
	return ""
}
