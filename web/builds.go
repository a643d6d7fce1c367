package web

import (
	"net/http"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// buildList is a list of builds with its filters.
type buildList struct {
	*listing
	Rows   []api.ListedBuild
	States []choice
	Filter bool // anything is filtered
}

func (s *Site) loadBuilds(r *http.Request) (*view, error) {
	l, err := newListing(r, "-build_id", "nvr", "state", "owner_name", "start_time", "completion_time")
	if err != nil {
		return nil, err
	}
	list := &buildList{listing: l, States: choices(l.Get("state"), "building", "complete", "failed", "canceled", "deleted")}
	p, err := s.buildFilter(r, l)
	if err != nil {
		return nil, err
	}
	p.QueryOpts = l.options("build_id")
	rows, err := rpc.Invoke(r.Context(), s.opts.Caller, api.ListBuilds, p)
	if err != nil {
		return nil, err
	}
	list.Rows = cut(l, rows.List)
	for _, name := range []string{"q", "state", "package", "owner"} {
		list.Filter = list.Filter || l.Get(name) != ""
	}
	return &view{Title: "Builds", Live: "/events", Body: list}, nil
}

func (s *Site) buildFilter(r *http.Request, l *listing) (p api.ListBuildsParams, err error) {
	if q := l.Get("q"); q != "" {
		if !strings.ContainsAny(q, "*?") {
			q += "*"
		}
		p.Pattern = &q
	}
	if name := l.Get("state"); name != "" {
		state, ok := koji.ParseBuildState(strings.ToUpper(name))
		if !ok {
			return p, badRequest("Choose one of the states of the list.", "Builds have no state %q.", name)
		}
		n := int64(state)
		p.State = &n
	}
	var b rpc.Batch
	owner, pkg := &rpc.Result[*api.User]{}, &rpc.Result[*api.IDName]{}
	if name := l.Get("owner"); name != "" {
		owner = rpc.Add(&b, api.GetUser, api.GetUserParams{UserInfo: idOrName(name), KrbPrincs: true})
	}
	if name := l.Get("package"); name != "" {
		pkg = rpc.Add(&b, api.GetPackage, api.GetPackageParams{Info: idOrName(name)})
	}
	if err := s.do(r, &b); err != nil {
		return p, err
	}
	if err := firstError(owner.Err, pkg.Err); err != nil {
		return p, err
	}
	if name := l.Get("owner"); name != "" {
		if owner.Value == nil {
			return p, notFound("Names of users are written exactly as they log in.", "There is no user %s.", name)
		}
		p.UserID = owner.Value.ID
	}
	if name := l.Get("package"); name != "" {
		if pkg.Value == nil {
			return p, notFound("Names of packages are those of their sources, without a version.", "There is no package %s.", name)
		}
		p.PackageID = pkg.Value.ID
	}
	return p, nil
}
