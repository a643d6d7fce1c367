package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"go.temporal.io/server/common/namespace"
)

// Options is what the command line says. parseOptions fills in every default.
type Options struct {
	PGAddr    string // host:port of PostgreSQL
	PGUser    string // role; it needs CREATEDB unless both databases exist
	PGPass    string // password, read from --pg-password-file; may be empty
	PGSSLMode string // libpq's sslmode
	Database  string // main database; visibility lives in Database + "_visibility"

	Listen    string        // IP:port of the gRPC frontend
	UI        string        // IP:port of the web UI; empty for none
	Metrics   string        // IP:port of the Prometheus page /metrics; empty for none
	Namespace string        // namespace that Toji's workflows live in
	Retention time.Duration // how long a closed workflow is kept
	LogLevel  slog.Level    // of Temporal's own messages; ours are always shown

	Lifeline  int    // inherited descriptor; its end of file ends the process. -1 for none
	ReadyFile string // written when the namespace is usable; empty: "ready" on stdout only
}

// databaseName is what may be put into CREATE DATABASE. Short enough for
// "_visibility_new" to fit into PostgreSQL's 63 bytes.
var databaseName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// parseOptions reads the command line args (without the program's name), and the password
// file that it names. Usage and flag errors are written to usage; flag.ErrHelp is returned
// when only help was asked for.
func parseOptions(args []string, usage io.Writer) (Options, error) {
	var o Options
	var passwordFile string
	fs := flag.NewFlagSet("temporal-server", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&o.PGAddr, "pg-addr", "127.0.0.1:5432", "PostgreSQL's `host:port`")
	fs.StringVar(&o.PGUser, "pg-user", "postgres", "PostgreSQL `role`")
	fs.StringVar(&passwordFile, "pg-password-file", "", "`file` with that role's password")
	fs.StringVar(&o.PGSSLMode, "pg-sslmode", "disable", "libpq's sslmode: disable, require, verify-ca, verify-full")
	fs.StringVar(&o.Database, "db", "temporal", "database `name`; a second one has _visibility appended")
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:7233", "`IP:port` to serve gRPC on")
	fs.StringVar(&o.UI, "ui", "127.0.0.1:8233", "`IP:port` of the web UI; empty for none")
	fs.StringVar(&o.Metrics, "metrics", "", "`IP:port` to serve Prometheus metrics on; empty for none")
	fs.StringVar(&o.Namespace, "namespace", "toji", "`name` of the namespace to register")
	fs.DurationVar(&o.Retention, "retention", 72*time.Hour, "how long closed workflows are kept")
	fs.TextVar(&o.LogLevel, "log-level", slog.LevelError, "`level` of Temporal's messages: debug, info, warn, error")
	fs.IntVar(&o.Lifeline, "lifeline", -1, "exit as soon as this inherited file `descriptor` reaches end of file")
	fs.StringVar(&o.ReadyFile, "ready-file", "", "`file` to write once the namespace is usable")
	if err := fs.Parse(args); err != nil {
		return Options{}, err
	}
	if fs.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if passwordFile != "" {
		b, err := os.ReadFile(passwordFile)
		if err != nil {
			return Options{}, fmt.Errorf("read password: %w", err)
		}
		o.PGPass = strings.TrimSpace(string(b))
	}
	return o, o.validate()
}

// validate reports everything that is wrong with o, in one error.
func (o Options) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(o.PGAddr)
	check(err == nil, "--pg-addr %q: want host:port", o.PGAddr)
	check(databaseName.MatchString(o.Database), "--db %q: want up to 40 of a-z, 0-9 and _", o.Database)
	check(!strings.Contains(o.PGPass, " "), "--pg-password-file: Temporal cannot log in with a password that has a space in it")
	check(o.Namespace != "", "--namespace is empty")
	check(o.Retention >= namespace.MinRetentionLocal, "--retention %v: Temporal wants %v at least", o.Retention, namespace.MinRetentionLocal)
	listen := map[string]string{"--listen": o.Listen, "--ui": o.UI, "--metrics": o.Metrics}
	for name, addr := range listen {
		if addr == "" && name != "--listen" {
			continue
		}
		ap, err := netip.ParseAddrPort(addr)
		check(err == nil && ap.Port() != 0, "%s %q: want IP:port", name, addr)
	}
	return errors.Join(errs...)
}

// dialAddr is where the frontend is reached from this host: o.Listen, with the loopback
// address in place of "all interfaces". o must be valid.
func (o Options) dialAddr() string {
	ap := netip.MustParseAddrPort(o.Listen)
	switch ip := ap.Addr(); {
	case !ip.IsUnspecified():
		return o.Listen
	case ip.Is4():
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), ap.Port()).String()
	default:
		return netip.AddrPortFrom(netip.IPv6Loopback(), ap.Port()).String()
	}
}
