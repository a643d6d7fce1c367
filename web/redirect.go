package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// redirects are addresses that lead elsewhere.
//
// Koji: clients print and store the addresses of Koji's own pages, below the
// profile's weburl.
var redirects = map[string]func(url.Values) string{
	"/search":          search,
	"/index":           func(url.Values) string { return "/" },
	"/taskinfo":        byParameter("/tasks/", "taskID"),
	"/buildinfo":       byParameter("/builds/", "buildID"),
	"/hostinfo":        byParameter("/hosts/", "hostID"),
	"/taginfo":         byParameter("/tags/", "tagID"),
	"/packageinfo":     byParameter("/builds?package=", "packageID"),
	"/userinfo":        byParameter("/tasks?owner=", "userID"),
	"/buildtargetinfo": byParameter("/targets#", "name", "targetID"),
	"/buildtargets":    func(url.Values) string { return "/targets" },
}

// byParameter makes an address of the first of the parameters that is there; ""
// is none.
func byParameter(prefix string, names ...string) func(url.Values) string {
	return func(q url.Values) string {
		for _, name := range names {
			if v := q.Get(name); v != "" && strings.Contains(prefix, "?") {
				return prefix + url.QueryEscape(v)
			} else if v != "" {
				return prefix + url.PathEscape(v)
			}
		}
		return ""
	}
}

// search leads to what a few letters mean: a task's id, or the beginning of a
// build's name.
func search(q url.Values) string {
	text := strings.TrimSpace(q.Get("q"))
	if _, err := strconv.ParseUint(text, 10, 31); err == nil {
		return "/tasks/" + text
	}
	return "/builds?" + url.Values{"q": {text}}.Encode()
}

func (s *Site) serveRedirect(target func(url.Values) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		to := target(r.URL.Query())
		if to == "" {
			s.serveError(w, r, badRequest("The link is not complete.", "%s does not say which one to show.", r.URL.Path))
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}
}
