package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// The kinds of clean-up.
const (
	RetentionSweep = "sweep" // what is old: rows, uploads, output of tasks
	RetentionGC    = "gc"    // builds that nobody needs
)

// StartRetentionParams are the parameters of toji.startRetention.
type StartRetentionParams struct {
	Kind   string   `rpc:"kind"`
	DryRun bool     `rpc:"dry_run,optional=False"` // report what would be done, and do nothing
	Steps  []string `rpc:"steps,optional=None"`    // only these; None for those that the configuration says
}

// RetentionRunsParams are the parameters of toji.retentionRuns.
type RetentionRunsParams struct {
	Kind  *string `rpc:"kind,optional=None"` // None for all
	Limit int64   `rpc:"limit,optional=20"`
}

// RetentionReportParams are the parameters of toji.retentionReport.
type RetentionReportParams struct {
	Kind string `rpc:"kind"`
	Run  *int64 `rpc:"run,optional=None"` // None for the latest
}

// RetentionRun is one run of a clean-up.
type RetentionRun struct {
	ID        int64      `rpc:"id"`
	Kind      string     `rpc:"kind"`
	DryRun    bool       `rpc:"dry_run"`
	User      *string    `rpc:"user"` // who asked for it; None for the schedule
	Requested koji.Time  `rpc:"requested"`
	Ended     *koji.Time `rpc:"ended"`
	Steps     []string   `rpc:"steps"`    // that are left
	Failures  []string   `rpc:"failures"` // of whole steps
}

// RetentionItem is something that a run did, or would do in a dry run, or, in a
// dry run, has reasons not to do.
type RetentionItem struct {
	Step    string  `rpc:"step"`
	Action  string  `rpc:"action"`  // remove, trash, untag, delete, salvage, mail; keep; failed
	Subject string  `rpc:"subject"` // a build, a directory, a kind of rows
	Reason  string  `rpc:"reason"`
	Rows    int64   `rpc:"rows"`
	Bytes   int64   `rpc:"bytes"`
	Owner   *string `rpc:"owner"` // who is told of it
}

// RetentionReport is a run with all that it did.
type RetentionReport struct {
	RetentionRun
	Items []RetentionItem `rpc:"items"`
}

// The methods for clean-up and retention.
var (
	StartRetention = rpc.Define(rpc.Method[StartRetentionParams, int64]{
		Name: "toji.startRetention", Access: NeedPerm("admin"), Writes: true,
		Doc: "Start a clean-up now: of what is old (sweep) or of builds (gc). Returns the id of the run.",
	})
	GetRetentionRuns = rpc.Define(rpc.Method[RetentionRunsParams, []RetentionRun]{
		Name: "toji.retentionRuns", Access: NeedPerm("admin"),
		Doc: "List the latest runs of clean-ups, the latest first.",
	})
	GetRetentionReport = rpc.Define(rpc.Method[RetentionReportParams, *RetentionReport]{
		Name: "toji.retentionReport", Access: NeedPerm("admin"),
		Doc: "Tell what a run of a clean-up did, or would do, and why; None if there is none.",
	})
)
