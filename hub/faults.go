package hub

import (
	"context"
	"errors"
	"strings"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// faultUnforeseen is the code of faults that are no exception of Koji's.
const faultUnforeseen = 1

// errInternal stands for a panic, about which the log knows more than a client should.
var errInternal = &koji.Error{Fault: faultUnforeseen, Msg: "internal error, see the hub's log"}

// maxFaultText is how much a fault says, in bytes: what a client sent and cannot
// be used is not sent back to it by the megabyte.
const maxFaultText = 16 << 10

// faultOf translates an error into what the client gets. This is the only place
// where errors become faults.
func faultOf(err error) *xmlrpc.Fault {
	if e, ok := errors.AsType[*koji.Error](err); ok && e.Fault != 0 {
		return &xmlrpc.Fault{Code: e.Fault, String: shortened(e.Error())}
	}
	if f, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		return f
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &xmlrpc.Fault{Code: koji.FaultServerOffline, String: "the call took too long or was given up"}
	case database.IsConnLost(err):
		return &xmlrpc.Fault{Code: koji.FaultServerOffline, String: "database outage"}
	case database.IsSerialization(err):
		return &xmlrpc.Fault{Code: koji.FaultServerOffline, String: "two calls were in each other's way, try again"}
	}
	if text, ok := database.IsBadValue(err); ok {
		return &xmlrpc.Fault{Code: koji.FaultParameter, String: text}
	}
	if text, ok := database.IsConstraint(err); ok {
		// Koji: a fault of class 1 with the whole error of SQL.
		return &xmlrpc.Fault{Code: koji.FaultGeneric, String: shortened(text)}
	}
	if database.Code(err) != "" {
		// Koji: clients of its hub get to see errors of SQL.
		return &xmlrpc.Fault{Code: faultUnforeseen, String: errInternal.Msg}
	}
	return &xmlrpc.Fault{Code: faultUnforeseen, String: shortened(err.Error())}
}

func shortened(text string) string {
	if len(text) <= maxFaultText {
		return text
	}
	return strings.ToValidUTF8(text[:maxFaultText], "") + " ..."
}

// withoutClass drops Python's "<class 'Exception'>: " from a fault's text.
func withoutClass(text string) string {
	if rest, ok := strings.CutPrefix(text, "<class '"); ok {
		if _, msg, ok := strings.Cut(rest, "'>: "); ok {
			return msg
		}
	}
	return text
}
