package workflows

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// A task of a site's type lives as any other does.
func TestSiteTask(t *testing.T) {
	for name, c := range map[string]struct {
		fault error // of the first try
		want  []string
	}{
		"well":    {nil, []string{`open 1 attempt 1 on "h1"`, "count", "close 1"}},
		"failure": {packageFailure("no such file"), []string{`open 1 attempt 1 on "h1"`, "count", "fail 1 with 1005 package: no such file"}},
		"trouble": {hostTrouble(task.ErrorInfrastructure, "disk full"), []string{
			`open 1 attempt 1 on "h1"`, "count", "release 1 refused false: disk full", `open 1 attempt 2 on "h2"`, "count", "close 1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.db.hosts = []string{"h1", "h2"}
			text, err := xmlrpc.MarshalResult(map[string]any{"lines": 7})
			require.NoError(t, err)
			w.RegisterActivityWithOptions(func(_ context.Context, req builder.SiteRequest) (task.SiteResult, error) {
				w.add("count")
				require.Equal(t, "<request/>", req.Request)
				fault := c.fault
				c.fault = nil
				return task.SiteResult{Text: text}, fault
			}, activity.RegisterOptions{Name: task.SiteActivity("countLines")})
			w.ExecuteWorkflow(task.SiteWorkflow, task.Task{ID: 1, Method: "countLines", Arch: "noarch"}, task.SiteRequest{Weight: 0.5, Request: "<request/>"})
			require.Equal(t, c.want, w.list)
			require.Equal(t, name == "failure", w.GetWorkflowError() != nil)
		})
	}
}
