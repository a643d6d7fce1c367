package kerberos_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/kerberos"
	"github.com/toji-build/toji/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestAccept(t *testing.T) {
	kdc := testenv.Kerberos(t)
	acceptor, err := kerberos.NewAcceptor(kdc.Keytab(t, "HTTP/hub.example.org"))
	require.NoError(t, err)
	client, err := kerberos.NewClient(kerberos.ClientOptions{Config: kdc.Config, CCache: "FILE:" + kdc.CCache(t, "ann")})
	require.NoError(t, err)
	defer client.Close()

	token, err := client.Token(t.Context(), "HUB.example.org.")
	require.NoError(t, err)
	principal, reply, err := acceptor.Accept(token)
	require.NoError(t, err)
	require.Equal(t, "ann@TOJI.TEST", principal)
	require.NotEmpty(t, reply)

	_, _, err = acceptor.Accept(token)
	require.ErrorIs(t, err, kerberos.ErrToken)
	require.ErrorContains(t, err, "replay")

	other, err := kerberos.NewAcceptor(kdc.Keytab(t, "HTTP/other.example.org"))
	require.NoError(t, err)
	token, err = client.Token(t.Context(), "hub.example.org")
	require.NoError(t, err)
	_, _, err = other.Accept(token)
	require.ErrorIs(t, err, kerberos.ErrToken)

	for i := 0; i < len(token); i++ { // a token that is made anew may be shorter
		bad := bytes.Clone(token)
		bad[i] ^= 0x41
		principal, _, err := acceptor.Accept(bad)
		if err == nil {
			// Some bytes are not covered by any key, such as flags that nobody reads.
			require.Equal(t, "ann@TOJI.TEST", principal)
			token, err = client.Token(t.Context(), "hub.example.org")
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, kerberos.ErrToken)
	}
	_, _, err = acceptor.Accept(token[:len(token)/2])
	require.ErrorIs(t, err, kerberos.ErrToken)
}

func TestClientByKeytab(t *testing.T) {
	kdc := testenv.Kerberos(t)
	acceptor, err := kerberos.NewAcceptor(kdc.Keytab(t, "HTTP/hub.example.org"))
	require.NoError(t, err)
	keys := kdc.Keytab(t, "compile/b1.example.org")
	client, err := kerberos.NewClient(kerberos.ClientOptions{Config: kdc.Config, Keytab: keys, Principal: "compile/b1.example.org"})
	require.NoError(t, err)
	defer client.Close()
	token, err := client.Token(t.Context(), "hub.example.org")
	require.NoError(t, err)
	principal, _, err := acceptor.Accept(token)
	require.NoError(t, err)
	require.Equal(t, "compile/b1.example.org@TOJI.TEST", principal)
}

func TestErrors(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "krb5.conf")
	require.NoError(t, os.MkdirAll(conf+".d", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(conf+".d", "part"), []byte("[libdefaults]\ndefault_ccache_name = KCM:\n"), 0o600))
	require.NoError(t, os.WriteFile(conf, []byte("includedir "+conf+".d\nincludedir /nonexistent\n[libdefaults]\ndefault_realm = TOJI.TEST\n"), 0o600))
	for _, c := range []struct {
		name string
		o    kerberos.ClientOptions
		want string
	}{
		{"no configuration", kerberos.ClientOptions{Config: "/nonexistent/krb5.conf"}, "/nonexistent/krb5.conf"},
		{"no cache", kerberos.ClientOptions{Config: conf, CCache: "FILE:/nonexistent/cc"}, "no credentials in /nonexistent/cc (run kinit)"},
		{"cache that is no file", kerberos.ClientOptions{Config: conf, CCache: "KEYRING:persistent:0"}, "credentials cache KEYRING:persistent:0 is not a file"},
		{"cache named by an included file", kerberos.ClientOptions{Config: conf}, "credentials cache KCM: is not a file"},
		{"keytab alone", kerberos.ClientOptions{Config: conf, Keytab: "/nonexistent/kt"}, "a keytab needs a principal"},
		{"no keytab", kerberos.ClientOptions{Config: conf, Keytab: "/nonexistent/kt", Principal: "ann"}, "load keytab /nonexistent/kt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("KRB5CCNAME", "")
			_, err := kerberos.NewClient(c.o)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := kerberos.NewAcceptor("/nonexistent/kt")
	require.ErrorContains(t, err, "load keytab")
}

// Whatever comes, it is an error and no more.
func FuzzAccept(f *testing.F) {
	keys := keytab.New()
	require.NoError(f, keys.AddEntry("HTTP/hub", testenv.Realm, "secret", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96))
	content, err := keys.Marshal()
	require.NoError(f, err)
	file := filepath.Join(f.TempDir(), "keytab")
	require.NoError(f, os.WriteFile(file, content, 0o600))
	acceptor, err := kerberos.NewAcceptor(file)
	require.NoError(f, err)
	f.Add([]byte("\x60\x06\x06\x04\x2b\x06\x01\x05"))
	f.Fuzz(func(t *testing.T, token []byte) {
		_, _, err := acceptor.Accept(token)
		require.ErrorIs(t, err, kerberos.ErrToken)
	})
}
