package web

import (
	"bytes"
	"net/http"
)

// page is one kind of page.
type page struct {
	path     string // route, in gin's syntax
	template string // file in templates/, without .html
	nav      string // its link in the navigation; empty for none
	load     func(*Site, *http.Request) (*view, error)
}

// pages are all there are; a new one is added here.
var pages = []page{
	{"/", "overview", "Overview", (*Site).loadOverview},
	{"/tasks", "tasks", "Tasks", (*Site).loadTasks},
	{"/tasks/:id", "task", "", (*Site).loadTask},
	{"/task-types", "tasktypes", "", (*Site).loadTaskTypes},
	{"/builds", "builds", "Builds", (*Site).loadBuilds},
	{"/builds/:id", "build", "", (*Site).loadBuild},
	{"/hosts", "hosts", "Hosts", (*Site).loadHosts},
	{"/hosts/:name", "host", "", (*Site).loadHost},
	{"/tags", "tags", "Tags", (*Site).loadTags},
	{"/tags/*name", "tag", "", (*Site).loadTag},
	{"/targets", "targets", "Targets", (*Site).loadTargets},
}

// view is what a page shows.
type view struct {
	Title string
	Live  string // URL of the events that tell when to load the page again; empty for none
	Body  any    // what the page's template is about
}

// frame is what the layout shows around a view.
type frame struct {
	Site string
	Nav  []link
	View *view
}

// link is a link in the navigation.
type link struct {
	Text, URL string
	Current   bool
}

// navigation lists the pages to choose from; that at path, or the one above it,
// is the current one.
func navigation(path string) []link {
	var links []link
	for _, p := range pages {
		if p.nav != "" {
			links = append(links, link{p.nav, p.path, p.path == path || p.path != "/" && hasPathPrefix(path, p.path)})
		}
	}
	return links
}

func hasPathPrefix(path, prefix string) bool {
	return len(path) > len(prefix) && path[:len(prefix)] == prefix && path[len(prefix)] == '/'
}

func (s *Site) servePage(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.load(s, r)
		if err != nil {
			s.serveError(w, r, err)
			return
		}
		s.render(w, r, http.StatusOK, p.template, v)
	}
}

// render answers with a page. It is complete or an error, never the half of one.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name string, v *view) {
	var b bytes.Buffer
	err := s.templates[name].ExecuteTemplate(&b, "layout", frame{s.opts.Title, navigation(r.URL.Path), v})
	if err != nil {
		s.opts.Log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "error", err)
		http.Error(w, "This page cannot be shown; the hub's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser is gone
}
