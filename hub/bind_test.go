package hub

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
)

// What is declared in koji/api is bound to code, but for testdata/unbound.txt.
func TestEveryMethodIsBound(t *testing.T) {
	text, err := os.ReadFile("testdata/unbound.txt")
	require.NoError(t, err)
	unbound := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "#") {
			unbound[name] = true
		}
	}
	h := newTestHub(t)
	for _, d := range rpc.Declared() {
		_, err := h.Methods.Lookup(d.Name)
		switch {
		case err != nil && !unbound[d.Name]:
			t.Errorf("%s is declared in koji/api and not bound in hub", d.Name)
		case err == nil && unbound[d.Name]:
			t.Errorf("%s is bound now: take it off testdata/unbound.txt", d.Name)
		}
	}
}
