package testenv

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Realm is the Kerberos realm of a [KDC].
const Realm = "TOJI.TEST"

// KDC is a key distribution centre of MIT Kerberos, of one test's own.
type KDC struct {
	Config string // its krb5.conf

	dir string
}

// Kerberos starts a KDC for [Realm], which ends with the test.
func Kerberos(t testing.TB) *KDC {
	t.Helper()
	kdc, err := program("krb5kdc")
	_, errKinit := program("kinit")
	Need(t, err == nil && errKinit == nil, "krb5-kdc, krb5-admin-server and krb5-user")
	dir := t.TempDir()
	k := &KDC{Config: filepath.Join(dir, "krb5.conf"), dir: dir}
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(k.Config, fmt.Appendf(nil, `[libdefaults]
default_realm = %[1]s
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1

[realms]
%[1]s = {
	kdc = %[2]s
}
`, Realm, address), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kdc.conf"), fmt.Appendf(nil, `[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = 127.0.0.1:%[2]s

[realms]
%[1]s = {
	database_name = %[3]s/principal
	key_stash_file = %[3]s/stash
	acl_file = %[3]s/acl
	supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
}

[logging]
kdc = STDERR
`, Realm, port, dir), 0o600))
	k.run(t, "kdb5_util", "create", "-s", "-r", Realm, "-P", "master")
	k.serve(t, kdc)
	return k
}

// serve runs the daemon until the test ends.
func (k *KDC) serve(t testing.TB, kdc string) {
	cmd := exec.Command(kdc, "-n", "-r", Realm, "-P", filepath.Join(k.dir, "pid"))
	cmd.Env = k.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, so how is no news
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "commencing operation") {
			go func() {
				for lines.Scan() { // so that it can go on writing
				}
			}()
			return
		}
	}
	t.Fatal("krb5kdc ended before it was ready")
}

// Keytab adds principals, such as HTTP/127.0.0.1, with random keys, and returns
// a file with them.
func (k *KDC) Keytab(t testing.TB, principals ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keytab")
	for _, p := range principals {
		k.run(t, "kadmin.local", "-r", Realm, "-q", "addprinc -randkey "+p)
		k.run(t, "kadmin.local", "-r", Realm, "-q", "ktadd -k "+file+" "+p)
	}
	return file
}

// CCache adds a principal and returns a file with its ticket, as kinit leaves it.
func (k *KDC) CCache(t testing.TB, principal string) string {
	t.Helper()
	keys := k.Keytab(t, principal)
	cache := filepath.Join(filepath.Dir(keys), "ccache")
	k.run(t, "kinit", "-k", "-t", keys, "-c", cache, principal)
	return cache
}

func (k *KDC) run(t testing.TB, name string, args ...string) {
	t.Helper()
	path, err := program(name)
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Env = k.env()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

func (k *KDC) env() []string {
	return append(os.Environ(), "KRB5_CONFIG="+k.Config, "KRB5_KDC_PROFILE="+filepath.Join(k.dir, "kdc.conf"), "KRB5RCACHEDIR="+k.dir)
}

// program finds a program that may be for administrators, whose folder is not in
// everybody's path.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}
