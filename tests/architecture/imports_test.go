// Package architecture holds the rules of import that ARCHITECTURE.md states.
package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/toji-build/toji"

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	GoFiles    []string
	Dir        string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,GoFiles,Dir", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var pkgs []pkg
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		pkgs = append(pkgs, p)
	}
	require.NotEmpty(t, pkgs)
	return pkgs
}

// A rule forbids packages below from to depend on those below to.
type rule struct {
	name   string
	from   []string // relative to the module
	not    []string // full paths, or relative ones that begin with ./
	except []string // packages of from that may
	direct bool     // only imports count, not what these import
}

var rules = []rule{
	{
		name: "the domain knows neither SQL nor Temporal nor gin",
		from: []string{"koji"},
		// database/sql/driver declares the interface by which a koji.Time becomes a column.
		not: []string{"database/sql", "github.com/lib/pq", "go.temporal.io", "github.com/gin-gonic/gin"},
	},
	{
		name: "the hub does not know what workflows do",
		from: []string{"hub"},
		not:  []string{"./workflows", "./activities", "./workers"},
	},
	{
		name: "workflows are deterministic", direct: true,
		from: []string{"workflows"},
		not:  []string{"os", "os/exec", "net", "net/http", "database/sql", "math/rand", "math/rand/v2", "crypto/rand", "sync", "./hub"},
	},
	{
		name: "a builder reaches the hub over its API only",
		from: []string{"activities/builder", "workers/builder", "workers/step"},
		not:  []string{"./hub", "./internal/database", "database/sql", "github.com/lib/pq", "./schema"},
	},
	{
		name: "so does the command line, which needs no Temporal either",
		from: []string{"cli"},
		not:  []string{"./hub", "./internal/database", "database/sql", "github.com/lib/pq", "./schema", "go.temporal.io", "./workers", "./activities", "./workflows"},
	},
	{
		name: "web pages ask the hub's API",
		from: []string{"web"},
		not:  []string{"./hub", "./internal/database", "database/sql", "github.com/lib/pq", "./schema", "./workers", "./activities", "./workflows"},
	},
	{
		name: "lib/pq is seen in the database package alone", direct: true,
		from: []string{"."}, not: []string{"github.com/lib/pq"},
		except: []string{"internal/database", "hub/store"},
	},
}

func TestImports(t *testing.T) {
	pkgs := list(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			checked := 0
			for _, p := range pkgs {
				rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
				if !below(rel, r.from) || below(rel, r.except) {
					continue
				}
				checked++
				deps := p.Deps
				if r.direct {
					deps = p.Imports
				}
				for _, d := range deps {
					if forbidden(d, r.not) {
						t.Errorf("%s depends on %s", rel, d)
					}
				}
			}
			require.NotZero(t, checked, "the rule is about no package")
		})
	}
}

// gin is seen in one file per server.
func TestOneFilePerServerKnowsGin(t *testing.T) {
	for _, p := range list(t) {
		if !slices.Contains(p.Imports, "github.com/gin-gonic/gin") {
			continue
		}
		out, err := exec.Command("grep", "-l", `"github.com/gin-gonic/gin"`, "-r", "--include=*.go", "--exclude=*_test.go", p.Dir).Output()
		require.NoError(t, err)
		require.Len(t, strings.Fields(string(out)), 1, "files of %s", p.ImportPath)
	}
}

func below(rel string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		return d == "." || rel == d || strings.HasPrefix(rel, d+"/")
	})
}

func forbidden(dep string, not []string) bool {
	return slices.ContainsFunc(not, func(n string) bool {
		if rel, ok := strings.CutPrefix(n, "./"); ok {
			n = module + "/" + rel
		}
		if !strings.Contains(n, ".") { // of the standard library: this package alone
			return dep == n
		}
		return dep == n || strings.HasPrefix(dep, n+"/")
	})
}
