// Package mail writes messages (RFC 5322) and hands them to an SMTP relay (RFC
// 5321).
package mail

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode"
)

// Message is a plain text for some recipients. No value of a field, whatever is
// in it, makes another field or line of the header.
type Message struct {
	ID      string    // unique for ever, such as "task-12@example.org"
	Date    time.Time // when it was written
	From    string    // one address, with or without a name
	To      []string  // bare addresses, see Addresses
	Subject string
	Header  []Field // more fields, in order
	Body    string  // lines end in \n
}

// Field is a field of a message's header.
type Field struct{ Name, Value string }

// Addresses reduces a list to the bare addresses in it, each once, and sorts out
// what is none.
func Addresses(list []string) (good, bad []string) {
	seen := map[string]bool{}
	for _, text := range list {
		a, err := mail.ParseAddress(text)
		switch {
		case err != nil || strings.ContainsFunc(a.Address, unicode.IsControl):
			bad = append(bad, text)
		case !seen[a.Address]:
			seen[a.Address] = true
			good = append(good, a.Address)
		}
	}
	return good, bad
}

// maxField bounds the value of a field: lines of a header have 998 characters.
const maxField = 700

// fieldText is a value as it stands in a header: on one line, or in the encoding
// of RFC 2047.
func fieldText(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	if runes := []rune(value); len(runes) > maxField {
		value = string(runes[:maxField]) + "..."
	}
	return mime.QEncoding.Encode("utf-8", value)
}

// bytes returns the message as it goes over the wire, and the sender's bare
// address.
func (m Message) bytes() (text []byte, sender string, err error) {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return nil, "", fmt.Errorf("sender %q: %w", m.From, err)
	}
	var b bytes.Buffer
	field := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	field("From", from.String())
	field("To", strings.Join(m.To, ",\r\n "))
	field("Subject", fieldText(m.Subject))
	field("Date", m.Date.Format(time.RFC1123Z))
	field("Message-ID", "<"+fieldText(m.ID)+">")
	field("Auto-Submitted", "auto-generated") // RFC 3834: no vacation notes, please
	for _, f := range m.Header {
		field(f.Name, fieldText(f.Value))
	}
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	field("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ToValidUTF8(m.Body, "\uFFFD"))); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), from.Address, nil
}
