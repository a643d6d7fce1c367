package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/toji-build/toji/koji"
)

// pageError is an answer other than the page that was asked for.
type pageError struct {
	Status  int
	Message string // what is wrong, a sentence
	Hint    string // what to do about it, a sentence
}

// Error returns the message.
func (e *pageError) Error() string { return e.Message }

// StatusText names the status.
func (e *pageError) StatusText() string { return http.StatusText(e.Status) }

func notFound(hint, format string, args ...any) error {
	return &pageError{http.StatusNotFound, fmt.Sprintf(format, args...), hint}
}

func badRequest(hint, format string, args ...any) error {
	return &pageError{http.StatusBadRequest, fmt.Sprintf(format, args...), hint}
}

// pageErrorOf translates the errors of the hub. What is not meant for people is
// logged and not shown.
func (s *Site) pageErrorOf(r *http.Request, err error) *pageError {
	if e, ok := errors.AsType[*pageError](err); ok {
		return e
	}
	switch koji.FaultOf(err) {
	case koji.FaultServerOffline:
		return &pageError{http.StatusServiceUnavailable, err.Error(), "The hub is down for maintenance; running builds go on. Try again later."}
	case koji.FaultParameter:
		return &pageError{http.StatusBadRequest, err.Error(), "The address of this page asks for something that the hub does not understand."}
	}
	if r.Context().Err() == nil {
		s.opts.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
	}
	return &pageError{http.StatusInternalServerError, "The hub could not answer.", "Its log says why. It may help to load the page again."}
}

func (s *Site) serveError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to read it
	}
	e := s.pageErrorOf(r, err)
	s.render(w, r, e.Status, "error", &view{Title: e.StatusText(), Body: e})
}

func (s *Site) serveNoRoute(w http.ResponseWriter, r *http.Request) {
	s.serveError(w, r, notFound("Choose one above, or search by task id, build or package.", "There is no page %s.", r.URL.Path))
}

func (s *Site) serveNoMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	s.serveError(w, r, &pageError{http.StatusMethodNotAllowed, "Pages can only be read.", "The command line changes things: toji help."})
}

// idOf reads the id in a path, or in a query.
func idOf(text, what string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil || id <= 0 {
		return 0, badRequest("An id is a number, such as 42.", "%q is not the id of a %s.", text, what)
	}
	return id, nil
}
