package workflows

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/activities/failure"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

var news = tasks.BuildNotificationParams{Recipients: []string{"a@x", "b@x", "c@x"}, Build: tasks.NotifiedBuild{ID: 9}}

// Whoever the relay deferred gets the mail later, the others do not get it twice.
func TestDeferredMail(t *testing.T) {
	w := newWorld(t)
	w.db.mail = func(req system.MailRequest) (system.MailReply, error) {
		if len(req.To) == 3 {
			return system.MailReply{Sent: []string{"a@x"}, Deferred: []string{"b@x"}, Refused: []string{"c@x"}}, nil
		}
		return system.MailReply{Sent: req.To}, nil
	}
	w.run("buildNotification", news)
	require.NoError(t, w.GetWorkflowError())
	var result string
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, "sent notification of build 9 to: a@x, b@x; not accepted: c@x", result)
	require.Equal(t, []string{`open 1 attempt 1 on ""`, "mail to [a@x b@x c@x]", "mail to [b@x]", "close 1"}, w.list)
}

// A relay that is away is waited for; one that refuses fails the task.
func TestRelayTrouble(t *testing.T) {
	w := newWorld(t)
	tries := 0
	w.db.mail = func(req system.MailRequest) (system.MailReply, error) {
		if tries++; tries < 5 {
			return system.MailReply{}, errors.New("connection refused")
		}
		return system.MailReply{Sent: req.To}, nil
	}
	w.run("buildNotification", news)
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 5, tries)

	w = newWorld(t)
	w.db.mail = func(system.MailRequest) (system.MailReply, error) {
		return system.MailReply{}, failure.Error(task.FailureOf(koji.GenericErrorf("550 unknown").WithKind(koji.KindInfrastructure)))
	}
	w.run("buildNotification", news)
	var app *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &app)
	require.Equal(t, []string{`open 1 attempt 1 on ""`, "mail to [a@x b@x c@x]", "fail 1 with 1000 infrastructure: 550 unknown"}, w.list)
}

func TestNothingToTell(t *testing.T) {
	for method, params := range map[string]any{
		"buildNotification": tasks.BuildNotificationParams{},
		"tagNotification":   tasks.TagNotificationParams{Recipients: []string{"a@x"}, IsSuccessful: true, IgnoreSuccess: true},
	} {
		w := newWorld(t)
		w.run(method, params)
		require.NoError(t, w.GetWorkflowError())
		require.Equal(t, []string{`open 1 attempt 1 on ""`, "close 1"}, w.list, method)
	}
}
