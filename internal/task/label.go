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
	about := arch
	if entry, ok := Lookup(method); ok {
		args, kw := xmlrpc.SplitKeywords(request)
		if _, err := entry.Decode(args, kw); err != nil {
			about += ", unknown args"
		} else {
			about = cmp.Or(entry.Describe(args, kw), arch)
		}
	}
	return fmt.Sprintf("%s (%s)", method, about)
}
