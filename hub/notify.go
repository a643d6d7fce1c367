package hub

import (
	"context"
	"fmt"
	"slices"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/mail"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// setUpMail connects the hub with the relay, if there is one.
func (h *Hub) setUpMail(c config.Mail) error {
	if !c.Enabled() {
		return nil
	}
	password, err := c.Password()
	if err != nil {
		return err
	}
	h.Relay, err = mail.NewRelay(mail.Options{
		Host: c.Host, Port: c.Port, From: c.FromAddr, StartTLS: c.StartTLS, User: c.User, Password: password,
	})
	if err == nil && h.notifies() {
		h.Store.BuildsEnded = h.notifyBuilds
	}
	return err
}

// notifies says whether tasks are made that send mail. Without a relay they could
// but fail.
func (h *Hub) notifies() bool { return h.Relay != nil && !h.Config.DisableNotifications }

func (h *Hub) notifyBuilds(ctx context.Context, ids []int64) error {
	for _, id := range ids {
		if err := h.notifyBuild(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// notifyBuild makes the task that tells of the end of a build, in the transaction
// in which the build ends. One without a task of its own is nothing to tell of.
func (h *Hub) notifyBuild(ctx context.Context, id int64) error {
	if !h.notifies() {
		return nil
	}
	b, err := h.build(ctx, id, true)
	if err != nil || b.TaskID == nil {
		return err
	}
	target, err := h.targetOfTask(ctx, *b.TaskID)
	if err != nil {
		return err
	}
	var dest *int64
	if target != nil {
		dest = &target.DestTag
	}
	to, err := h.recipients(ctx, b, dest, b.State)
	if err != nil || len(to) == 0 {
		return err
	}
	owner := b.OwnerID
	if s := session.From(ctx); s.LoggedIn() {
		owner = s.UserID
	}
	_, err = h.makeNotification(ctx, "buildNotification", owner, to, b, target, h.Config.WebURL)
	return err
}

// targetOfTask returns the target of a build's task; nil if it has none, or none
// that there is.
func (h *Hub) targetOfTask(ctx context.Context, id int64) (*api.BuildTarget, error) {
	found, err := h.Store.Tasks(ctx, []int64{id}, true)
	if err != nil || len(found) == 0 || found[0].Request == nil {
		return nil, err
	}
	t := found[0]
	// Koji: other types have a parameter of this name, too, that does not count.
	if t.Method != "build" && t.Method != "maven" && t.Method != "winbuild" {
		return nil, nil
	}
	_, args, err := xmlrpc.UnmarshalRequest(*t.Request)
	if err != nil {
		return nil, fmt.Errorf("request of task %d: %w", id, err)
	}
	target := requestParams(t.Method, args)["target"]
	if !xmlrpc.Truth(target) {
		return nil, nil
	}
	return h.BuildTarget(ctx, target, nil, false)
}

// recipients lists the addresses of those to tell of a build that is to get into
// the tag, or out of it, and that came to state: whoever asked for it, who built
// it and who owns the package in the tag, without those who want none.
func (h *Hub) recipients(ctx context.Context, b *api.Build, tagID *int64, state koji.BuildState) ([]string, error) {
	w := store.NotificationWish{PackageID: b.PackageID, TagID: tagID, Success: state == koji.BuildComplete, Domain: h.Config.EmailDomain}
	if h.Config.NotifyOnSuccess || !w.Success {
		w.Involved = []int64{b.OwnerID}
		if tagID != nil {
			entry, err := h.Store.PackageEntry(ctx, *tagID, b.PackageID, nil)
			if err != nil {
				return nil, err
			}
			if entry != nil && !entry.Blocked && entry.OwnerID != nil {
				w.Involved = append(w.Involved, *entry.OwnerID)
			}
		}
	}
	return h.Store.Recipients(ctx, w)
}

// tagNotice is an operation on a tag that there is mail about.
type tagNotice struct {
	tag, from     any // id or name; nil for none
	build, user   any // id or name
	failure       string
	failed        bool
	ignoreSuccess bool
}

// notifyTagging makes the task that tells of a build that was tagged, untagged or
// moved. It returns 0 if there is nobody to tell.
func (h *Hub) notifyTagging(ctx context.Context, n tagNotice) (int64, error) {
	if !h.notifies() || !n.failed && n.ignoreSuccess {
		return 0, nil
	}
	b, err := h.build(ctx, n.build, false)
	if err != nil || b == nil {
		return 0, err
	}
	user, err := h.User(ctx, n.user, true)
	if err != nil {
		return 0, err
	}
	state := koji.BuildComplete
	if n.failed {
		state = koji.BuildFailed
	}
	var to []string
	for _, ref := range []any{n.tag, n.from} {
		if !xmlrpc.Truth(ref) {
			continue
		}
		tag, err := h.Tag(ctx, ref, TagOptions{})
		if err != nil {
			return 0, err
		}
		if tag == nil {
			continue
		}
		list, err := h.recipients(ctx, b, &tag.ID, state)
		if err != nil {
			return 0, err
		}
		to = append(to, list...)
	}
	slices.Sort(to)
	if to = slices.Compact(to); len(to) == 0 {
		return 0, nil
	}
	return h.makeNotification(ctx, "tagNotification", user.ID, to, !n.failed, n.tag, n.from, b.ID, user.ID, n.ignoreSuccess, n.failure)
}

// makeNotification makes a task; args are what follows the recipients.
func (h *Hub) makeNotification(ctx context.Context, method string, owner int64, to []string, args ...any) (int64, error) {
	plain, err := xmlrpc.Plain(append([]any{to}, args...))
	if err != nil {
		return 0, err
	}
	return h.MakeTask(ctx, method, plain.([]any), TaskOpts{OwnerID: owner})
}

// NotifyFailedTagging makes the task that tells that a tagBuild task has failed,
// once for the task however often it is called.
func (h *Hub) NotifyFailedTagging(ctx context.Context, r TagBuildRequest, cause error) error {
	const key = "tagNotification"
	if !h.notifies() {
		return nil
	}
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := h.Store.Parent(ctx, r.TaskID); err != nil { // of two tries at once one waits for the other
			return err
		}
		if made, err := h.Store.SubtaskByKey(ctx, r.TaskID, key); err != nil || made != 0 {
			return err
		}
		id, err := h.notifyTagging(ctx, tagNotice{
			tag: r.Tag, from: r.FromTag, build: r.BuildID, user: r.UserID, failed: true, ignoreSuccess: r.IgnoreSuccess,
			failure: koji.FaultName(koji.FaultOf(cause)) + ": " + cause.Error(),
		})
		if err != nil || id == 0 {
			return err
		}
		return h.Store.RememberSubtask(ctx, r.TaskID, key, id)
	})
}

// hostTagNotification tells of a tagBuild task that Koji's own builder carries.
func (h *Hub) hostTagNotification(ctx context.Context, p api.HostTagNotificationParams) (rpc.None, error) {
	_, err := h.notifyTagging(ctx, tagNotice{
		tag: p.TagID, from: p.FromID, build: p.BuildID, user: p.UserID,
		failed: !p.IsSuccessful, failure: p.FailureMsg, ignoreSuccess: p.IgnoreSuccess,
	})
	return rpc.None{}, err
}
