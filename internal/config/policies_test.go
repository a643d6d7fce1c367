package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPolicyPlaces(t *testing.T) {
	text := []byte("[hub]\ntopdir = '/mnt/koji'\n[policy]\ntag = '''\n# who\nall :: allow\n'''\nvm = \"all :: deny\"\n" +
		"\"cg_import\" = \"\"\"all :: allow\nall :: deny\"\"\"\n[log]\nlevel = 'info'\n")
	c, err := Parse("toji.toml", text)
	require.NoError(t, err)
	alone, err := ParsePolicies("toji.toml", text)
	require.NoError(t, err)
	for _, p := range []Policies{c.Policies(), alone} {
		require.Equal(t, "# who\nall :: allow\n", p.Texts["tag"])
		require.Equal(t, "toji.toml:6", p.Place("tag", 2))
		require.Equal(t, "toji.toml:8", p.Place("vm", 1))
		require.Equal(t, "toji.toml:10", p.Place("cg_import", 2))
		require.Empty(t, p.Place("level", 1))
	}
	_, err = ParsePolicies("toji.toml", []byte("[policy]\ntag = 3"))
	require.ErrorContains(t, err, "toji.toml:2: ")
}
