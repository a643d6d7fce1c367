package api

import "github.com/toji-build/toji/internal/rpc"

// SearchParams are the parameters of search.
type SearchParams struct {
	Terms     string         `rpc:"terms"`
	Type      string         `rpc:"type"`      // package, build, tag, target, user, host, rpm, maven or win
	MatchType string         `rpc:"matchType"` // glob, regexp, or anything else for the very text
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// Search finds things by their names.
var Search = rpc.Define(rpc.Method[SearchParams, rpc.Rows[IDName]]{
	Name: "search", Access: Anyone,
	Doc: "Find packages, builds, tags, targets, users, hosts, RPMs or archives by name. Globs and regular expressions ignore case.",
})
