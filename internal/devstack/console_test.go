package devstack

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWarning(t *testing.T) {
	for _, c := range []struct{ line, topic, text string }{
		{`time=x level=INFO msg="listening" address=:1`, "", ""},
		{`time=x level=WARN msg="cannot \"go\" on" error="too bad"`, `cannot "go" on`, `cannot "go" on error="too bad"`},
		{`time=x level=ERROR msg=stopped role=hub`, "stopped", "stopped role=hub"},
		{`level=WARN msg=alone`, "alone", "alone"},
		{`time=x level=ERROR+4 msg=worse`, "worse", "worse"},
		{`time=x level=INFO msg="level=WARN msg=fake"`, "", ""},
		{"panic: oops", "", ""},
		{"", "", ""},
	} {
		topic, text, ok := warning(c.line)
		require.Equal(t, c.topic != "", ok, c.line)
		require.Equal(t, c.topic, topic)
		require.Equal(t, c.text, text)
	}
}

func TestRepeatedWarningsAreShownOnce(t *testing.T) {
	var out strings.Builder
	c := newConsole(&out)
	c.warn("hub", "no answer", "no answer attempt=1")
	c.warn("hub", "no answer", "no answer attempt=2")
	c.warn("worker", "no answer", "no answer attempt=1")
	require.Equal(t, "hub: no answer attempt=1\nworker: no answer attempt=1\n", out.String())
}
