package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

// tree writes files, whose names are relative to a new directory, and returns it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

func load(t *testing.T, o Options, files map[string]string) (*Profile, string, error) {
	t.Helper()
	dir := tree(t, files)
	o.Etc, o.Home = filepath.Join(dir, "etc"), filepath.Join(dir, "home")
	if o.Config != "" && o.Config[0] != '~' {
		o.Config = filepath.Join(dir, o.Config)
	}
	p, err := Load(o)
	return p, dir, err
}

func TestDefaultsHold(t *testing.T) {
	p, _, err := load(t, Options{}, map[string]string{"etc/koji.conf": "[koji]\n"})
	require.NoError(t, err)
	want := Default()
	want.Name = "koji"
	require.Equal(t, want, p)
	require.Equal(t, 12*time.Hour, p.Timeout)
}

func TestLaterFilesOverride(t *testing.T) {
	p, _, err := load(t, Options{Profile: "fedora"}, map[string]string{
		"etc/koji.conf.d/b.conf":       "[fedora]\nserver = http://b\nweburl = http://b\n",
		"etc/koji.conf.d/a.conf":       "[fedora]\nserver = http://a\nmax_retries = 7\n",
		"etc/koji.conf.d/c.conf.saved": "[fedora]\nmax_retries = 9\n",
		"etc/koji.conf":                "[fedora]\nweburl = http://etc\n[koji]\nserver = http://other\n",
		"home/.koji/config.d/x.conf":   "[fedora]\ntopurl = http://x\n",
		"home/.koji/config":            "[fedora]\ntopurl = http://home\n",
	})
	require.NoError(t, err)
	require.Equal(t, "http://b", p.Server)
	require.Equal(t, "http://etc", p.WebURL)
	require.Equal(t, "http://home", p.TopURL)
	require.Equal(t, 7, p.MaxRetries)
}

func TestEveryOption(t *testing.T) {
	var text strings.Builder
	text.WriteString("[koji]\n")
	values := map[string]string{"*string": "some text", "*bool": "on", "*int": "12345", "*time.Duration": "12345"}
	for name, dst := range Default().options() {
		value := ""
		switch dst.(type) {
		case *string:
			value = values["*string"]
		case *bool:
			value = values["*bool"]
		case *int:
			value = values["*int"]
		case *time.Duration:
			value = values["*time.Duration"]
		}
		require.NotEmpty(t, value, "option %s has a type that assign does not know", name)
		text.WriteString(name + " = " + value + "\n")
	}
	p, _, err := load(t, Options{}, map[string]string{"etc/koji.conf": text.String()})
	require.NoError(t, err)
	for name, dst := range p.options() {
		switch dst := dst.(type) {
		case *string:
			require.Equal(t, "some text", *dst, name)
		case *bool:
			require.True(t, *dst, name)
		case *int:
			require.Equal(t, 12345, *dst, name)
		case *time.Duration:
			require.Equal(t, 12345*time.Second, *dst, name)
		}
	}
}

func TestConfigReplacesTheUsersOwn(t *testing.T) {
	files := map[string]string{
		"etc/koji.conf":     "[koji]\nserver = http://etc\n",
		"home/.koji/config": "[koji]\nserver = http://home\n",
		"home/mine":         "[koji]\nweburl = http://mine\n",
		"conf.d/one.conf":   "[koji]\nweburl = http://dir\n",
		"empty.d/readme":    "",
	}
	for config, want := range map[string]string{"home/mine": "http://mine", "~/mine": "http://mine", "conf.d": "http://dir"} {
		p, _, err := load(t, Options{Config: config}, files)
		require.NoError(t, err)
		require.Equal(t, "http://etc", p.Server)
		require.Equal(t, want, p.WebURL)
	}
	for config, want := range map[string]string{"missing": "can't be opened.", "empty.d": "No config files found in directory: "} {
		_, _, err := load(t, Options{Config: config}, files)
		require.ErrorContains(t, err, want)
		require.True(t, koji.IsFault(err, koji.FaultConfiguration))
	}
}

func TestPaths(t *testing.T) {
	t.Setenv("CERTS", "/etc/certs")
	p, dir, err := load(t, Options{}, map[string]string{
		"etc/koji.conf":           "[koji]\ncert = $CERTS/me.pem\ntopdir = ~/topdir\n",
		"home/.koji/client.crt":   "unused",
		"home/.koji/serverca.crt": "found",
	})
	require.NoError(t, err)
	require.Equal(t, "/etc/certs/me.pem", p.Cert)
	require.Equal(t, filepath.Join(dir, "home/topdir"), p.TopDir)
	require.Equal(t, filepath.Join(dir, "home/.koji/serverca.crt"), p.ServerCA)
}

func TestErrors(t *testing.T) {
	for want, text := range map[string]string{
		"no configuration for profile name: koji":                             "[other]\n",
		"value for max_retries config option must be a valid integer":         "[koji]\nmax_retries = many\n",
		"value for timeout config option must be a valid integer":             "[koji]\ntimeout = 1h\n",
		`value for anon_retry config option must be a boolean, not "perhaps"`: "[koji]\nanon_retry = perhaps\n",
		`koji.conf:2: neither a section nor an option: "what"`:                "[koji]\nwhat\n",
		`koji.conf:1: neither a section nor an option: "server = x"`:          "server = x\n",
	} {
		_, _, err := load(t, Options{}, map[string]string{"etc/koji.conf": text})
		require.ErrorContains(t, err, want)
		require.True(t, koji.IsFault(err, koji.FaultConfiguration))
	}
}

func TestINI(t *testing.T) {
	c := make(ini)
	require.NoError(t, c.read(strings.NewReader(strings.Join([]string{
		"# comment", "[DEFAULT]", "shared = yes", "[a]", "Name: value # kept", "; comment", "empty =",
		"long = one", "  two=2", "\tthree", "", "after = x:y=z", "[b]", "shared = no",
	}, "\r\n")), "test"))
	for _, v := range []struct{ section, option, want string }{
		{"a", "name", "value # kept"}, {"a", "empty", ""}, {"a", "long", "one\ntwo=2\nthree"},
		{"a", "after", "x:y=z"}, {"a", "shared", "yes"}, {"b", "shared", "no"},
	} {
		got, ok := c.lookup(v.section, v.option)
		require.True(t, ok, v.option)
		require.Equal(t, v.want, got)
	}
	_, ok := c.lookup("b", "name")
	require.False(t, ok)
}
