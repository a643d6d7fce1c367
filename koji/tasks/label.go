package tasks

import (
	"fmt"
	"path"
	"strings"
)

// sourceLabel names the source of a build: the file of an SRPM, or of an SCM URL
// its path, module and revision, as in "/rpms/hello:main".
func sourceLabel(src string) string {
	_, rest, isURL := strings.Cut(src, "://")
	if !isURL {
		return path.Base(src)
	}
	rest, revision, _ := strings.Cut(rest, "#")
	rest, module, hasModule := strings.Cut(rest, "?")
	label := strings.TrimLeftFunc(rest, func(r rune) bool { return r != '/' })
	if hasModule && module != "" {
		label += ":" + module
	}
	return label + ":" + revision
}

// noLabel is the label of types about which there is nothing to tell: listings
// show the arch in its place.
func noLabel[P any](P) string { return "" }

// subtaskLabel names the methods of tasks to be started, each [method, args, opts].
func subtaskLabel(tasks []any) string {
	names := make([]string, 0, len(tasks))
	for _, t := range tasks {
		if list, ok := t.([]any); ok && len(list) > 0 {
			names = append(names, fmt.Sprint(list[0]))
		}
	}
	return strings.Join(names, ", ")
}
