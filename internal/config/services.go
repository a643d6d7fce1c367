package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Database says how to reach PostgreSQL.
type Database struct {
	DSN          string   `toml:"dsn"`      // "host=/run/postgresql dbname=koji" or a postgres:// URL
	DSNFile      string   `toml:"dsn_file"` // file that holds it, instead
	MaxOpenConns int      `toml:"max_open_conns"`
	MaxIdleTime  Duration `toml:"max_idle_time"`
	Migrate      bool     `toml:"migrate"` // bring the schema up to date at start
}

func defaultDatabase() Database {
	return Database{DSN: "dbname=koji", MaxOpenConns: 20, MaxIdleTime: Duration(5 * time.Minute)}
}

func (d *Database) loadSecrets() (err error) {
	d.DSN, err = readSecret(d.DSN, d.DSNFile)
	return err
}

func (d *Database) validate() error {
	if d.DSN == "" {
		return errors.New("database: dsn is empty")
	}
	if d.MaxOpenConns < 2 {
		return errors.New("database: max_open_conns must be 2 at least")
	}
	return nil
}

// Temporal says how to reach the Temporal service.
type Temporal struct {
	Address   string `toml:"address"`
	Namespace string `toml:"namespace"`
	TLSCert   string `toml:"tls_cert"` // PEM files; empty for a connection without TLS
	TLSKey    string `toml:"tls_key"`
	TLSCA     string `toml:"tls_ca"`
}

func defaultTemporal() Temporal {
	return Temporal{Address: "127.0.0.1:7233", Namespace: "toji"}
}

// Worker configures a build host.
type Worker struct {
	HubURL   string `toml:"hub_url"`   // where the hub listens; HTTPS, for the login by certificate
	Gateway  string `toml:"gateway"`   // address of the hub's gateway to Temporal; empty to use [temporal] directly
	TopURL   string `toml:"topurl"`    // where the hub's files are to be had
	TopDir   string `toml:"topdir"`    // where the hub's files are mounted; empty if they are not
	Cert     string `toml:"cert"`      // PEM file: the host's client certificate and key
	ServerCA string `toml:"server_ca"` // PEM file: who signs the hub's certificate
	WorkDir  string `toml:"workdir"`   // buildroots and tasks in work
	MinSpace int64  `toml:"min_space"` // MiB that must be free below workdir to take a task

	Driver      string `toml:"driver"`       // of buildroots: mock, native, or auto for mock where it is installed
	MockUser    string `toml:"mock_user"`    // runs mock; a member of the group mock
	AllowedSCMs string `toml:"allowed_scms"` // host:repository[:use_common[:source_cmd]] ..., as Koji's

	AllowedSCMsUseConfig bool `toml:"allowed_scms_use_config"` // allowed_scms counts
	AllowedSCMsUsePolicy bool `toml:"allowed_scms_use_policy"` // the hub's policy build_from_scm is asked, after it

	RunrootMounts []string `toml:"runroot_mounts"` // directories that runroot tasks may have mounted to write, and those below
	RepoDatabases bool     `toml:"repo_databases"` // SQLite databases in build repositories, which yum likes to read

	// The buildroots of failed tasks that are kept, the latest first, for people to
	// look at and for saveFailedTree tasks.
	FailedRootsAge   Duration `toml:"failed_roots_age"`
	FailedRootsMax   int      `toml:"failed_roots_max"`
	FailedRootsShare float64  `toml:"failed_roots_share"` // of the file system of workdir, 0 to 1
	// What saveFailedTree leaves out of an archive: patterns of paths in which * is for
	// any characters; and the hub's storage volume that it sends to, "" for the default.
	SaveExclude []string `toml:"save_failed_tree_exclude"`
	SaveVolume  string   `toml:"save_failed_tree_volume"`

	Vendor       string `toml:"vendor"` // what RPMs say of where they were made
	Packager     string `toml:"packager"`
	Distribution string `toml:"distribution"`
}

func defaultWorker() Worker {
	return Worker{
		HubURL:   "http://localhost:8080/kojihub",
		TopURL:   "http://localhost:8080/kojifiles",
		WorkDir:  "/var/lib/toji",
		MinSpace: 8192,

		Driver:   "auto",
		MockUser: "kojibuilder",

		AllowedSCMsUseConfig: true,

		RunrootMounts: []string{},

		FailedRootsAge:   Duration(4 * time.Hour),
		FailedRootsMax:   100,
		FailedRootsShare: 0.2,
		SaveExclude:      []string{"*/tmp/krb5cc*", "*/etc/*.keytab"},

		Vendor:       "Koji",
		Packager:     "Koji",
		Distribution: "Unknown",
	}
}

func (w *Worker) validate() error {
	if w.MinSpace < 0 {
		return errors.New("worker: min_space must not be negative")
	}
	if !slices.Contains([]string{"auto", "mock", "native"}, w.Driver) {
		return fmt.Errorf("worker: driver %q is none of auto, mock, native", w.Driver)
	}
	for _, dir := range w.RunrootMounts {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("worker: runroot_mounts: %q is no absolute path", dir)
		}
	}
	if w.FailedRootsAge < 0 || w.FailedRootsMax < 0 || w.FailedRootsShare < 0 || w.FailedRootsShare > 1 {
		return errors.New("worker: failed_roots_age and failed_roots_max must not be negative, failed_roots_share is from 0 to 1")
	}
	if w.Gateway != "" && (w.Cert == "" || w.ServerCA == "") {
		return errors.New("worker: gateway needs cert and server_ca")
	}
	return nil
}

// Web configures the pages.
type Web struct {
	Title      string `toml:"title"`
	TemporalUI string `toml:"temporal_ui"` // URL of Temporal's pages, for links to a task's workflow; empty for none
}

func defaultWeb() Web { return Web{Title: "Toji"} }

// Log configures the process's log.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // text or json
}

func (l *Log) validate() error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		return fmt.Errorf("log: level %q is none of debug, info, warn, error", l.Level)
	}
	if !slices.Contains([]string{"text", "json"}, l.Format) {
		return fmt.Errorf("log: format %q is neither text nor json", l.Format)
	}
	return nil
}
