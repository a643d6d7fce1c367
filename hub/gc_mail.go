package hub

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/mail"
)

// trashLetter is what the mail about the trashcan tells.
type trashLetter struct {
	Builds []store.TrashedBuild
	Grace  string // how long they stay there
	Tag    string
	WebURL string
}

// gcMail tells one owner of the builds that went to the trashcan. The mail of a
// batch that is done again has the same Message-ID.
func (h *Hub) gcMail(ctx context.Context, b *retentionBatch) (string, error) {
	owner, builds, err := h.Store.NextTrashOwner(ctx, b.run.ID, b.after())
	if err != nil || owner == 0 {
		return "", err
	}
	user, err := h.User(ctx, owner, true)
	if err != nil {
		return "", err
	}
	item := store.RetentionItem{Action: "mail", Subject: user.Name, Reason: trashSubject(len(builds)), Rows: 1, OwnerID: &owner}
	if !b.run.DryRun {
		refused, err := h.sendTrashMail(ctx, b.run.ID, user.Name, builds)
		if err != nil && !mail.Permanent(err) {
			return "", err
		} else if err != nil {
			refused = err.Error()
		}
		if refused != "" {
			item.Action, item.Reason, item.Rows = "failed", refused, 0
		}
	}
	b.add(item)
	return strconv.FormatInt(owner, 10), nil
}

// Koji: so koji-gc writes it.
func trashSubject(builds int) string {
	if builds == 1 {
		return "1 build marked for deletion"
	}
	return fmt.Sprintf("%d builds marked for deletion", builds)
}

// sendTrashMail returns why the relay refuses the owner's address, if it does.
func (h *Hub) sendTrashMail(ctx context.Context, run int64, owner string, builds []store.TrashedBuild) (refused string, err error) {
	to := []string{owner + "@" + h.Config.EmailDomain}
	m, err := h.letterOf(fmt.Sprintf("gc-%d-%s", run, owner), to, trashSubject(len(builds)), "trashed.txt", trashLetter{
		Builds: builds, Grace: days(h.GC.GracePeriod), Tag: h.GC.TrashcanTag, WebURL: strings.TrimRight(h.Config.WebURL, "/"),
	}, []mail.Field{{Name: "X-Koji-Builder", Value: owner}})
	if err != nil {
		return "", err
	}
	report, err := h.Relay.Send(ctx, m, to)
	if why, deferred := report.Deferred[to[0]]; deferred {
		return "", fmt.Errorf("the mail relay defers %s: %s", to[0], why)
	}
	return report.Refused[to[0]], err
}
