package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// duplicateLines is from how many lines on a function is worth writing once.
const duplicateLines = 6

// No function and no type is declared twice, whatever its name is.
func TestNothingIsDeclaredTwice(t *testing.T) {
	places := map[string]string{}
	eachGoFile(t, func(path string, lines []string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, strings.Join(lines, "\n"), parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			body := declared(fset, d)
			if strings.Count(body, "\n") < duplicateLines {
				continue
			}
			at := fset.Position(d.Pos()).String()
			if other, ok := places[body]; ok {
				t.Errorf("%s says again what %s says", at, other)
			}
			places[body] = at
		}
	})
	require.NotEmpty(t, places)
}

// declared is what a declaration says beside its name: a function's body, the
// fields of a type.
func declared(fset *token.FileSet, d ast.Decl) string {
	var node ast.Node
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Body == nil {
			return ""
		}
		node = d.Body
	case *ast.GenDecl:
		if d.Tok != token.TYPE || len(d.Specs) != 1 {
			return ""
		}
		node = d.Specs[0].(*ast.TypeSpec).Type
	}
	var text bytes.Buffer
	if err := printer.Fprint(&text, fset, node); err != nil {
		return ""
	}
	return text.String()
}
