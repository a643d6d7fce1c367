// Package pgcluster runs a private PostgreSQL cluster from the installed
// programs: it creates the data directory, starts the server as a child that
// does not outlive this process, and stops it.
//
// Below Options.Dir lie data (the data directory), socket (the Unix socket, which
// nobody else can reach, and so needs no password) and password (for TCP on
// 127.0.0.1). PostgreSQL refuses to run as root; a root process gives data and
// socket to the user postgres, or else to nobody, and runs the server as that.
package pgcluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/toji-build/toji/internal/database"
)

// superuser is the database user that owns everything in the cluster.
const superuser = "toji"

// Options says where a cluster lives and how it runs.
type Options struct {
	// Dir is the directory for everything; it is made when missing.
	Dir string
	// Port on 127.0.0.1; a free one is chosen when zero.
	Port int
	// BinDir holds the programs of PostgreSQL; the newest installed version's
	// when empty.
	BinDir string
	// Settings override settings of postgresql.conf, such as fsync in tests.
	Settings map[string]string
	// Log gets the server's own messages; slog.Default() when nil.
	Log *slog.Logger
}

func (o Options) validate() error {
	if o.Dir == "" {
		return errors.New("pgcluster: Dir is empty")
	}
	if o.Port < 0 || o.Port > 65535 {
		return fmt.Errorf("pgcluster: port %d does not exist", o.Port)
	}
	return nil
}

// Cluster is one data directory and, after Start, the server that runs on it.
type Cluster struct {
	opts  Options
	dir   string // absolute
	port  int
	bin   string
	owner *owner
	log   *slog.Logger

	mu     sync.Mutex
	server *server // nil before Start
}

// New finds the programs and chooses the port. It starts and writes nothing.
func New(opts Options) (*Cluster, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("pgcluster: %w", err)
	}
	bin := opts.BinDir
	if bin == "" {
		if bin, err = findPrograms(); err != nil {
			return nil, err
		}
	} else if !hasPrograms(bin) {
		return nil, fmt.Errorf("pgcluster: there is no postgres and initdb in %s; install PostgreSQL (`apt-get install postgresql`) or name its directory", bin)
	}
	port := opts.Port
	if port == 0 {
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	own, err := findOwner()
	if err != nil {
		return nil, err
	}
	return &Cluster{
		opts: opts, dir: dir, port: port, bin: bin, owner: own,
		log: cmp.Or(opts.Log, slog.Default()),
	}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("pgcluster: find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (c *Cluster) data() string   { return filepath.Join(c.dir, "data") }
func (c *Cluster) socket() string { return filepath.Join(c.dir, "socket") }

// DSN returns how this process, or one of the same user, connects to a database:
// over the Unix socket, without a password.
func (c *Cluster) DSN(dbname string) string {
	return dsn("host", c.socket(), "port", fmt.Sprint(c.port), "user", superuser, "dbname", dbname, "sslmode", "disable")
}

// dsn joins names and values to a connection string as libpq reads it.
func dsn(pairs ...string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s='%s'", pairs[i], quote.Replace(pairs[i+1]))
	}
	return b.String()
}

// TCP is how a program that does not take a Unix socket connects.
type TCP struct {
	Host     string
	Port     int
	User     string
	Password string
}

// TCP returns the address and the password; they are known after Start.
func (c *Cluster) TCP() (TCP, error) {
	password, err := os.ReadFile(filepath.Join(c.dir, "password"))
	if err != nil {
		return TCP{}, fmt.Errorf("pgcluster: read password: %w", err)
	}
	return TCP{Host: "127.0.0.1", Port: c.port, User: superuser, Password: strings.TrimSpace(string(password))}, nil
}

// CreateDatabase creates the database name unless it exists.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	db, err := database.Open(ctx, c.DSN("postgres"), database.Options{MaxConns: 1})
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	defer db.Close()
	exists, err := database.One[bool](ctx, db, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name)
	if err != nil {
		return fmt.Errorf("pgcluster: look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := db.Exec(ctx, `CREATE DATABASE `+database.Quote(name)); err != nil && database.Code(err) != duplicateDatabase {
		return fmt.Errorf("pgcluster: create database %s: %w", name, err)
	}
	return nil
}

// duplicateDatabase is the SQLSTATE for a database that exists.
const duplicateDatabase = "42P04"
