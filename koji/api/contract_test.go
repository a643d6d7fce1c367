package api_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	_ "github.com/toji-build/toji/koji/api" // declares the methods
)

// readLines returns the lines of a file of testdata that are no comments.
func readLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// contract.golden lists the methods of a Koji 1.35 hub with their parameters, as
// its _listapi shows them. Clients pass parameters by position and by name, so
// names, order and defaults are the contract.
func TestContract(t *testing.T) {
	want := map[string]string{}
	for _, line := range append(readLines(t, "contract.golden"), readLines(t, "plugins.golden")...) {
		name, params, ok := strings.Cut(line, "(")
		require.True(t, ok, line)
		want[name] = "(" + params
	}
	got := map[string]string{}
	for _, d := range rpc.Declared() {
		got[d.Name] = d.ArgDesc()
	}
	for name, params := range got {
		if strings.HasPrefix(name, "toji.") {
			continue // methods of our own
		}
		expected, ok := want[name]
		if !ok {
			t.Errorf("%s is declared, but no method of Koji's; name it toji.%s", name, name)
			continue
		}
		if params != expected {
			t.Errorf("%s: declared with %s, Koji has %s", name, params, expected)
		}
	}
	missing := map[string]bool{}
	for _, name := range readLines(t, "undeclared.txt") {
		missing[name] = true
		if _, ok := got[name]; ok {
			t.Errorf("%s is declared now: take it off undeclared.txt", name)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok && !missing[name] {
			t.Errorf("%s is a method of Koji's and not declared", name)
		}
	}
}
