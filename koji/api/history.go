package api

import "github.com/toji-build/toji/internal/rpc"

// QueryHistoryParams are the parameters of queryHistory.
type QueryHistoryParams struct {
	Tables []string `rpc:"tables,optional=None"` // versioned tables; nil is all
	// Filters choose rows: package, build, tag, user, permission, external_repo,
	// build_target, group (of packages), host, channel, cg and xkey (of a tag's
	// extra setting) leave out the tables that know nothing of them; active,
	// editor, before and after (a time in seconds since the epoch, or as text),
	// beforeEvent and afterEvent apply to all tables. queryOpts applies to each.
	Filters map[string]any `rpc:"**kwargs"`
}

// The methods for the history of the configuration.
var (
	QueryHistory = rpc.Define(rpc.Method[QueryHistoryParams, map[string]any]{
		Name: "queryHistory", Func: "query_history", Access: Anyone,
		Doc: "Return the rows of versioned tables, in force or not, that match the filters: a list by table.",
	})
)
