// Package multilib says which packages of a 64-bit repository are wanted in their
// 32-bit flavour, too: what other programs link with, load at run time or are built
// against. The rules are those of the method "devel" of python-multilib, which Koji
// uses; so is the format of the file that adds to them:
//
//	[runtime]
//	white: names of packages that are wanted ...
//	black: names of packages that are not ...
//	[devel]
//	white: ...
//	black: ...
//
// The first of these that says something about a package counts: the lists of
// [devel], those of [runtime], the rules for what is used at run time, the rules
// for what is built against. Of the two lists of a section black comes first; that
// of [runtime] leaves the last rules open.
package multilib

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Package is what the rules look at.
type Package struct {
	Name     string
	Provides []string // names
	Files    []string // absolute paths
}

// Rules are those of a file.
type Rules struct {
	lists map[string][]string // by "section.key"
}

// Read reads a file of rules. Koji: a section or a list that is missing is an error.
func Read(file string) (Rules, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Rules{}, err
	}
	return Parse(string(text))
}

// Parse is Read for the text of a file.
func Parse(text string) (Rules, error) {
	r := Rules{lists: map[string][]string{}}
	section, key := "", ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		trimmed := strings.TrimSpace(line)
		name, value, isKey := strings.Cut(strings.Replace(trimmed, "=", ":", 1), ":")
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			section, key = strings.Trim(trimmed, "[]"), ""
		case (line[0] == ' ' || line[0] == '\t') && key != "": // goes on with the list
			r.add(key, trimmed)
		case isKey && section != "":
			key = section + "." + strings.ToLower(strings.TrimSpace(name))
			r.add(key, value)
		default:
			return r, fmt.Errorf("line %d: cannot make sense of %q", n, trimmed)
		}
	}
	for _, key := range []string{"runtime.white", "runtime.black", "devel.white", "devel.black"} {
		if _, ok := r.lists[key]; !ok {
			section, list, _ := strings.Cut(key, ".")
			return r, fmt.Errorf("there is no list %s in section [%s]", list, section)
		}
	}
	return r, nil
}

func (r Rules) add(key, words string) {
	more := strings.FieldsFunc(words, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' })
	r.lists[key] = append(r.lists[key], more...)
}

// Wants says whether the 32-bit flavour of a 64-bit package is wanted.
func (r Rules) Wants(p Package) bool {
	in := func(list string) bool { return slices.Contains(r.lists[list], p.Name) }
	switch {
	case in("devel.black"):
		return false
	case in("devel.white"):
		return true
	case !in("runtime.black") && (in("runtime.white") || p.isRuntime()):
		return true
	}
	return p.isDevel()
}

// tools are programs that look into others, and so are of the same kind as these.
var tools = []string{"gdb", "frysk", "systemtap", "systemtap-runtime", "ltrace", "strace"}

// runtimeFiles are paths of libraries, of plugins that libraries load, and of what
// tells where these are.
var runtimeFiles = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`(?:/usr)?/lib(?:64)?/[^/]*\.so\.[^/]*`,
	`/usr/lib(?:64)?/(?:alsa-lib|dri|gtk-2\.0/modules|gtk-2\.0/immodules|krb5/plugins|sasl2|vdpau)/[^/]+`,
	`(?:/usr)?/lib(?:64)?/security/[^/]+`,
	`/etc/lsb-release\.d/[^/]+`,
	`/etc/ld\.so\.conf\.d/[^/]*\.conf`,
	`/lib(?:64)?/(?:libnss_|libdb-)[^/]*`,
	`/usr/lib(?:64)?/gtk-2\.0/.*/(?:engines|modules|immodules|loaders|printbackends|filesystems)/[^/]+`,
	`/usr/lib(?:64)?/gstreamer-.*`,
	`/usr/lib.*/(?:qt|kde).*/plugins/.*/[^/]+`,
	`/usr/lib.*/qt5/qml/.*/[^/]+`,
	`/usr/lib.*/gdk-pixbuf-2\.0/.*/loaders/[^/]+`,
	`/usr/lib.*/xine/plugins/.*/[^/]+`,
	`/usr/lib(?:64)?/oprofile/[^/]*\.so\.[^/]*`,
	`/usr/lib(?:64)?/wine/[^/]*\.so`,
	`/usr/lib(?:64)?/sane/libsane-[^/]*`,
}, "|") + `)$`)

// isRuntime tells what other programs use while they run.
func (p Package) isRuntime() bool {
	if slices.Contains(tools, p.Name) || p.isKernel() && (p.provides("kernel") || p.provides("kernel-devel")) {
		return true
	}
	return slices.ContainsFunc(p.Files, runtimeFiles.MatchString)
}

// isDevel tells what other programs are built against.
func (p Package) isDevel() bool {
	isDevel := func(name string) bool { return strings.HasSuffix(name, "-devel") || strings.HasSuffix(name, "-static") }
	switch {
	case strings.HasPrefix(p.Name, "ghc-"): // Haskell links its own libraries into programs
		return false
	case p.isKernel() && slices.ContainsFunc(p.Provides, isDevel):
		return !p.provides("kernel-devel")
	}
	return isDevel(p.Name)
}

func (p Package) isKernel() bool { return strings.HasPrefix(p.Name, "kernel") }

func (p Package) provides(name string) bool { return slices.Contains(p.Provides, name) }
