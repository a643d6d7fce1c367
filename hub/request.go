package hub

import (
	"bytes"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/http"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// rpc answers an XML-RPC call.
func (s *Server) rpc(w http.ResponseWriter, r *http.Request) {
	method, params, err := xmlrpc.DecodeRequest(xmlrpc.LimitReader(r.Body, s.hub.Config.MaxRequestLength))
	if err != nil {
		if _, isFault := errors.AsType[*xmlrpc.Fault](err); !isFault {
			plain(w, http.StatusBadRequest, "Invalid request: "+err.Error()+"\n")
			return
		}
		s.reply(w, r, nil, err)
		return
	}
	creds, err := s.hub.requestCredentials(r)
	if err != nil {
		s.reply(w, r, nil, err)
		return
	}
	result, err := s.hub.handle(r.Context(), creds, method, params)
	s.reply(w, r, result, err)
}

func offline(message string) error { return koji.ServerOfflinef("%s", message) }

// reply writes a result or a fault. A result is written as it is encoded: when
// encoding it fails late, the client must not take what it got for the whole.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, result any, err error) {
	w.Header().Set("Content-Type", "text/xml")
	out := &counter{w: w}
	if err == nil {
		err = xmlrpc.EncodeResponse(out, result)
		if err == nil || r.Context().Err() != nil {
			return
		}
		s.hub.Log.ErrorContext(r.Context(), "answer failed", obs.Error, err)
		if out.n > 0 {
			panic(http.ErrAbortHandler)
		}
	}
	f := faultOf(err)
	var text bytes.Buffer
	if err := xmlrpc.EncodeFault(&text, f.Code, f.String); err == nil {
		_, _ = out.Write(text.Bytes()) // who does not listen does not need it
	}
}

// counter knows whether anything was written.
type counter struct {
	w http.ResponseWriter
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// requestCredentials are the session, address and certificate of a request.
func (h *Hub) requestCredentials(r *http.Request) (*credentials, error) {
	c, err := credentialsOf(r, !h.Config.DisableURLSessions)
	if err != nil {
		return nil, err
	}
	c.address = r.RemoteAddr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.address = host
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		subject := r.TLS.VerifiedChains[0][0].Subject
		c.cert = &session.Certificate{DN: subject.String(), UserName: subjectPart(subject, h.Config.DNUsernameComponent)}
	}
	return c, nil
}

// subjectTypes are the parts of a subject that may hold user names, under the
// names that Apache's mod_ssl has for them.
var subjectTypes = map[string]string{
	"CN":    "2.5.4.3",
	"O":     "2.5.4.10",
	"OU":    "2.5.4.11",
	"Email": "1.2.840.113549.1.9.1",
	"UID":   "0.9.2342.19200300.100.1.1",
}

// subjectPart returns the first part of the type, "" if there is none.
func subjectPart(subject pkix.Name, part string) string {
	for _, attr := range subject.Names {
		if attr.Type.String() == subjectTypes[part] {
			text, _ := attr.Value.(string)
			return text
		}
	}
	return ""
}
