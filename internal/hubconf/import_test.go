package hubconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
)

// imported writes files, imports hub.conf and reads the result.
func imported(t *testing.T, files map[string]string) (*config.Config, []string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	made, err := Import(filepath.Join(dir, "hub.conf"), filepath.Join(dir, "plugins"))
	if err != nil {
		return nil, nil, err
	}
	var notes []string
	for _, n := range made.Notes {
		notes = append(notes, strings.TrimPrefix(n.String(), dir+"/"))
	}
	require.NotContains(t, made.TOML+strings.Join(notes, ""), "secret")
	c, err := config.Parse("result", []byte(made.TOML))
	require.NoError(t, err, made.TOML)
	return c, notes, nil
}

func TestImport(t *testing.T) {
	c, notes, err := imported(t, map[string]string{
		"hub.conf": `[hub]
DBName = koji
DBUser = o'koji
DBPass = secret
DBHost = db.example.org
KojiDir = /srv/koji
ProxyDNs = CN=web,O=Example|CN=other
ProxyPrincipals = HTTP/web@EXAMPLE.ORG, HTTP/b@EXAMPLE.ORG
CheckClientIP = no
SessionRenewalTimeout = 60
RegexNameInternal = ^[a-z]+\d$
LogLevel = koji.db:DEBUG INFO
RepoLag = 90
DebuginfoTags = f*-debug rhel-*
Plugins = sidetag_hub protonmsg kiwi
RLIMIT_AS = 5
RunInterval = 30
Typo = 1
[policy]
tag =
    # the rules
    has_perm admin :: allow
    all :: deny it's not yours
`,
		"plugins/sidetag.conf":          "[sidetag]\nremove_empty = on\nallowed_suffixes = a,b\n",
		"plugins/protonmsg.conf":        "[broker]\nurls = amqps://x\n[queue]\nage = 6\n",
		"plugins/save_failed_tree.conf": "[permissions]\nallowed_methods = *\n",
	})
	require.NoError(t, err)
	want := config.Default()
	want.Database.DSN = `host='db.example.org' dbname='koji' user='o\'koji'`
	want.Hub.TopDir = "/srv/koji"
	want.Hub.ProxyDNs = []string{"CN=web,O=Example", "CN=other"}
	want.Hub.ProxyPrincipals = []string{"HTTP/web@EXAMPLE.ORG", "HTTP/b@EXAMPLE.ORG"}
	want.Hub.CheckClientIP = false
	want.Hub.SessionRenewalTimeout = config.Duration(time.Hour)
	want.Hub.RegexName = `^[a-z]+\d$`
	want.Log.Level = "info"
	want.Repo.Lag = config.Duration(90 * time.Second)
	want.Repo.DebuginfoTags = []string{"f*-debug", "rhel-*"}
	want.SideTag.RemoveEmpty = true
	want.SideTag.AllowedSuffixes = []string{"a", "b"}
	want.Messages.Enabled = true
	want.Messages.MaxAge = config.Duration(6 * time.Hour)
	want.SaveFailedTree.AllowedMethods = []string{"*"}
	require.Equal(t, "# the rules\nhas_perm admin :: allow\nall :: deny it's not yours\n", c.Policy["tag"])
	want.Policy, c.Policy = nil, nil
	require.Equal(t, want.Database, c.Database)
	require.Equal(t, want.Hub, c.Hub)
	require.Equal(t, want.Repo, c.Repo)
	require.Equal(t, []any{want.SideTag, want.Messages, want.SaveFailedTree, want.Log}, []any{c.SideTag, c.Messages, c.SaveFailedTree, c.Log})
	require.Equal(t, []string{
		"hub.conf:16: RLIMIT_AS: has no meaning for Toji: limits of the process belong into the systemd unit",
		"hub.conf:17: RunInterval: has no meaning for Toji: the scheduler runs when something has changed",
		"hub.conf:18: Typo: Koji knows no such option",
		"hub.conf:4: DBPass: the password is not taken over: put the whole DSN into a file that only the hub can read, and name it in database.dsn_file",
		"hub.conf:15: Plugins: plugin sidetag_hub: the methods of side tags are always there; their options go to [sidetag]",
		"hub.conf:15: Plugins: plugin protonmsg: messages.enabled is set; a relay reads them with `toji messages tail`",
		"hub.conf:15: Plugins: plugin kiwi: Toji has nothing in its place",
		"plugins/protonmsg.conf:2: urls: has no meaning for Toji: for the relay that reads `toji messages tail`",
	}, notes)
}

func TestImportErrors(t *testing.T) {
	for _, c := range []struct{ option, want string }{
		{"LockOut = maybe", `hub.conf:2: LockOut: "maybe" is neither yes nor no`},
		{"MaxJobs = many", `hub.conf:2: MaxJobs: "many" is not a number`},
		{"RepoLag = 1h", `hub.conf:2: RepoLag: "1h" is not a number`},
	} {
		_, _, err := imported(t, map[string]string{"hub.conf": "[hub]\n" + c.option})
		require.ErrorContains(t, err, c.want)
	}
	c, notes, err := imported(t, map[string]string{"hub.conf": "[hub]\nDBConnectionString = postgres://u:secret@h/koji\n[web]\nx = 1\n"})
	require.NoError(t, err)
	require.Equal(t, config.Default().Database, c.Database)
	require.Len(t, notes, 2)
	require.Contains(t, notes[1], "there is no section [web] in a hub.conf")
}

// Every key that an option goes to is one of Toji's, and can be of its form.
func TestTargetsExist(t *testing.T) {
	samples := map[form]string{
		text: "x", boolean: "on", number: "3", seconds: "4", minutes: "5", hours: "6", words: "a b", commas: "a,b", bars: "a|b", level: "DEBUG",
	}
	special := map[string]string{
		"hub.topdir": "/x", "hub.dn_username_component": "UID", "sidetag.name_template": "{basetag}-{tag_id}",
	}
	check := func(name string, to target) {
		if to.key == "" {
			return
		}
		sample, ok := special[to.key]
		if !ok {
			sample = samples[to.form]
		}
		value, err := to.form.toml(sample)
		require.NoError(t, err)
		section, key, _ := strings.Cut(to.key, ".")
		_, err = config.Parse(name, []byte("["+section+"]\n"+key+" = "+value+"\n"))
		require.NoError(t, err)
	}
	for name, to := range options {
		check(name, to)
	}
	for _, file := range pluginOptions {
		for _, section := range file {
			for name, to := range section {
				check(name, to)
			}
		}
	}
}
