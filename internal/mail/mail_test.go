package mail_test

import (
	"io"
	"mime"
	"mime/quotedprintable"
	stdmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/mail"
	"github.com/toji-build/toji/internal/mail/mailtest"
)

func relay(t *testing.T, s *mailtest.Server, change func(*mail.Options)) *mail.Relay {
	t.Helper()
	o := mail.Options{Host: "127.0.0.1", Port: s.Port, From: "Koji <koji@example.org>"}
	if change != nil {
		change(&o)
	}
	r, err := mail.NewRelay(o)
	require.NoError(t, err)
	return r
}

func message() mail.Message {
	return mail.Message{
		ID: "task-1@example.org", Date: time.Unix(1700000000, 0).UTC(), To: []string{"a@example.org", "b@example.org"},
		Subject: "built", Body: "hello\n.\nworld\n",
	}
}

// What is sent is what a mail reader gets to see, whatever stands in it.
func TestSend(t *testing.T) {
	s := mailtest.Start(t, nil)
	m := message()
	m.Subject = "tag x\r\nBcc: evil@example.org\r\n\r\nbody — Žluťoučký"
	m.Header = []mail.Field{{Name: "X-Koji-Tag", Value: "f40\nX-Evil: yes"}}
	m.Body += strings.Repeat("ž", 1000) + "\n"
	report, err := relay(t, s, nil).Send(t.Context(), m, m.To)
	require.NoError(t, err)
	require.Equal(t, m.To, report.Accepted)

	got := s.Mails()
	require.Len(t, got, 1)
	require.Equal(t, "koji@example.org", got[0].From)
	require.Equal(t, m.To, got[0].To)
	for line := range strings.Lines(got[0].Text) {
		require.LessOrEqual(t, len(line), 1000)
	}
	read, err := stdmail.ReadMessage(strings.NewReader(got[0].Text))
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "tag x  Bcc: evil@example.org    body — Žluťoučký", subject)
	require.Equal(t, "f40 X-Evil: yes", read.Header.Get("X-Koji-Tag"))
	require.Empty(t, read.Header.Get("Bcc"))
	require.Empty(t, read.Header.Get("X-Evil"))
	require.Equal(t, "<task-1@example.org>", read.Header.Get("Message-ID"))
	to, err := read.Header.AddressList("To")
	require.NoError(t, err)
	require.Len(t, to, 2)
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	require.NoError(t, err)
	require.True(t, m.Body == string(body))
}

// The relay's answers decide whether it is asked again.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name      string
		answers   map[string]string
		permanent bool
		want      string // of an error
	}{
		{"greylisted", map[string]string{"MAIL": "451 try later"}, false, `451 "try later"`},
		{"unwanted sender", map[string]string{"MAIL": "550 go away"}, true, `550 "go away"`},
		{"not now", map[string]string{"greeting": "421 too busy"}, false, `421 "too busy"`},
		{"not here", map[string]string{"greeting": "554 no SMTP service here"}, true, `554 "no SMTP service here"`},
		{"disk full", map[string]string{"end": "452 no space"}, false, `452 "no space"`},
		{"spam", map[string]string{"end": "554 spam"}, true, `554 "spam"`},
		{"hangs up", map[string]string{"DATA": ""}, false, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.Start(t, c.answers)
			_, err := relay(t, s, nil).Send(t.Context(), message(), message().To)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.permanent, mail.Permanent(err))
			require.Empty(t, s.Mails())
		})
	}
}

func TestRecipientsOneByOne(t *testing.T) {
	s := mailtest.Start(t, map[string]string{"RCPT b@example.org": "450 later", "RCPT c@example.org": "550 unknown"})
	report, err := relay(t, s, nil).Send(t.Context(), message(), []string{"a@example.org", "b@example.org", "c@example.org"})
	require.NoError(t, err)
	require.Equal(t, mail.Report{
		Accepted: []string{"a@example.org"},
		Deferred: map[string]string{"b@example.org": `450 "later"`}, Refused: map[string]string{"c@example.org": `550 "unknown"`},
	}, report)
	require.Equal(t, []string{"a@example.org"}, s.Mails()[0].To)

	report, err = relay(t, s, nil).Send(t.Context(), message(), []string{"c@example.org"})
	require.NoError(t, err)
	require.Empty(t, report.Accepted)
	require.Len(t, s.Mails(), 1, "nothing is sent to nobody")
}

func TestTLS(t *testing.T) {
	s := mailtest.Start(t, nil)
	_, err := relay(t, s, func(o *mail.Options) { o.StartTLS = true }).Send(t.Context(), message(), message().To)
	require.ErrorContains(t, err, "does not offer STARTTLS")
	require.True(t, mail.Permanent(err))

	s = mailtest.StartTLS(t, "koji", "secret")
	login := func(password string) *mail.Relay {
		return relay(t, s, func(o *mail.Options) { o.StartTLS, o.TLS, o.User, o.Password = true, s.Client, "koji", password })
	}
	_, err = login("wrong").Send(t.Context(), message(), message().To)
	require.ErrorContains(t, err, "535")
	_, err = login("secret").Send(t.Context(), message(), message().To)
	require.NoError(t, err)
	require.Len(t, s.Mails(), 1)
	_, err = relay(t, s, func(o *mail.Options) { o.StartTLS = true }).Send(t.Context(), message(), message().To)
	require.ErrorContains(t, err, "certificate", "nobody vouches for the relay")
}

func TestAddresses(t *testing.T) {
	good, bad := mail.Addresses([]string{"a@x.org", "A B <b@x.org>", "a@x.org", "none", "c@x.org\r\nRCPT TO:<d@x.org>", ""})
	require.Equal(t, []string{"a@x.org", "b@x.org"}, good)
	require.Equal(t, []string{"none", "c@x.org\r\nRCPT TO:<d@x.org>", ""}, bad)
}

func TestNoRelay(t *testing.T) {
	_, err := mail.NewRelay(mail.Options{})
	require.ErrorContains(t, err, "needs a relay's host")
}
