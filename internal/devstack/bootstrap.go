package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/password"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/schema"
)

const (
	// builderName is the builder's, also when the machine's changes.
	builderName = "builder1"
	// builderSpace is how many MiB the builder wants free: less than one in
	// production, whose builds are larger.
	builderSpace = 1024
)

// prepareDatabase brings the schema up to date and sees to the first user.
func (s *Stack) prepareDatabase(ctx context.Context, dsn string) error {
	quiet := slog.New(slog.DiscardHandler)
	db, err := database.Open(ctx, dsn, database.Options{Name: "toji dev", MaxConns: 4, Log: quiet})
	if err != nil && s.opts.Database != "" {
		return fmt.Errorf("--database: %w", err)
	}
	if err != nil {
		return err
	}
	defer db.Close()
	if err := schema.Migrate(ctx, db, quiet); err != nil {
		return err
	}
	return s.ensureAdmin(ctx, store.New(db))
}

// ensureAdmin makes the first user, an admin, and sets its password if one was
// given that is not its password already.
func (s *Stack) ensureAdmin(ctx context.Context, db *store.Store) error {
	login, err := db.EnsureAdmin(ctx, s.opts.Admin)
	if err != nil {
		return fmt.Errorf("make user %s: %w", s.opts.Admin, err)
	}
	if s.password == "" || login.Password != nil && password.Check(*login.Password, s.password) {
		return nil
	}
	hash, err := password.Hash(s.password)
	if err != nil {
		return err
	}
	return db.SetPassword(ctx, login.UserID, hash)
}

// startBuilder makes the builder known to the hub, and starts it.
func (s *Stack) startBuilder(ctx context.Context) error {
	hub, err := client.New(client.Options{
		Server: s.secureURL() + "/kojihub", Cert: s.dir.file("tls", "admin.pem"), ServerCA: s.dir.file("tls", "ca.pem"),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer hub.Close()
	if err := hub.LoginCert(ctx); err != nil {
		return fmt.Errorf("log in at the hub as %s: %w", s.opts.Admin, err)
	}
	host, err := ensureHost(ctx, hub)
	if err != nil {
		return fmt.Errorf("add host %s: %w", builderName, err)
	}
	// The session is not worth an error.
	defer func() { _ = hub.Logout(context.WithoutCancel(ctx)) }()
	began := float64(time.Now().UnixMicro()) / 1e6
	worker := s.workerService(func(ctx context.Context) bool {
		h, err := rpc.Invoke(ctx, hub, api.GetHost, api.GetHostParams{HostInfo: builderName})
		return err == nil && h != nil && h.Ready && h.UpdateTS != nil && *h.UpdateTS >= began
	})
	s.services = append(s.services, worker)
	if os.Geteuid() != 0 {
		s.console.say("  note: the builder fills build roots, which only root can; builds will fail")
	}
	return s.startOne(ctx, worker, fmt.Sprintf("%s, %s, capacity %g", builderName, archesOf(host), host.Capacity))
}

// ensureHost returns the builder as the hub knows it. When it is new, it gets
// this machine's arch and number of cores, and takes tasks of all kinds.
func ensureHost(ctx context.Context, hub *client.Client) (*api.Host, error) {
	find := api.GetHostParams{HostInfo: builderName}
	host, err := rpc.Invoke(ctx, hub, api.GetHost, find)
	if err != nil || host != nil {
		return host, err
	}
	arch, err := machine()
	if err != nil {
		return nil, err
	}
	if _, err := rpc.Invoke(ctx, hub, api.AddHost, api.AddHostParams{Hostname: builderName, Arches: []string{arch}, Force: true}); err != nil {
		return nil, err
	}
	capacity := max(float64(runtime.NumCPU()), 2)
	edit := api.EditHostParams{HostInfo: builderName, Changes: map[string]any{"capacity": capacity, "description": "toji dev"}}
	if _, err := rpc.Invoke(ctx, hub, api.EditHost, edit); err != nil {
		return nil, err
	}
	// Besides the default one; a database has no channel runroot of its own.
	for _, name := range []string{"createrepo", "runroot", "maven"} {
		channel := api.AddHostToChannelParams{Hostname: builderName, ChannelName: name, Create: true}
		if _, err := rpc.Invoke(ctx, hub, api.AddHostToChannel, channel); err != nil {
			return nil, err
		}
	}
	return rpc.Invoke(ctx, hub, api.GetHost, find)
}

func archesOf(h *api.Host) string {
	if h.Arches == nil {
		return "no arches"
	}
	return strings.ReplaceAll(*h.Arches, " ", ", ")
}

// machine returns the arch of this machine as RPM names it.
func machine() (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", fmt.Errorf("uname: %w", err)
	}
	return unix.ByteSliceToString(u.Machine[:]), nil
}
