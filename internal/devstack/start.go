package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/pgcluster"
)

// The time that each child has to stop in order; together less than 10 s.
const (
	workerGrace   = 1750 * time.Millisecond
	hubGrace      = 3250 * time.Millisecond
	temporalGrace = 2 * time.Second
	postgresGrace = 2500 * time.Millisecond
)

// server is where a PostgreSQL server is.
type server struct {
	dsn string // of the hub's database
	tcp pgcluster.TCP
}

// start brings everything up. What can be wrong is looked for first, before
// anything runs.
func (s *Stack) start(ctx context.Context) error {
	temporalServer, err := s.findTemporal()
	if err != nil {
		return err
	}
	if err := s.claimAddresses(); err != nil {
		return err
	}
	if err := s.makeCertificates(); err != nil {
		return err
	}
	for _, dir := range []string{"topdir", "builder"} {
		if err := os.MkdirAll(s.dir.file(dir), 0o755); err != nil {
			return err
		}
	}
	db, err := s.startDatabase(ctx)
	if err != nil {
		return err
	}
	temporal := s.opts.Temporal
	var temporalService *service
	if temporal != "" {
		if err := prepareTemporal(ctx, temporal); err != nil {
			return err
		}
	} else if s.ownTemporal() {
		if temporal, err = s.dir.private("temporal", "127.0.0.1"); err != nil {
			return err
		}
		if temporalService, err = s.temporalService(temporalServer, temporal, db.tcp); err != nil {
			return err
		}
	}
	if err := s.writeConfig(db.dsn, temporal); err != nil {
		return err
	}
	return s.startServices(ctx, db, temporalService)
}

// startServices starts what needs the database. Temporal and the hub do not
// wait for each other; the builder waits for both.
func (s *Stack) startServices(ctx context.Context, db server, temporal *service) error {
	hub := s.hubService()
	g, starting := errgroup.WithContext(ctx)
	if temporal != nil {
		s.services = append(s.services, temporal)
		g.Go(func() error { return s.startOne(starting, temporal, s.temporalURL()) })
	}
	s.services = append(s.services, hub)
	g.Go(func() error {
		if err := s.prepareDatabase(starting, db.dsn); err != nil {
			return err
		}
		return s.startOne(starting, hub, s.url()+"  "+s.secureURL())
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if s.opts.Empty {
		return nil
	}
	return s.startBuilder(ctx)
}

// startOne starts a service that stop knows of already.
func (s *Stack) startOne(ctx context.Context, one *service, text string) error {
	began := time.Now()
	if err := one.start(ctx); err != nil {
		return err
	}
	s.console.row(one.name, time.Since(began), text)
	return nil
}

func (s *Stack) claimAddresses() (err error) {
	if s.listen, err = s.dir.claim("listen", s.opts.Listen); err != nil {
		return err
	}
	if s.secure, err = s.dir.claim("tls-listen", s.opts.TLSListen); err != nil {
		return err
	}
	if s.gateway, err = s.dir.private("gateway", "127.0.0.1"); err != nil {
		return err
	}
	if s.ownTemporal() {
		s.ui, err = s.dir.claim("temporal-ui", s.opts.TemporalUI)
	}
	return err
}

func (s *Stack) makeCertificates() error {
	a, err := openAuthority(s.dir.file("tls"), time.Now())
	if err != nil {
		return err
	}
	if err := a.server("hub", serverNames(s.secure)); err != nil {
		return err
	}
	if err := a.client("admin.pem", s.opts.Admin); err != nil {
		return err
	}
	return a.client("builder.pem", builderName)
}

// serverNames lists by what names the hub may be called.
func serverNames(address string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		names = append(names, name)
	}
	host, _, _ := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	switch {
	case host == "" || ip != nil && ip.IsUnspecified():
		addresses, _ := net.InterfaceAddrs() // without them, by name
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				names = append(names, n.IP.String())
			}
		}
	case host != "localhost" && (ip == nil || !ip.IsLoopback()):
		names = append(names, host)
	}
	return names
}

// startDatabase starts the cluster, or looks at the existing database.
func (s *Stack) startDatabase(ctx context.Context) (server, error) {
	if s.opts.Database != "" {
		return s.existingDatabase()
	}
	cluster, service, err := s.postgres()
	if err != nil {
		return server{}, err
	}
	s.services = append(s.services, service)
	if err := s.startOne(ctx, service, "socket "+s.dir.file("postgres", "socket")); err != nil {
		return server{}, err
	}
	if err := cluster.CreateDatabase(ctx, databaseName); err != nil {
		return server{}, err
	}
	tcp, err := cluster.TCP()
	return server{dsn: cluster.DSN(databaseName), tcp: tcp}, err
}

// existingDatabase says where the given database is. Temporal takes no Unix
// socket.
func (s *Stack) existingDatabase() (server, error) {
	a, err := database.ParseDSN(s.opts.Database)
	if err != nil {
		return server{}, fmt.Errorf("--database: %w", err)
	}
	db := server{dsn: s.opts.Database, tcp: pgcluster.TCP{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}}
	if s.ownTemporal() && filepath.IsAbs(a.Host) {
		return server{}, fmt.Errorf("--database names a Unix socket, which Temporal cannot use; give the server's TCP address, or a running Temporal with --temporal")
	}
	return db, nil
}

// ownTemporal tells whether a private Temporal is needed.
func (s *Stack) ownTemporal() bool { return s.opts.Temporal == "" && !s.opts.Empty }

// findTemporal finds the program temporal-server, unless none is needed: beside
// toji, in PATH, or where packages put it.
func (s *Stack) findTemporal() (string, error) {
	if !s.ownTemporal() {
		return "", nil
	}
	const name = "temporal-server"
	candidates := []string{s.opts.TemporalServer}
	if s.opts.TemporalServer == "" {
		candidates = []string{filepath.Join(filepath.Dir(s.opts.Toji), name), name, "/usr/libexec/toji/" + name}
	}
	for _, candidate := range candidates {
		path, err := exec.LookPath(candidate)
		if err == nil || errors.Is(err, exec.ErrDot) {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("there is no program %s; build it with `make build`, or name a running Temporal with --temporal HOST:PORT", candidates[0])
}
