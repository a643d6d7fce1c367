package hubconf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
)

const sample = `## a comment
[hub]
DBName = koji
KojiWebURL: http://koji.example.org/koji
  ; inside a value
Plugins = sidetag
    protonmsg

[policy]

tag =
    # who may
    has_perm admin :: allow

    all :: deny no # really
channel = all :: use default
`

func TestParse(t *testing.T) {
	conf, err := Parse("hub.conf", sample)
	require.NoError(t, err)
	require.Equal(t, Option{"DBName", "koji", config.Place{File: "hub.conf", Line: 3}}, conf["hub"]["dbname"])
	require.Equal(t, "http://koji.example.org/koji", conf["hub"]["kojiweburl"].Value)
	require.Equal(t, "sidetag\nprotonmsg", conf["hub"]["plugins"].Value)

	p := conf.Policies()
	require.Equal(t, map[string]string{
		"tag":     "\n# who may\nhas_perm admin :: allow\n\nall :: deny no # really",
		"channel": "all :: use default",
	}, p.Texts)
	require.Equal(t, "hub.conf:15", p.Place("tag", 5), "the last rule")
	require.Equal(t, "hub.conf:16", p.Place("channel", 1))
	require.Empty(t, p.Place("volume", 1))
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a = b", `f:1: "a = b" stands before any section`},
		{"[hub", `f:1: the section "[hub" has no ]`},
		{"[hub]\nnonsense", `f:2: "nonsense" is neither a section nor an option`},
		{"[hub]\na = 1\nA = 2", `f:3: A is set a second time`},
	} {
		_, err := Parse("f", c.text)
		require.EqualError(t, err, c.want)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hub.conf")
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	_, err := Load(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	write("hub.conf", "[hub]\nDBName = main\n")
	write("hub.conf.d/20.conf", "[hub]\nDBUser = second\n")
	write("hub.conf.d/10.conf", "[hub]\nDBUser = first\nDBName = other\n")
	write("hub.conf.d/README", "not read")
	conf, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, "main", conf["hub"]["dbname"].Value)
	require.Equal(t, "second", conf["hub"]["dbuser"].Value)
}
