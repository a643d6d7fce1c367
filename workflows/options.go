package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// transition is for the short, idempotent changes of the database. They are
// retried for as long as the database is away: no task fails of that.
var transition = workflow.LocalActivityOptions{
	StartToCloseTimeout: 30 * time.Second, // far above any; a hung connection ends here
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval:    100 * time.Millisecond,
		BackoffCoefficient: 2,
		MaximumInterval:    5 * time.Second, // how long a task sleeps on after an outage
	},
}

// onDatabaseSide is for the steps that read and move files beside changing the
// database: imports, repositories. Retried without end for the same reason.
var onDatabaseSide = workflow.ActivityOptions{
	StartToCloseTimeout: time.Hour, // the import of some thousand RPMs over a slow disk
	HeartbeatTimeout:    time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval:    time.Second,
		BackoffCoefficient: 2,
		MaximumInterval:    time.Minute,
	},
}

// onHostQueue is for work on a build host. Work survives its daemon: a second
// attempt on the same host attaches to it again, so a lost daemon costs an
// attempt, not a build.
var onHostQueue = workflow.ActivityOptions{
	ScheduleToStartTimeout: time.Minute,      // a living host polls at once, one whose network was away for a minute soon; see task.HostAttempts for what follows
	StartToCloseTimeout:    48 * time.Hour,   // the builder's own timeouts (rpmbuild_timeout) are shorter and say more
	HeartbeatTimeout:       30 * time.Second, // many beats; what a busy host may stand still
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval:    time.Second,
		BackoffCoefficient: 1,
		MaximumAttempts:    20, // restarts of the daemon in one build; more than that is trouble of the host
	},
}

// stopOnHost is for word that a task was cancelled, which comes too late if it
// does not come at once: then the work learns of it with its next heartbeat.
var stopOnHost = workflow.ActivityOptions{
	ScheduleToCloseTimeout: 2 * time.Second,
	RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
}
