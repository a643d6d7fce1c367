package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// Role is one more process beside those of toji dev: a second hub or builder.
type Role struct {
	Name string
	Log  string // path of its log
	cmd  *exec.Cmd
	hold *os.File // its lifeline: it does not outlive us
	done chan struct{}
}

// StartHub starts a second hub on the stack's database and Temporal, and returns
// it with its URL. It need not be ready.
func (s *Stack) StartHub() (*Role, string, error) { return s.StartHubWith("second-hub", nil) }

// StartHubWith is StartHub for a hub of a name with other keys of its section [hub].
func (s *Stack) StartHubWith(name string, keys map[string]any) (*Role, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	address := listener.Addr().String()
	listener.Close()
	changes := map[string]any{"listen": address, "listen_tls": "", "listen_builders": ""}
	maps.Copy(changes, keys)
	if err := s.configure(name, "hub.toml", "hub", changes); err != nil {
		return nil, "", err
	}
	r, err := s.startRole("hub", name)
	return r, "http://" + address + "/kojihub", err
}

// StartHubAt starts one more hub, for builders of a network in which this machine
// has the address ip. It returns the hub with the keys of the section [worker] by
// which they find it. It need not be ready.
func (s *Stack) StartHubAt(ip string) (*Role, map[string]any, error) {
	var addresses [3]string
	for i := range addresses {
		listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		if err != nil {
			return nil, nil, err
		}
		defer listener.Close()
		addresses[i] = listener.Addr().String()
	}
	cert, err := s.Certificate(ip)
	if err != nil {
		return nil, nil, err
	}
	changes := map[string]any{
		"listen": addresses[0], "listen_tls": addresses[1], "listen_builders": addresses[2], "tls_cert": cert, "tls_key": cert,
	}
	name := "hub-" + ip
	if err := s.configure(name, "hub.toml", "hub", changes); err != nil {
		return nil, nil, err
	}
	r, err := s.startRole("hub", name)
	return r, map[string]any{
		"topurl": "http://" + addresses[0] + "/kojifiles", "hub_url": "https://" + addresses[1] + "/kojihub", "gateway": addresses[2],
	}, err
}

// StartBuilder makes a build host of the name known to the hub, in the channel of
// the name alone, and starts it. changes are to the section [worker] of the
// stack's own builder. It need not be ready.
func (s *Stack) StartBuilder(ctx context.Context, name string, changes map[string]any) (*Role, error) {
	return s.StartBuilderBy(ctx, nil, name, changes)
}

// StartBuilderBy is StartBuilder for one that another program starts, whose command
// line by begins with: nsenter --net=FILE.
func (s *Stack) StartBuilderBy(ctx context.Context, by []string, name string, changes map[string]any) (*Role, error) {
	host := api.AddHostParams{Hostname: name, Arches: []string{"x86_64"}, Force: true}
	if _, err := rpc.Invoke(ctx, s.Client, api.AddHost, host); err != nil {
		return nil, err
	}
	join := api.AddHostToChannelParams{Hostname: name, ChannelName: name, Create: true}
	if _, err := rpc.Invoke(ctx, s.Client, api.AddHostToChannel, join); err != nil {
		return nil, err
	}
	leave := api.RemoveHostFromChannelParams{Hostname: name, ChannelName: "default"}
	if _, err := rpc.Invoke(ctx, s.Client, api.RemoveHostFromChannel, leave); err != nil {
		return nil, err
	}
	if err := s.configureWorker(name, changes); err != nil {
		return nil, err
	}
	return s.startRole("worker", name, by...)
}

// configureWorker writes NAME.toml for a build host of the name, and its certificate.
func (s *Stack) configureWorker(name string, changes map[string]any) error {
	cert, err := s.Certificate(name)
	if err != nil {
		return err
	}
	all := map[string]any{"cert": cert, "workdir": filepath.Join(s.Dir, name)}
	maps.Copy(all, changes)
	return s.configure(name, "worker.toml", "worker", all)
}

// StartWorker starts a program that is the worker of a host which the hub knows.
// It need not be ready.
func (s *Stack) StartWorker(program, host string) (*Role, error) {
	if err := s.configureWorker(host, nil); err != nil {
		return nil, err
	}
	return s.start(host, program)
}

// RestartBuilder starts a builder that StartBuilder has started before.
func (s *Stack) RestartBuilder(name string) (*Role, error) { return s.startRole("worker", name) }

// configure writes NAME.toml: one of the stack's own files with some keys of a
// section changed.
func (s *Stack) configure(name, like, section string, changes map[string]any) error {
	text, err := os.ReadFile(filepath.Join(s.Dir, like))
	if err != nil {
		return err
	}
	config := map[string]map[string]any{}
	if err := toml.Unmarshal(text, &config); err != nil {
		return err
	}
	maps.Copy(config[section], changes)
	if text, err = toml.Marshal(config); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, name+".toml"), text, 0o600)
}

func (s *Stack) startRole(command, name string, by ...string) (*Role, error) {
	return s.start(name, append(by, cmp.Or(s.opts.Toji, "../../bin/toji"), command)...)
}

// start starts a program with the configuration NAME.toml.
func (s *Stack) start(name string, argv ...string) (*Role, error) {
	r := &Role{Name: name, Log: filepath.Join(s.Dir, "log", name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(r.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	lifeline, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeline.Close()
	r.hold = hold
	argv = append(argv, "--config", filepath.Join(s.Dir, name+".toml"), "--lifeline", "3")
	r.cmd = exec.Command(argv[0], argv[1:]...)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.ExtraFiles = []*os.File{lifeline}
	if err := r.cmd.Start(); err != nil {
		hold.Close()
		return nil, err
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // how it ended is in its log
	}()
	return r, nil
}

// Done is closed when the process has ended.
func (r *Role) Done() <-chan struct{} { return r.done }

// Crash ends the process by SIGKILL and leaves what hangs on its lifeline alone: the
// steps of builds, for the next builder.
func (r *Role) Crash() {
	_ = r.cmd.Process.Kill() // the only error is that it has ended
	<-r.done
}

// Kill ends the process by SIGKILL, and all that hangs on its lifeline.
func (r *Role) Kill() {
	_ = r.cmd.Process.Kill() // the only error is that it has ended
	<-r.done
	r.hold.Close()
}

// Stop ends the process in order, as a service manager would.
func (r *Role) Stop() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-r.done:
		r.hold.Close()
		return nil
	case <-time.After(15 * time.Second):
		r.Kill()
		return fmt.Errorf("%s did not stop within 15 s", r.Name)
	}
}
