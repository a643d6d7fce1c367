package hub

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/gc"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

const (
	// gcLook is how many builds a batch of the garbage collector looks at.
	gcLook = 200
	// gcChange is how many it moves or deletes at most.
	gcChange = 50
	// collectorSession stands for the session that the garbage collector has not.
	collectorSession = -1
)

// asCollector returns a context in which the user of the garbage collector is the
// caller, and an admin.
func (h *Hub) asCollector(ctx context.Context) (context.Context, error) {
	id, err := h.Store.EnsureUser(ctx, h.GC.User)
	if err != nil {
		return nil, err
	}
	return session.With(ctx, &session.Session{ID: collectorSession, UserID: id, UserName: h.GC.User, Perms: []string{"admin"}}), nil
}

func (h *Hub) trashcan(ctx context.Context) (*api.Tag, error) {
	tag, err := h.Tag(ctx, h.GC.TrashcanTag, TagOptions{})
	if err == nil && tag == nil {
		err = koji.GenericErrorf("Trashcan tag %s doesn't exist", h.GC.TrashcanTag)
	}
	return tag, err
}

// attempt does something to a build, in a savepoint, and adds it to the report. A
// refusal is reported, too.
func (h *Hub) attempt(ctx context.Context, b *retentionBatch, item store.RetentionItem, do func(context.Context) error) error {
	err := h.Store.Savepoint(ctx, do)
	if err != nil {
		if koji.FaultOf(err) == 0 {
			return err
		}
		item.Action, item.Reason, item.Rows, item.Bytes = "failed", err.Error(), 0, 0
	}
	b.add(item)
	return nil
}

// keep reports, in a dry run, why nothing is done to a build. Other runs would
// report the same every time.
func (b *retentionBatch) keep(subject, why string) {
	if b.run.DryRun {
		b.add(store.RetentionItem{Action: "keep", Subject: subject, Reason: why, Rows: 1})
	}
}

// after is the position of a step that goes through builds by their ids.
func (b *retentionBatch) after() int64 {
	id, _ := strconv.ParseInt(b.run.Position, 10, 64) // "" is 0
	return id
}

// gcTrash puts builds into the trashcan that are in no tag for long.
func (h *Hub) gcTrash(ctx context.Context, b *retentionBatch) (string, error) {
	ctx, err := h.asCollector(ctx)
	if err != nil {
		return "", err
	}
	trashcan, err := h.trashcan(ctx)
	if err != nil {
		return "", err
	}
	builds, err := h.Store.GCUntagged(ctx, b.after(), gcLook)
	if err != nil {
		return "", err
	}
	moved, now := 0, h.Now()
	for _, u := range builds {
		candidate := gc.Untagged{Package: u.Package, Since: u.Since.Time, Uses: uses(u), Keys: u.Keys}
		if u.LastUsed != nil {
			candidate.LastUsed = &u.LastUsed.Time
		}
		trash, why := h.gc.Trash(candidate, now)
		if !trash {
			if why != "" {
				b.keep(u.NVR, why)
			}
			continue
		}
		item := store.RetentionItem{Action: "trash", Subject: u.NVR, Reason: why, Rows: 1, BuildID: &u.ID, OwnerID: &u.OwnerID}
		err := h.attempt(ctx, b, item, func(ctx context.Context) error { return h.trashBuild(ctx, trashcan, u.ID) })
		if err != nil {
			return "", err
		}
		if moved++; moved == gcChange {
			return strconv.FormatInt(u.ID, 10), nil
		}
	}
	return nextBuild(builds, func(u store.GCUntagged) int64 { return u.ID }), nil
}

// nextBuild is the position behind a full list, "" if it was the last one.
func nextBuild[T any](list []T, id func(T) int64) string {
	if len(list) < gcLook {
		return ""
	}
	return strconv.FormatInt(id(list[len(list)-1]), 10)
}

// uses says what refers to a build. Koji: in the order of buildReferences.
func uses(u store.GCUntagged) string {
	switch {
	case u.InRPMs:
		return "in the buildroots of other builds' RPMs"
	case u.InFiles:
		return "in the buildroots of other builds' archives"
	case u.Part:
		return "part of other builds' archives"
	}
	return ""
}

// trashBuild puts a build into the trashcan. Its package is listed there for whoever
// owns it in most tags.
func (h *Hub) trashBuild(ctx context.Context, trashcan *api.Tag, id int64) error {
	build, err := h.build(ctx, id, true)
	if err != nil {
		return err
	}
	entry, err := h.Store.PackageEntry(ctx, trashcan.ID, build.PackageID, nil)
	if err != nil {
		return err
	}
	if entry == nil {
		owner, err := h.Store.CommonOwner(ctx, build.PackageID)
		if err != nil {
			return err
		}
		if owner == 0 {
			owner = build.OwnerID
		}
		c := PackageChange{Tag: trashcan.ID, Package: build.Name, Owner: owner, Force: true}
		if err := h.changePackage(ctx, c); err != nil {
			return err
		}
	}
	return h.tagAtOnce(ctx, tagOperation{build: build, to: trashcan, userID: session.From(ctx).UserID, force: true}, true)
}

// untagByCollector takes a build out of a tag.
func (h *Hub) untagByCollector(ctx context.Context, tag *api.Tag, id int64) error {
	build, err := h.build(ctx, id, true)
	if err != nil {
		return err
	}
	return h.tagAtOnce(ctx, tagOperation{build: build, from: tag, userID: session.From(ctx).UserID, force: true}, false)
}

// gcSalvage takes builds out of the trashcan that are tagged again, or signed.
func (h *Hub) gcSalvage(ctx context.Context, b *retentionBatch) (string, error) {
	return h.emptyTrashcan(ctx, b, nil)
}

// gcDelete does so as well, and deletes the others.
func (h *Hub) gcDelete(ctx context.Context, b *retentionBatch) (string, error) {
	return h.emptyTrashcan(ctx, b, h.deleteTrashed)
}

// emptyTrashcan salvages builds that are in the trashcan for long enough, and does
// something to those that there is no reason to salvage.
func (h *Hub) emptyTrashcan(ctx context.Context, b *retentionBatch,
	rest func(context.Context, *retentionBatch, *api.Tag, store.GCTrashed) error) (string, error) {
	ctx, err := h.asCollector(ctx)
	if err != nil {
		return "", err
	}
	trashcan, err := h.trashcan(ctx)
	if err != nil {
		return "", err
	}
	builds, err := h.Store.GCTrashed(ctx, trashcan.ID, h.GC.GracePeriod.Std().Seconds(), b.after(), gcLook)
	if err != nil {
		return "", err
	}
	for _, t := range builds {
		keys := h.gc.Protected(t.Keys)
		switch {
		case !h.gc.HasPackage(t.Package):
			continue
		case len(t.Tags) > 0:
			err = h.salvage(ctx, b, trashcan, t, "tagged as well in "+strings.Join(t.Tags, ", "))
		case len(keys) > 0:
			err = h.salvage(ctx, b, trashcan, t, "signed with "+strings.Join(keys, ", "))
		case rest != nil:
			err = rest(ctx, b, trashcan, t)
		}
		if err != nil {
			return "", err
		}
		if len(b.items) >= gcChange {
			return strconv.FormatInt(t.ID, 10), nil
		}
	}
	return nextBuild(builds, func(t store.GCTrashed) int64 { return t.ID }), nil
}

func (h *Hub) salvage(ctx context.Context, b *retentionBatch, trashcan *api.Tag, t store.GCTrashed, why string) error {
	item := store.RetentionItem{Action: "salvage", Subject: t.NVR, Reason: why, Rows: 1, BuildID: &t.ID, OwnerID: &t.OwnerID}
	return h.attempt(ctx, b, item, func(ctx context.Context) error { return h.untagByCollector(ctx, trashcan, t.ID) })
}

// deleteTrashed deletes a build. One that something refers to leaves the trashcan,
// as it does with Koji.
func (h *Hub) deleteTrashed(ctx context.Context, b *retentionBatch, trashcan *api.Tag, t store.GCTrashed) error {
	var refusal error
	item := store.RetentionItem{Action: "delete", Subject: t.NVR, Rows: 1, BuildID: &t.ID, OwnerID: &t.OwnerID,
		Reason: "in the trashcan since " + t.Since.UTC().Format("2006-01-02 15:04")}
	err := h.Store.Savepoint(ctx, func(ctx context.Context) (err error) {
		if err = h.untagByCollector(ctx, trashcan, t.ID); err == nil {
			item.Bytes, refusal, err = h.collect(ctx, t.ID)
		}
		return err
	})
	switch {
	case koji.FaultOf(err) != 0:
		item.Action, item.Reason, item.Rows = "failed", err.Error(), 0
	case err != nil:
		return err
	case refusal != nil:
		item.Action, item.Reason = "salvage", refusal.Error()
	}
	b.add(item)
	return nil
}

// minRefAge is how many seconds ago a build may have been used in a buildroot that
// is to be deleted. Koji: the default of deleteBuild.
const minRefAge = 7 * 24 * 3600

// collect deletes a build unless something refers to it. It returns what its files
// hold.
func (h *Hub) collect(ctx context.Context, id int64) (bytes int64, refusal, err error) {
	build, err := h.build(ctx, id, true)
	if err != nil {
		return 0, nil, err
	}
	if refusal, err = h.deletionRefusal(ctx, build, minRefAge); err != nil || refusal != nil {
		return 0, refusal, err
	}
	if bytes, err = h.buildUsage(build); err != nil {
		return 0, nil, err
	}
	if err := h.Store.DeleteBuild(ctx, id); err != nil {
		return 0, nil, err
	}
	return bytes, nil, h.removeBuildFiles(ctx, build)
}

// gcPrune takes builds out of their tags by the policy: in each batch, whole
// packages of one tag, as the order of a package's builds counts.
func (h *Hub) gcPrune(ctx context.Context, b *retentionBatch) (string, error) {
	ctx, err := h.asCollector(ctx)
	if err != nil {
		return "", err
	}
	from, after, _ := strings.Cut(b.run.Position, "\n")
	tags, err := h.Store.GCTags(ctx, from)
	if err != nil {
		return "", err
	}
	for _, tag := range tags {
		if tag.Name != from {
			after = ""
		}
		if !h.gc.PrunesTag(tag.Name, tag.Locked) {
			continue
		}
		last, err := h.pruneTag(ctx, b, tag, after)
		if err != nil {
			return "", err
		}
		if last != "" {
			return tag.Name + "\n" + last, nil
		}
	}
	return "", nil
}

// pruneTag prunes the packages of a tag that come after one. It returns the last
// one if it has done enough for a batch.
func (h *Hub) pruneTag(ctx context.Context, b *retentionBatch, tag store.GCTag, after string) (last string, err error) {
	keys, tags := h.gc.Needs()
	listed, err := h.Store.GCTagged(ctx, store.GCTagListing{Tag: tag, After: after, Keys: keys, Tags: tags})
	if err != nil {
		return "", err
	}
	for len(listed) > 0 {
		pkg := listed[0].Package
		end := slices.IndexFunc(listed, func(e store.GCTagged) bool { return e.Package != pkg })
		if end < 0 {
			end = len(listed)
		}
		if err := h.prunePackage(ctx, b, tag, listed[:end]); err != nil {
			return "", err
		}
		if listed = listed[end:]; len(b.items) >= gcChange {
			return pkg, nil
		}
	}
	return "", nil
}

// prunePackage does what the policy says of one package's builds in a tag.
func (h *Hub) prunePackage(ctx context.Context, b *retentionBatch, tag store.GCTag, listed []store.GCTagged) error {
	builds := make([]gc.Tagged, len(listed))
	for i, e := range listed {
		nvr := koji.NVR{Name: e.Name, Version: e.Version, Release: e.Release}
		builds[i] = gc.Tagged{BuildID: e.ID, NVR: nvr.String(), Since: e.Since.Time, Volume: e.Volume, Keys: e.Keys, Tags: e.Tags}
	}
	decisions, err := h.gc.Prune(ctx, tag.Name, listed[0].Package, builds, h.Now())
	if err != nil {
		return err
	}
	full, err := h.Tag(ctx, tag.ID, TagOptions{Strict: true})
	if err != nil {
		return err
	}
	for _, d := range decisions {
		if d.Action != gc.Untag {
			continue
		}
		item := store.RetentionItem{Action: "untag", Subject: d.NVR + " from " + tag.Name, Reason: d.Rule, Rows: 1, BuildID: &d.BuildID}
		if err := h.attempt(ctx, b, item, func(ctx context.Context) error { return h.untagByCollector(ctx, full, d.BuildID) }); err != nil {
			return err
		}
		if h.GC.Purge {
			if err := h.purge(ctx, b, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// purge deletes a build that was pruned, unless it is still tagged or signed.
func (h *Hub) purge(ctx context.Context, b *retentionBatch, d gc.Decision) error {
	keys, err := h.Store.SigningKeys(ctx, d.BuildID)
	if err != nil {
		return err
	}
	if keys = h.gc.Protected(keys); len(keys) > 0 {
		b.keep(d.NVR, "signed with "+strings.Join(keys, ", "))
		return nil
	}
	item := store.RetentionItem{Action: "delete", Subject: d.NVR, Reason: "pruned from its last tag", Rows: 1, BuildID: &d.BuildID}
	var refusal error
	err = h.Store.Savepoint(ctx, func(ctx context.Context) error {
		item.Bytes, refusal, err = h.collect(ctx, d.BuildID)
		return err
	})
	if refusal != nil {
		b.keep(d.NVR, refusal.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("purge %s: %w", d.NVR, err)
	}
	b.add(item)
	return nil
}
