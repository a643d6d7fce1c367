package store

import (
	"cmp"
	"context"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// Match is how search terms are compared: one of the two below, or exactly.
type Match string

// The ways to compare that ignore case.
const (
	MatchGlob   Match = "glob"   // * and ? as in file names
	MatchRegexp Match = "regexp" // PostgreSQL's
)

// searchable describes a kind of things that can be searched for.
type searchable struct {
	from, join string
	id, name   string
	also       string // is compared too, if not empty
	active     string // the condition for things that exist
}

var searchables = map[string]searchable{
	"package": {from: "package"},
	"user":    {from: "users"},
	"host":    {from: "host"},
	"tag":     {from: "tag", join: "tag_config ON tag.id = tag_config.tag_id", active: "tag_config.active"},
	"target": {
		from: "build_target", join: "build_target_config ON build_target.id = build_target_config.build_target_id",
		active: "build_target_config.active",
	},
	"build": {
		from: "build", join: "package ON build.pkg_id = package.id",
		id: "build.id", name: "package.name || '-' || build.version || '-' || build.release",
	},
	"rpm": {from: "rpminfo", name: "name || '-' || version || '-' || release || '.' || arch || '.rpm'"},
	"maven": {
		from: "archiveinfo", join: "maven_archives ON archiveinfo.id = maven_archives.archive_id", name: "archiveinfo.filename",
		also: "maven_archives.group_id || '-' || maven_archives.artifact_id || '-' || maven_archives.version",
	},
	"win": {
		from: "archiveinfo", join: "win_archives ON archiveinfo.id = win_archives.archive_id",
		name: "trim(leading '/' from win_archives.relpath || '/' || archiveinfo.filename)", also: "archiveinfo.filename",
	},
}

// Searchable tells whether Search knows a kind of things.
func Searchable(kind string) bool {
	_, ok := searchables[kind]
	return ok
}

// Search finds things of a kind, which has to be Searchable, by name. Builds and
// RPMs have names such as foo-1-2 and foo-1-2.noarch.rpm; archives are found by
// file name, besides by Maven coordinates or by path.
func (s *Store) Search(ctx context.Context, kind, terms string, match Match, opts query.Options) (rpc.Rows[api.IDName], error) {
	thing := searchables[kind]
	id, name := cmp.Or(thing.id, "id"), cmp.Or(thing.name, "name")
	q := query.Select{From: thing.from, Options: opts, Columns: []query.Column{{Expr: id, Alias: "id"}, {Expr: name, Alias: "name"}}}
	if thing.join != "" {
		q.Join(thing.join)
	}
	if thing.active != "" {
		q.Where(thing.active)
	}
	operator := " = "
	switch match {
	case MatchGlob:
		operator, terms = " ILIKE ", globToLike.Replace(terms)
	case MatchRegexp:
		operator = " ~* "
	}
	cond := name + operator + "?"
	values := []any{terms}
	if thing.also != "" {
		cond += " OR " + thing.also + operator + "?"
		values = append(values, terms)
	}
	q.Where(cond, values...)
	return query.Rows[api.IDName](ctx, s.DB, &q)
}
