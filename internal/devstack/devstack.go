// Package devstack runs a whole Toji on one machine, for development, trials
// and small installations: what `toji dev` does.
//
//	toji dev --+-- postgres          private cluster, package pgcluster
//	           +-- temporal-server   on the same cluster, databases of its own
//	           +-- toji hub          API, web, scheduler, relay, system worker
//	           +-- toji worker       one builder; its builds are no children of ours
//
// Each is a supervised child: started again when it ends, stopped in the reverse
// order of the above. None outlives us, however we end: the kernel kills the
// children (PR_SET_PDEATHSIG), and all of them and the builds hold a pipe whose
// end tells them that we are gone.
//
// Everything lies below one directory and is found again by the next start,
// which goes on with the tasks under way:
//
//	dev.json            version of the layout, ports
//	postgres/           the cluster
//	topdir/             builds, repositories, uploads
//	builder/            the builder's caches and tasks
//	tls/                authority and certificates
//	hub.toml            configuration of the children, written at every start
//	worker.toml
//	koji.conf, env      for clients and shells
//	log/                a file for each child
//	ready               is there while all of it runs
package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say what to run and where. Only Dir and Toji are needed.
type Options struct {
	Dir        string // for everything; made when missing
	Listen     string // address of the hub, plain; 127.0.0.1:8080. Port 0 is a free one, kept for the next start
	TLSListen  string // address of the hub, TLS; 127.0.0.1:8443
	TemporalUI string // address of Temporal's web pages; 127.0.0.1:8233

	Admin        string // name of the first user; "admin"
	PasswordFile string // file whose first line is the first user's password; none if empty
	Empty        bool   // schema, first user and a hub that runs no tasks
	SMTP         string // address of a relay for mail about builds and tags, to NAME@localhost; no mail if empty

	Database string // DSN of an existing database, instead of a private cluster
	Temporal string // address of an existing Temporal, instead of a private one

	Toji           string    // path of the toji program
	TemporalServer string    // path of the temporal-server program; looked for if empty
	Output         io.Writer // progress and warnings; os.Stdout if nil
}

func (o Options) withDefaults() Options {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:8080")
	o.TLSListen = cmp.Or(o.TLSListen, "127.0.0.1:8443")
	o.TemporalUI = cmp.Or(o.TemporalUI, "127.0.0.1:8233")
	o.Admin = cmp.Or(o.Admin, "admin")
	if o.Output == nil {
		o.Output = os.Stdout
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("no directory given; name one with --dir")
	case o.Toji == "":
		return errors.New("devstack: Toji is empty")
	case strings.ContainsAny(o.Admin, " \t\n'\""):
		return fmt.Errorf("--admin %q is no user name", o.Admin)
	}
	return nil
}

// Stack is one Toji.
type Stack struct {
	opts     Options
	password string // of the first user; empty for none
	console  *console

	dir      *directory
	listen   string // as services listen
	secure   string
	ui       string
	gateway  string   // of the builders to Temporal
	lifeline *os.File // read end
	services []*service
	logs     []io.Closer
}

// New checks the options. It starts and writes nothing.
func New(o Options) (*Stack, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	s := &Stack{opts: o, console: newConsole(o.Output)}
	if o.PasswordFile != "" {
		text, err := os.ReadFile(o.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("--admin-password-file: %w", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if s.password = strings.TrimSpace(line); s.password == "" {
			return nil, fmt.Errorf("--admin-password-file: the first line of %s is empty", o.PasswordFile)
		}
	}
	return s, nil
}

// Run starts the stack, keeps it running until ctx is done and stops it. A
// start that fails leaves nothing running. Errors are sentences that tell what
// to do.
func (s *Stack) Run(ctx context.Context) (err error) {
	began := time.Now()
	if s.dir, err = openDirectory(s.opts.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.dir.close()) }()
	if err := s.removeReady(); err != nil {
		return err
	}
	// The write end is ours alone; the kernel closes it when we end.
	lifeline, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hold.Close()
	defer lifeline.Close()
	s.lifeline = lifeline
	s.console.say("toji dev in %s", s.dir.path)
	defer s.stop()
	if err := s.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := replaceFile(s.dir.file("ready"), []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o644); err != nil {
		return err
	}
	s.greet(time.Since(began))
	<-ctx.Done()
	return nil
}

// stop stops what was started, the last first.
func (s *Stack) stop() {
	// Who watches the file must not take what goes down for ready.
	if err := s.removeReady(); err != nil {
		s.console.say("%v", err)
	}
	if len(s.services) == 0 {
		return
	}
	s.console.say("stopping")
	s.console.hush()
	began := time.Now()
	for len(s.services) > 0 {
		last := len(s.services) - 1
		s.services[last].stop()
		s.services = s.services[:last]
	}
	for _, log := range s.logs {
		log.Close()
	}
	s.console.say("stopped after %.1f s", time.Since(began).Seconds())
}

func (s *Stack) removeReady() error {
	if err := os.Remove(s.dir.file("ready")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// greet tells where everything is to be had.
func (s *Stack) greet(took time.Duration) {
	s.console.say("ready after %.1f s\n", took.Seconds())
	s.console.say("  web pages     %s", s.url())
	if s.ui != "" {
		s.console.say("  Temporal      %s", s.temporalURL())
	}
	s.console.say("  command line  toji -c %s -p %s hello     (or koji, with the same options)", s.dir.file("koji.conf"), profileName)
	s.console.say("  shell         . %s", s.dir.file("env"))
	s.console.say("  stop          Ctrl-C\n")
}

func (s *Stack) url() string       { return "http://" + reachable(s.listen) }
func (s *Stack) secureURL() string { return "https://" + reachable(s.secure) }

// temporalURL returns the URL of Temporal's pages, empty when it is not ours.
func (s *Stack) temporalURL() string {
	if s.ui == "" {
		return ""
	}
	return "http://" + reachable(s.ui)
}
