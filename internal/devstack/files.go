package devstack

import (
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// profileName is the section of koji.conf.
const profileName = "toji"

// section is a part of a configuration file, by key.
type section map[string]any

// writeConfig writes what the children and the clients read. dsn and temporal
// are where the services are.
func (s *Stack) writeConfig(dsn, temporal string) error {
	hub := map[string]section{
		"hub": {
			"listen": s.listen, "listen_tls": s.secure,
			"tls_cert": s.dir.file("tls", "hub.pem"), "tls_key": s.dir.file("tls", "hub.key"),
			"client_ca": s.dir.file("tls", "ca.pem"),
			"topdir":    s.dir.file("topdir"), "weburl": s.url(), "url": s.url() + "/kojihub",
			"listen_builders": s.gateway,
			"api_only":        s.opts.Empty,
			"enable_maven":    !s.opts.Empty,
		},
		// The stack has migrated it.
		"database": {"dsn": dsn},
		"temporal": {"address": temporal},
		"web":      {"temporal_ui": s.temporalURL()},
	}
	if s.opts.SMTP != "" {
		if err := addMail(hub, s.opts.SMTP); err != nil {
			return err
		}
	}
	worker := map[string]section{
		"worker": {
			"hub_url": s.secureURL() + "/kojihub", "gateway": s.gateway, "topurl": s.url() + "/kojifiles",
			"cert": s.dir.file("tls", "builder.pem"), "server_ca": s.dir.file("tls", "ca.pem"),
			"workdir": s.dir.file("builder"), "min_space": builderSpace,
			// Any repository, without fetching sources: who runs this may build what they like.
			"allowed_scms": "*:*:no:",
		},
	}
	// The DSN may hold a password.
	if err := s.writeTOML("hub.toml", hub, 0o600); err != nil {
		return err
	}
	if err := s.writeTOML("worker.toml", worker, 0o644); err != nil {
		return err
	}
	if err := replaceFile(s.dir.file("koji.conf"), []byte(s.kojiConf()), 0o644); err != nil {
		return err
	}
	return replaceFile(s.dir.file("env"), []byte(s.env(dsn, temporal)), 0o600)
}

// addMail has the hub send mail through the relay at an address, to users of this
// machine.
func addMail(hub map[string]section, address string) error {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--smtp: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("--smtp: %w", err)
	}
	hub["hub"]["email_domain"] = "localhost"
	hub["mail"] = section{"host": host, "port": port, "from_addr": "Toji <toji@localhost>"}
	return nil
}

func (s *Stack) writeTOML(name string, config map[string]section, mode fs.FileMode) error {
	text, err := toml.Marshal(config)
	if err != nil {
		return err
	}
	text = append([]byte("# Written at every start of toji dev.\n"), text...)
	return replaceFile(s.dir.file(name), text, mode)
}

// kojiConf is the configuration of a client that acts as the first user.
func (s *Stack) kojiConf() string {
	return fmt.Sprintf(`; Written at every start of toji dev.
[%s]
server = %s/kojihub
weburl = %s
topurl = %s/kojifiles
topdir = %s
authtype = ssl
cert = %s
serverca = %s
poll_interval = 1
`, profileName, s.secureURL(), s.url(), s.url(), s.dir.file("topdir"), s.dir.file("tls", "admin.pem"), s.dir.file("tls", "ca.pem"))
}

// env is a list of assignments for a POSIX shell.
func (s *Stack) env(dsn, temporal string) string {
	var b strings.Builder
	b.WriteString("# Written at every start of toji dev.\n")
	for _, v := range [][2]string{
		{"TOJI_URL", s.url()},
		{"TOJI_TLS_URL", s.secureURL()},
		{"TOJI_DATABASE", dsn},
		{"TOJI_TEMPORAL", temporal},
		{"TOJI_TEMPORAL_UI", s.temporalURL()},
		{"TOJI_TOPDIR", s.dir.file("topdir")},
	} {
		fmt.Fprintf(&b, "%s=%s\n", v[0], shellQuote(v[1]))
	}
	return b.String()
}

func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
