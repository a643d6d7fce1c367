package cli

import (
	"cmp"
	"path"
	"strings"

	"github.com/spf13/pflag"

	"github.com/toji-build/toji/koji/profile"
)

// options are the global options: those before the command.
type options struct {
	profile, config           string
	server, weburl            string
	topdir, topurl, pkgurl    string
	user, password, runas     string
	cert, keytab, principal   string
	authtype                  string
	noauth, forceAuth         bool
	debug, debugXMLRPC, quiet bool
	pluginPaths               string
	helpCommands, skipMain    bool
}

func (o *options) register(fs *pflag.FlagSet) {
	fs.StringVarP(&o.profile, "profile", "p", "", "specify a configuration `profile` (default toji, or else koji)")
	fs.StringVarP(&o.config, "config", "c", "", "load profile's settings from another `FILE`")
	fs.StringVarP(&o.server, "server", "s", "", "`URL` of the hub's XML-RPC server")
	fs.StringVar(&o.weburl, "weburl", "", "`URL` of the web interface")
	fs.StringVar(&o.topurl, "topurl", "", "`URL` for file access")
	fs.StringVar(&o.topdir, "topdir", "", "specify topdir, the `directory` with the hub's files")
	fs.StringVar(&o.cert, "cert", "", "specify a client certificate to use, a PEM `FILE` with its key")
	fs.StringVar(&o.user, "user", "", "specify user")
	fs.StringVar(&o.password, "password", "", "specify password")
	fs.StringVar(&o.runas, "runas", "", "run as the specified `user` (requires special privileges)")
	fs.StringVar(&o.authtype, "authtype", "", "force use of a `type` of authentication: noauth, ssl, password, kerberos or token")
	fs.StringVar(&o.keytab, "keytab", "", "specify a Kerberos keytab `FILE`")
	fs.StringVar(&o.principal, "principal", "", "specify a Kerberos `principal`")
	fs.BoolVar(&o.noauth, "noauth", false, "do not authenticate")
	fs.BoolVar(&o.forceAuth, "force-auth", false, "authenticate even for read-only operations")
	fs.BoolVarP(&o.debug, "debug", "d", false, "show debug output")
	fs.BoolVar(&o.debugXMLRPC, "debug-xmlrpc", false, "show each call of the hub")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "run quietly")
	fs.BoolVar(&o.helpCommands, "help-commands", false, "list commands")
	// Koji: accepted so that old command lines work, to no effect.
	fs.StringVar(&o.pkgurl, "pkgurl", "", "")
	fs.StringVar(&o.pluginPaths, "plugin-paths", "", "")
	fs.BoolVar(&o.skipMain, "skip-main", false, "")
	for _, name := range []string{"pkgurl", "plugin-paths", "skip-main"} {
		fs.Lookup(name).Hidden = true
	}
	fs.SortFlags = false
}

// loadProfile returns the profile that the options name, overridden by them.
func (a *app) loadProfile() (*profile.Profile, error) {
	o := &a.global
	p, err := a.findProfile()
	if err != nil {
		return nil, err
	}
	for _, text := range []struct{ value, dst *string }{
		{&o.server, &p.Server},
		{&o.weburl, &p.WebURL},
		{&o.topurl, &p.TopURL},
		{&o.topdir, &p.TopDir},
		{&o.pkgurl, &p.PkgURL},
		{&o.cert, &p.Cert},
		{&o.user, &p.User},
		{&o.password, &p.Password},
		{&o.authtype, &p.AuthType},
		{&o.principal, &p.Principal},
		{&o.keytab, &p.Keytab},
	} {
		*text.dst = cmp.Or(*text.value, *text.dst)
	}
	if p.TopURL == "" {
		// Koji: pkgurl was topurl's predecessor, and named the folder of the packages.
		if top, ok := strings.CutSuffix(strings.TrimRight(p.PkgURL, "/"), "/packages"); ok {
			p.TopURL = top
		}
	}
	p.ForceAuth = p.ForceAuth || o.forceAuth
	p.Debug = p.Debug || o.debug
	p.DebugXMLRPC = p.DebugXMLRPC || o.debugXMLRPC
	o.server = p.Server // for advice
	return p, nil
}

// findProfile reads the configuration. A hub named on the command line needs none.
func (a *app) findProfile() (*profile.Profile, error) {
	load := func(name string) (*profile.Profile, error) {
		return profile.Load(profile.Options{Profile: name, Config: a.global.config, Etc: a.Etc, Home: a.Home})
	}
	if a.global.profile != "" {
		return load(a.global.profile)
	}
	if p, err := load("toji"); err == nil {
		return p, nil
	}
	p, err := load("koji")
	if err != nil && a.global.server != "" && a.global.config == "" {
		return profile.Default(), nil
	}
	return p, err
}

// webPage returns the URL of a page of the web interface.
func webPage(p *profile.Profile, page string) string {
	return strings.TrimRight(p.WebURL, "/") + "/" + path.Clean(page)
}
