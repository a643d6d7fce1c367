package devstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/pgcluster"
)

const (
	databaseName         = "koji"
	temporalDatabaseName = "temporal"

	// pollEvery is how often a service that starts is looked at.
	pollEvery = 20 * time.Millisecond
)

// postgres describes the private cluster and its supervision.
func (s *Stack) postgres() (*pgcluster.Cluster, *service, error) {
	address, err := s.dir.private("postgres", "127.0.0.1")
	if err != nil {
		return nil, nil, err
	}
	logFile := s.dir.file("log", "postgres.log")
	file, err := openLog(logFile)
	if err != nil {
		return nil, nil, err
	}
	s.logs = append(s.logs, file)
	_, port, _ := net.SplitHostPort(address)
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(&clusterLog{file, s.console}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cluster, err := pgcluster.New(pgcluster.Options{Dir: s.dir.file("postgres"), Port: number, Log: log})
	if err != nil {
		return nil, nil, err
	}
	return cluster, s.service("postgres", postgresGrace, func(ctx context.Context) (child, error) {
		return cluster, cluster.Start(ctx)
	}, nil), nil
}

// clusterLog writes the cluster's log and shows the warnings in it.
type clusterLog struct {
	w       io.Writer
	console *console
}

func (l *clusterLog) Write(line []byte) (int, error) {
	topic, text, ok := warning(strings.TrimSuffix(string(line), "\n"))
	// Temporal asks for its databases to find out whether it has to make them.
	if ok && !strings.HasSuffix(topic, "does not exist") {
		l.console.warn("postgres", topic, strings.TrimPrefix(text, "postgres: "))
	}
	return l.w.Write(line)
}

func (s *Stack) temporalService(path, address string, db pgcluster.TCP) (*service, error) {
	password := s.dir.file("temporal.password")
	if err := replaceFile(password, []byte(db.Password+"\n"), 0o600); err != nil {
		return nil, err
	}
	readyFile := s.dir.file("temporal.ready")
	if err := os.Remove(readyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	argv := []string{
		path,
		"--pg-addr", net.JoinHostPort(db.Host, strconv.Itoa(db.Port)), "--pg-user", db.User, "--pg-password-file", password,
		"--db", temporalDatabaseName, "--listen", address, "--ui", s.ui, "--ready-file", readyFile,
	}
	return s.programService("temporal", temporalGrace, argv, func(context.Context) bool {
		_, err := os.Stat(readyFile)
		return err == nil
	}), nil
}

func (s *Stack) hubService() *service {
	argv := []string{s.opts.Toji, "hub", "--config", s.dir.file("hub.toml")}
	return s.programService("hub", hubGrace, argv, s.hubAnswers)
}

// hubAnswers tells whether both listeners of the hub answer.
func (s *Stack) hubAnswers(ctx context.Context) bool {
	authority, err := os.ReadFile(s.dir.file("tls", "ca.pem"))
	if err != nil {
		return false
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	c := http.Client{Transport: transport, Timeout: time.Second}
	for _, url := range []string{s.url(), s.secureURL()} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
		if err != nil {
			return false
		}
		resp, err := c.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

func (s *Stack) workerService(ready func(context.Context) bool) *service {
	argv := []string{s.opts.Toji, "worker", "--config", s.dir.file("worker.toml")}
	return s.programService("builder", workerGrace, argv, ready)
}

// programService is a service that is a program of ours, looked at until ready
// says that it is.
func (s *Stack) programService(name string, grace time.Duration, argv []string, ready func(context.Context) bool) *service {
	p := program{name: name, argv: argv, lifeline: s.lifeline, logFile: s.dir.file("log", name+".log"), console: s.console}
	return s.service(name, grace, p.start, func(ctx context.Context) error {
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for !ready(ctx) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is not ready: %w", name, context.Cause(ctx))
			case <-tick.C:
			}
		}
		return nil
	})
}

func (s *Stack) service(name string, grace time.Duration, launch func(context.Context) (child, error), ready func(context.Context) error) *service {
	return &service{
		name: name, grace: grace, launch: launch, ready: ready,
		logFile: s.dir.file("log", name+".log"), console: s.console,
	}
}
