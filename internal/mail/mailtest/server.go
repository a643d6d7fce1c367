// Package mailtest is a small SMTP server for tests.
package mailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// Mail is a mail that the server took.
type Mail struct {
	From string
	To   []string
	Text string // with its header, lines end in \n
}

// Server takes mail on a port of 127.0.0.1.
type Server struct {
	Port   int
	Client *tls.Config // trusts the server, if it has TLS

	listener net.Listener
	answers  map[string]string
	tls      *tls.Config
	login    string

	mu    sync.Mutex
	mails []Mail
}

// Start starts a server for the time of a test. answers go instead of the usual
// ones: by command, by command and address ("RCPT a@example.org"), for the
// "greeting" and for the "end" of a text. An empty one hangs up.
func Start(t *testing.T, answers map[string]string) *Server {
	t.Helper()
	return start(t, &Server{answers: answers})
}

// StartTLS starts a server that wants TLS and a login before mail.
func StartTLS(t *testing.T, user, password string) *Server {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	s := &Server{
		tls:    &tls.Config{Certificates: web.TLS.Certificates},
		Client: &tls.Config{RootCAs: web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs},
		login:  base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)),
	}
	return start(t, s)
}

func start(t *testing.T, s *Server) *Server {
	t.Helper()
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.Port = s.listener.Addr().(*net.TCPAddr).Port
	var conversations sync.WaitGroup
	conversations.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			conversations.Go(func() {
				defer conn.Close()
				s.converse(conn)
			})
		}
	})
	t.Cleanup(func() {
		s.listener.Close()
		conversations.Wait()
	})
	return s
}

// Mails lists what the server took, the first first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Answer changes an answer, see Start; the usual one goes again if it is "-".
func (s *Server) Answer(to, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = map[string]string{}
	}
	if s.answers[to] = answer; answer == "-" {
		delete(s.answers, to)
	}
}

// say answers one of the keys, or as usual; it reports whether to go on and
// whether that was the usual.
func (s *Server) say(conn net.Conn, usual string, keys ...string) (goOn, done bool) {
	s.mu.Lock()
	answer, special := usual, false
	for _, key := range keys {
		if a, ok := s.answers[key]; ok {
			answer, special = a, true
		}
	}
	s.mu.Unlock()
	if answer == "" {
		return false, false
	}
	_, err := fmt.Fprintf(conn, "%s\r\n", answer)
	return err == nil, !special
}

// converse speaks as much of RFC 5321 as is needed.
func (s *Server) converse(conn net.Conn) {
	lines := textproto.NewReader(bufio.NewReader(conn))
	goOn, _ := s.say(conn, "220 test", "greeting")
	var m Mail
	for goOn {
		line, err := lines.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		address := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(rest, "FROM:<"), "TO:<"), ">")
		address, _, _ = strings.Cut(address, "> ")
		var done bool
		switch verb {
		case "EHLO":
			goOn, _ = s.say(conn, s.extensions(conn), verb)
		case "STARTTLS":
			if goOn, _ = s.say(conn, "220 go on", verb); goOn {
				conn = tls.Server(conn, s.tls)
				lines = textproto.NewReader(bufio.NewReader(conn))
			}
		case "AUTH":
			answer := "535 wrong password"
			if rest == "PLAIN "+s.login {
				answer = "235 welcome"
			}
			goOn, _ = s.say(conn, answer, verb)
		case "MAIL":
			m = Mail{From: address}
			goOn, _ = s.say(conn, "250 ok", verb)
		case "RCPT":
			if goOn, done = s.say(conn, "250 ok", verb, verb+" "+address); done {
				m.To = append(m.To, address)
			}
		case "DATA":
			if goOn, done = s.say(conn, "354 go on", verb); done {
				goOn = s.take(conn, lines, m)
			}
		case "QUIT":
			_, _ = s.say(conn, "221 bye", verb)
			return
		default:
			goOn, _ = s.say(conn, "502 what?", verb)
		}
	}
}

func (s *Server) extensions(conn net.Conn) string {
	_, secure := conn.(*tls.Conn)
	switch {
	case s.tls == nil:
		return "250 test"
	case secure:
		return "250-test\r\n250 AUTH PLAIN"
	}
	return "250-test\r\n250 STARTTLS"
}

func (s *Server) take(conn net.Conn, lines *textproto.Reader, m Mail) (goOn bool) {
	text, err := lines.ReadDotBytes()
	if err != nil {
		return false
	}
	m.Text = string(text)
	s.mu.Lock()
	_, special := s.answers["end"]
	if !special {
		s.mails = append(s.mails, m)
	}
	s.mu.Unlock()
	goOn, _ = s.say(conn, "250 taken", "end")
	return goOn
}
