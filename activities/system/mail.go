package system

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/mail"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// MailRequest is a notification task's mail: about a build, or about a tag.
type MailRequest struct {
	TaskID  int64                          `json:"task"`
	OwnerID int64                          `json:"owner"`
	To      []string                       `json:"to"` // whom to send it to this time
	Build   *tasks.BuildNotificationParams `json:"build,omitempty"`
	Tagging *tasks.TagNotificationParams   `json:"tagging,omitempty"`
}

// MailReply says what became of the mail; at least one address is among Sent.
type MailReply struct {
	Sent     []string `json:"sent"`
	Deferred []string `json:"deferred,omitempty"` // to be tried again
	Refused  []string `json:"refused,omitempty"`
}

// SendMail writes a notification and hands it to the relay. If nobody gets it,
// that is an error, which is not retried if the relay says so. A mail that is sent
// twice, as its sending was not recorded, has the same Message-ID.
func (a *Activities) SendMail(ctx context.Context, req MailRequest) (MailReply, error) {
	if a.Hub.Relay == nil {
		return result(MailReply{}, error(koji.GenericErrorf("no mail relay is configured (mail.host)")))
	}
	to, bad := mail.Addresses(req.To)
	if len(to) == 0 {
		return result(MailReply{}, error(koji.GenericErrorf("no mail addresses: %q", bad)))
	}
	m, err := a.compose(ctx, req)
	if err != nil {
		return result(MailReply{}, err)
	}
	report, err := a.Hub.Relay.Send(ctx, m, to)
	reply := MailReply{Sent: report.Accepted, Deferred: slices.Sorted(maps.Keys(report.Deferred)),
		Refused: append(bad, slices.Sorted(maps.Keys(report.Refused))...)}
	switch {
	case err != nil && mail.Permanent(err):
		return result(MailReply{}, relayTrouble(err.Error()))
	case err != nil:
		return MailReply{}, err
	case len(reply.Sent) > 0:
		return reply, nil
	case len(reply.Deferred) > 0:
		return MailReply{}, fmt.Errorf("the mail relay defers all recipients: %s", reasons(report.Deferred))
	}
	return result(MailReply{}, relayTrouble("the mail relay refuses all recipients: "+reasons(report.Refused)))
}

func (a *Activities) compose(ctx context.Context, req MailRequest) (mail.Message, error) {
	if req.Build != nil {
		return a.Hub.BuildMail(ctx, req.TaskID, req.OwnerID, *req.Build)
	}
	return a.Hub.TagMail(ctx, req.TaskID, *req.Tagging)
}

// relayTrouble is what fails a task of mail that cannot be sent.
func relayTrouble(text string) error {
	return koji.GenericErrorf("%s", text).WithKind(koji.KindInfrastructure)
}

// reasons lists what a relay said, by address.
func reasons(of map[string]string) string {
	list := make([]string, 0, len(of))
	for _, address := range slices.Sorted(maps.Keys(of)) {
		list = append(list, address+": "+of[address])
	}
	return strings.Join(list, "; ")
}
