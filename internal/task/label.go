package task

import (
	"cmp"
	"fmt"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// Label names a task in a listing: its method with what it is about, or else
// with its arch, such as "build (f40, hello-1.0-1.src.rpm)". The request is as
// it goes over the wire, keywords last.
//
// Koji: scripts read these texts in the output of watch-task and list-tasks.
func Label(method, arch string, request []any) string {
	if entry, ok := Lookup(method); ok {
		return entry.Label(arch, request)
	}
	return fmt.Sprintf("%s (%s)", method, arch)
}

// Label is the same for a task whose type is known.
func (e Entry) Label(arch string, request []any) string {
	args, kw := xmlrpc.SplitKeywords(request)
	about := arch + ", unknown args"
	if _, err := e.Decode(args, kw); err == nil {
		about = cmp.Or(e.Describe(args, kw), arch)
	}
	return fmt.Sprintf("%s (%s)", e.Method, about)
}
