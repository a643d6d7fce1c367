package kerberos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jcmturner/gokrb5/v8/config"
)

// configFile is a krb5.conf.
type configFile struct {
	parsed *config.Config
	ccache string // default_ccache_name
}

// readConfig reads a krb5.conf, or several of them with colons between.
func readConfig(paths string) (configFile, error) {
	var text strings.Builder
	for path := range strings.SplitSeq(paths, ":") {
		if err := include(&text, path, 0); err != nil {
			return configFile{}, err
		}
	}
	parsed, err := config.NewFromString(text.String())
	// What gokrb5 does not know is nothing that a client could not do without.
	if _, unsupported := errors.AsType[config.UnsupportedDirective](err); err != nil && !unsupported {
		return configFile{}, fmt.Errorf("%s: %w", paths, err)
	}
	return configFile{parsed: parsed, ccache: ccacheName(text.String())}, nil
}

// includeName is what MIT's library includes from a folder besides *.conf.
var includeName = regexp.MustCompile(`^[A-Za-z0-9_-]+$|^[^.].*\.conf$`)

// include adds a file with what it includes, which gokrb5 does not look at.
func include(text *strings.Builder, path string, depth int) error {
	if depth > 10 {
		return fmt.Errorf("%s: included in a circle", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "include":
			err = include(text, words[1], depth+1)
		case len(words) == 2 && words[0] == "includedir":
			err = includeDir(text, words[1], depth+1)
		default:
			text.WriteString(line)
		}
		if err != nil {
			return err
		}
	}
	text.WriteString("\n")
	return nil
}

func includeDir(text *strings.Builder, dir string, depth int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // MIT's library makes nothing of it, either
	}
	for _, e := range entries {
		if !includeName.MatchString(e.Name()) {
			continue
		}
		if err := include(text, filepath.Join(dir, e.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

var ccacheLine = regexp.MustCompile(`(?m)^\s*default_ccache_name\s*=\s*(\S+)`)

// ccacheName returns the name of the credentials cache that a krb5.conf sets.
func ccacheName(text string) string {
	m := ccacheLine.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.NewReplacer(
		"%{uid}", strconv.Itoa(os.Getuid()), "%{euid}", strconv.Itoa(os.Geteuid()), "%{TEMP}", os.TempDir(),
	).Replace(m[1])
}
