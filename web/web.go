// Package web shows what the hub knows as pages for people: tasks with their
// logs while they grow, builds, hosts, tags and targets.
//
// A page is one entry of the list in pages.go: a route, a template and a
// function that loads what the template shows. The functions know nothing of
// the hub but its API:
//
//	browser ── GET /tasks/7 ──> loadTask ── rpc.Batch ──> rpc.Caller (the hub)
//	                               └── template task.html ──> HTML
//	browser ── GET /tasks/7/events ──> server-sent events:
//	             change   what the page shows has changed: it loads itself again
//	             log      a piece of the log that is followed
//	             end      the task has ended, nothing more will come
//
// Pages work without JavaScript; the script in static/ only keeps them fresh.
// Nothing polls: changes of the database come from Options.Changes, growing logs
// from the file system (watch.go).
//
// What a page costs does not depend on how much it shows: each loads its data in
// one to three batches.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	_ "github.com/toji-build/toji/koji/tasks" // declares the task types, which name and explain tasks
)

// Options say what a site shows. Caller is needed.
type Options struct {
	Caller rpc.Caller // calls the hub's methods, as nobody in particular
	Title  string     // of the installation; Toji
	TopDir string     // holds the tasks' logs; koji.DefaultTopDir

	FilesURL          string // where the top directory is served; /kojifiles
	TemporalUI        string // URL of Temporal's pages, for links; empty for none
	TemporalNamespace string // toji

	// Changes calls changed whenever tasks or hosts have changed, until ctx is
	// done. Without it pages change only when they are loaded.
	Changes func(ctx context.Context, changed func()) error

	// Address tells where a request comes from: its connection's other end, which
	// may be a proxy that many browsers share.
	Address    func(*http.Request) string
	MaxStreams int // pages of one address that follow what changes; 100

	Log *slog.Logger     // slog.Default()
	Now func() time.Time // time.Now
}

func (o Options) withDefaults() (Options, error) {
	if o.Caller == nil {
		return o, errors.New("web: Options.Caller is missing")
	}
	o.Title = cmp.Or(o.Title, "Toji")
	o.TopDir = cmp.Or(o.TopDir, koji.DefaultTopDir)
	if !filepath.IsAbs(o.TopDir) {
		return o, fmt.Errorf("web: top directory %q is not an absolute path", o.TopDir)
	}
	o.FilesURL = strings.TrimRight(cmp.Or(o.FilesURL, "/kojifiles"), "/")
	o.TemporalUI = strings.TrimRight(o.TemporalUI, "/")
	o.TemporalNamespace = cmp.Or(o.TemporalNamespace, "toji")
	o.MaxStreams = cmp.Or(o.MaxStreams, 100)
	if o.Address == nil {
		o.Address = remoteAddress
	}
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// Site is the pages of one hub. It is an http.Handler for everything that the
// hub does not serve itself.
type Site struct {
	opts      Options
	assets    assets
	templates map[string]*template.Template // by name
	changes   bell                          // rings when tasks or hosts have changed
	dirs      watcher                       // of the tasks' logs
	streams   streams                       // that are open
	done      chan struct{}                 // closed when Run ends: streams end, too
	handler   http.Handler
}

// New returns a site. Its pages can be served at once; they follow what changes
// while Run runs.
func New(o Options) (*Site, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Site{opts: o, done: make(chan struct{})}
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.templates, err = s.parseTemplates(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.handler = s.routes()
	return s, nil
}

// Run tells open pages of changes until ctx is done. Then it ends their streams,
// for which a server that shuts down would wait. It is to be called once.
func (s *Site) Run(ctx context.Context) error {
	defer close(s.done)
	if s.opts.Changes == nil {
		<-ctx.Done()
		return nil
	}
	if err := s.opts.Changes(ctx, s.changes.ring); err != nil && ctx.Err() == nil {
		return fmt.Errorf("web: %w", err)
	}
	return nil
}

// policy lets a page load nothing from elsewhere, run no script but ours and be
// shown in no frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	s.handler.ServeHTTP(w, r)
}
