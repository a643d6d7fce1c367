package integration

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/toji-build/toji/internal/database"
)

// invariants count what must not be there once all tasks have ended.
var invariants = map[string]string{
	"subtasks under way of tasks that ended": `SELECT count(*) FROM task c JOIN task p ON p.id = c.parent
		WHERE c.state IN (0, 1, 4) AND p.state IN (2, 3, 5)`,
	"attempts under way of tasks that ended": `SELECT count(*) FROM toji.task_attempt a JOIN task t ON t.id = a.task_id
		WHERE a.ended IS NULL AND t.state <> 1`,
	"runs under way of tasks that ended": `SELECT count(*) FROM scheduler_task_runs r JOIN task t ON t.id = r.task_id
		WHERE r.active AND t.state NOT IN (1, 4)`,
	"waits of tasks that ended": `SELECT count(*) FROM toji.task_wait w JOIN task t ON t.id = w.task_id WHERE t.state IN (2, 3, 5)`,
	"builds under way whose task ended": `SELECT count(*) FROM build b JOIN task t ON t.id = b.task_id
		WHERE b.state = 0 AND t.state <> 1`,
	"buildroots in use by tasks that ended": `SELECT count(*) FROM standard_buildroot b JOIN task t ON t.id = b.task_id
		WHERE b.state <> 3 AND t.state IN (2, 3, 5)`,
	"RPMs that are there twice": `SELECT count(*) FROM (SELECT 1 FROM rpminfo WHERE external_repo_id = 0
		GROUP BY build_id, name, version, release, arch HAVING count(*) > 1) AS twice`,
	"builds that are tagged twice": `SELECT count(*) FROM (SELECT 1 FROM tag_listing WHERE active
		GROUP BY build_id, tag_id HAVING count(*) > 1) AS twice`,
	"tasks that a parent has twice": `SELECT count(*) FROM (SELECT 1 FROM task WHERE parent IS NOT NULL
		GROUP BY parent, method, label HAVING count(*) > 1) AS twice`,
	"intents that Temporal was not told": `SELECT count(*) FROM toji.outbox`,
}

// audit looks whether all that the tests have done left the records in order.
func (l *lab) audit(ctx context.Context) (trouble []string) {
	look := func() bool {
		trouble = nil
		for what, query := range invariants {
			n, err := database.One[int64](ctx, l.db, query)
			if err != nil || n > 0 {
				trouble = append(trouble, fmt.Sprintf("%d %s (%v)", n, what, err))
			}
		}
		unfinished, err := database.One[int64](ctx, l.db, `SELECT count(*) FROM task WHERE state IN (0, 1, 4)`)
		if err != nil || unfinished > 0 {
			trouble = append(trouble, fmt.Sprintf("%d unfinished tasks (%v)", unfinished, err))
		}
		running, err := l.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Running'"})
		if err != nil || running.GetCount() > 0 {
			trouble = append(trouble, fmt.Sprintf("%d running workflows (%v)", running.GetCount(), err))
		}
		return len(trouble) == 0
	}
	// The repositories that the last tags asked for are still being made.
	within(30*time.Second, look)
	return trouble
}
