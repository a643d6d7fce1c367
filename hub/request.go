package hub

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// rpc answers an XML-RPC call.
func (s *Server) rpc(w http.ResponseWriter, r *http.Request) {
	method, params, err := xmlrpc.DecodeRequest(xmlrpc.LimitReader(r.Body, s.hub.Config.MaxRequestLength), s.ordered...)
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
	if !s.negotiate(w, r, creds) {
		return
	}
	result, err := s.hub.handle(r.Context(), creds, method, params)
	s.reply(w, r, result, err)
}

func offline(message string) error { return koji.ServerOfflinef("%s", message) }

// reply writes a result or a fault. A result is written as it is encoded, and may
// be read from the database meanwhile. What fails before the first piece (64 KiB)
// is written ends in a fault; later, the connection is cut, so that the client
// does not take what it got for the whole.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, result any, err error) {
	w.Header().Set("Content-Type", "text/xml")
	out := newAnswer(w, r)
	if err == nil {
		err = xmlrpc.EncodeResponse(out, result)
		if err == nil {
			out.end()
			return
		}
		if r.Context().Err() != nil {
			return
		}
		if out.began || unforeseen(err) {
			s.hub.Log.ErrorContext(r.Context(), "answer failed", obs.Error, err)
		}
		if out.began {
			panic(http.ErrAbortHandler)
		}
	}
	f := faultOf(err)
	var text bytes.Buffer
	if err := xmlrpc.EncodeFault(&text, f.Code, f.String); err == nil {
		_, _ = out.Write(text.Bytes()) // who does not listen does not need it
		out.end()
	}
}
