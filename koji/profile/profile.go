// Package profile reads the configuration of Koji's clients: which hub to talk
// to, and how. A section of the configuration files is a profile; the files are
// those of the stock command line, so that both can share them.
package profile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/koji"
)

// Profile is what a client has to know about a hub. The comments name the
// option in the configuration file; times are whole seconds there.
type Profile struct {
	Name   string // of the section
	Server string // server: the hub's XML-RPC URL
	WebURL string // weburl
	TopURL string // topurl: where the files below topdir can be downloaded; "" if nowhere
	PkgURL string // pkgurl: TopURL's obsolete predecessor
	TopDir string // topdir: where they are mounted

	AuthType  string // authtype: noauth, ssl, password, gssapi, kerberos or token; "" to find out
	Cert      string // cert: PEM file with client certificate and key; "" if there is none
	ServerCA  string // serverca: PEM file of the CA that signed the hub's certificate; "" for the system's
	User      string // user
	Password  string // password
	Principal string // principal
	Keytab    string // keytab
	Token     string // token: an API token of a Toji hub
	TokenFile string // token_file: a file with it
	ForceAuth bool   // force_auth: log in even for read-only commands

	NoSSLVerify          bool          // no_ssl_verify
	MaxRetries           int           // max_retries of a call whose connection failed
	RetryInterval        time.Duration // retry_interval
	AnonRetry            bool          // anon_retry: retry also when not logged in
	OfflineRetry         bool          // offline_retry: retry also when the hub says that it is offline
	OfflineRetryInterval time.Duration // offline_retry_interval
	Timeout              time.Duration // timeout of a call
	AuthTimeout          time.Duration // auth_timeout of a login
	UseFastUpload        bool          // use_fast_upload
	UploadBlockSize      int           // upload_blocksize, in bytes
	PollInterval         time.Duration // poll_interval between looks at a watched task

	Debug       bool   // debug
	DebugXMLRPC bool   // debug_xmlrpc
	PluginPaths string // plugin_paths
}

// Default returns a profile with the settings that hold where no file says otherwise.
func Default() *Profile {
	return &Profile{
		Server:               "http://localhost/kojihub",
		WebURL:               "http://localhost/koji",
		TopDir:               koji.DefaultTopDir,
		MaxRetries:           30,
		RetryInterval:        20 * time.Second,
		OfflineRetryInterval: 20 * time.Second,
		Timeout:              12 * time.Hour,
		AuthTimeout:          time.Minute,
		UseFastUpload:        true,
		UploadBlockSize:      1 << 20,
		PollInterval:         6 * time.Second,
	}
}

// options maps the names of options to where their values go.
func (p *Profile) options() map[string]any {
	return map[string]any{
		"server":                 &p.Server,
		"weburl":                 &p.WebURL,
		"topurl":                 &p.TopURL,
		"pkgurl":                 &p.PkgURL,
		"topdir":                 &p.TopDir,
		"authtype":               &p.AuthType,
		"cert":                   &p.Cert,
		"serverca":               &p.ServerCA,
		"user":                   &p.User,
		"password":               &p.Password,
		"principal":              &p.Principal,
		"keytab":                 &p.Keytab,
		"token":                  &p.Token,
		"token_file":             &p.TokenFile,
		"force_auth":             &p.ForceAuth,
		"no_ssl_verify":          &p.NoSSLVerify,
		"max_retries":            &p.MaxRetries,
		"retry_interval":         &p.RetryInterval,
		"anon_retry":             &p.AnonRetry,
		"offline_retry":          &p.OfflineRetry,
		"offline_retry_interval": &p.OfflineRetryInterval,
		"timeout":                &p.Timeout,
		"auth_timeout":           &p.AuthTimeout,
		"use_fast_upload":        &p.UseFastUpload,
		"upload_blocksize":       &p.UploadBlockSize,
		"poll_interval":          &p.PollInterval,
		"debug":                  &p.Debug,
		"debug_xmlrpc":           &p.DebugXMLRPC,
		"plugin_paths":           &p.PluginPaths,
	}
}

// Options say where to look for what.
type Options struct {
	Profile string // name of the section, default "koji"
	// Config is a file or directory to read in place of the user's own
	// configuration; it has to exist.
	Config string
	Etc    string // directory of the system's configuration, default "/etc"
	Home   string // the user's home directory, default from the environment
}

// Load reads, in this order and with later ones overriding earlier ones,
//
//	/etc/koji.conf.d/*.conf
//	/etc/koji.conf
//	~/.koji/config.d/*.conf, ~/.koji/config    or Options.Config in their place
//
// and returns the profile. In paths a "~/" at the start and environment
// variables are expanded; cert and serverca fall back to ~/.koji/client.crt and
// ~/.koji/serverca.crt where these exist. The error is a ConfigurationError.
func Load(o Options) (*Profile, error) {
	o.Profile = cmp.Or(o.Profile, "koji")
	o.Etc = cmp.Or(o.Etc, "/etc")
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // without one, there is no user configuration
	}
	config := make(ini)
	files, err := o.files()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := config.readFile(file); err != nil {
			return nil, koji.ConfigurationErrorf("%w", err)
		}
	}
	if config[o.Profile] == nil || o.Profile == defaultSection {
		return nil, koji.ConfigurationErrorf("no configuration for profile name: %s", o.Profile)
	}
	p := Default()
	p.Name = o.Profile
	for name, dst := range p.options() {
		if value, ok := config.lookup(o.Profile, name); ok {
			if err := assign(dst, name, value); err != nil {
				return nil, err
			}
		}
	}
	p.expandPaths(o.Home)
	return p, nil
}

// files returns the existing files to read, in order.
func (o Options) files() ([]string, error) {
	files := confFiles(filepath.Join(o.Etc, "koji.conf.d"))
	files = append(files, existing(filepath.Join(o.Etc, "koji.conf"))...)
	if o.Config == "" {
		dir := filepath.Join(o.Home, ".koji")
		files = append(files, confFiles(filepath.Join(dir, "config.d"))...)
		return append(files, existing(filepath.Join(dir, "config"))...), nil
	}
	given := expandHome(o.Config, o.Home)
	info, err := os.Stat(given)
	if err != nil {
		return nil, &koji.Error{
			Fault: koji.FaultConfiguration,
			Msg:   "Config file " + given + " can't be opened.",
			Err:   err,
		}
	}
	if !info.IsDir() {
		return append(files, given), nil
	}
	inside := confFiles(given)
	if len(inside) == 0 {
		return nil, koji.ConfigurationErrorf("No config files found in directory: %s", given)
	}
	return append(files, inside...), nil
}

// confFiles returns the files *.conf of a directory, sorted.
func confFiles(dir string) []string {
	entries, _ := os.ReadDir(dir) // a directory that cannot be read is as good as none
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".conf") {
			files = append(files, existing(filepath.Join(dir, e.Name()))...)
		}
	}
	return files
}

// existing returns the file if it is one.
func existing(file string) []string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return []string{file}
}

func (c ini) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		// Koji: configuration that others keep to themselves is skipped.
		if errors.Is(err, fs.ErrPermission) {
			return nil
		}
		return err
	}
	defer f.Close()
	return c.read(f, name)
}

// assign parses value by the type of what dst points to.
func assign(dst any, name, value string) error {
	switch dst := dst.(type) {
	case *string:
		*dst = value
	case *bool:
		switch strings.ToLower(value) {
		case "1", "yes", "true", "on":
			*dst = true
		case "0", "no", "false", "off":
			*dst = false
		default:
			return koji.ConfigurationErrorf("value for %s config option must be a boolean, not %q", name, value)
		}
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return koji.ConfigurationErrorf("value for %s config option must be a valid integer", name)
		}
		*dst = n
	case *time.Duration:
		var seconds int
		if err := assign(&seconds, name, value); err != nil {
			return err
		}
		*dst = time.Duration(seconds) * time.Second
	}
	return nil
}

// expandPaths makes usable paths of what the files say.
func (p *Profile) expandPaths(home string) {
	for _, path := range []*string{&p.TopDir, &p.Cert, &p.ServerCA, &p.Keytab, &p.TokenFile} {
		*path = expandHome(os.ExpandEnv(*path), home)
	}
	p.Cert = cmp.Or(p.Cert, userFile(home, "client.crt"))
	p.ServerCA = cmp.Or(p.ServerCA, userFile(home, "serverca.crt"))
}

// userFile returns the path of a file in ~/.koji, or "" if it is not there.
func userFile(home, name string) string {
	path := filepath.Join(home, ".koji", name)
	if existing(path) == nil {
		return ""
	}
	return path
}

// expandHome replaces a leading "~".
func expandHome(path, home string) string {
	if path == "~" {
		return home
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}
