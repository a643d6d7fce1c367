package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/koji/tasks"
)

// onRelay is for mail: a relay may be away for a night.
var onRelay = workflow.ActivityOptions{
	StartToCloseTimeout: 5 * time.Minute, // the conversation has a timeout of its own
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval:    30 * time.Second,
		BackoffCoefficient: 2,
		MaximumInterval:    15 * time.Minute,
		MaximumAttempts:    50, // about 12 hours; after that the news is old
	},
}

// deferral is the pause before those get the mail whom the relay did not take at
// first, while it took others: grey lists want some minutes.
const deferral = 5 * time.Minute

// buildNotification sends mail about the end of a build.
func buildNotification(r *run, p tasks.BuildNotificationParams) (*string, error) {
	return r.notify(system.MailRequest{TaskID: r.task.ID, OwnerID: r.task.OwnerID, Build: &p}, p.Recipients,
		fmt.Sprintf("build %d", p.Build.ID))
}

// tagNotification sends mail about a build that was tagged or untagged.
func tagNotification(r *run, p tasks.TagNotificationParams) (*string, error) {
	if p.IsSuccessful && p.IgnoreSuccess {
		return nil, nil
	}
	return r.notify(system.MailRequest{TaskID: r.task.ID, OwnerID: r.task.OwnerID, Tagging: &p}, p.Recipients,
		fmt.Sprintf("tag operation %d", r.task.ID))
}

// notify sends the mail to all recipients at once, and again to those alone whom
// the relay deferred. It fails if nobody got it.
func (r *run) notify(req system.MailRequest, recipients []string, about string) (*string, error) {
	if len(recipients) == 0 {
		return nil, nil
	}
	ctx := workflow.WithActivityOptions(r.ctx, onRelay)
	var sent, refused []string
	for req.To = recipients; len(req.To) > 0; {
		var reply system.MailReply
		err := workflow.ExecuteActivity(ctx, db.SendMail, req).Get(ctx, &reply)
		switch {
		case err != nil && (len(sent) == 0 || r.ctx.Err() != nil):
			return nil, err
		case err != nil:
			refused = append(refused, req.To...)
			req.To = nil
		default:
			sent, refused, req.To = append(sent, reply.Sent...), append(refused, reply.Refused...), reply.Deferred
		}
		if len(req.To) > 0 {
			if err := workflow.Sleep(ctx, deferral); err != nil {
				return nil, err
			}
		}
	}
	text := fmt.Sprintf("sent notification of %s to: %s", about, strings.Join(sent, ", "))
	if len(refused) > 0 {
		text += "; not accepted: " + strings.Join(slices.SortedFunc(slices.Values(refused), cmp.Compare[string]), ", ")
	}
	return &text, nil
}
