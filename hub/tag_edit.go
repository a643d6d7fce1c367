package hub

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func (h *Hub) editTag(ctx context.Context, p api.EditTagParams) (rpc.None, error) {
	changes := map[string]any{"arches": p.Arches, "locked": p.Locked, "perm_id": p.PermissionID, "extra": p.Extra}
	if p.Name != nil {
		changes["name"] = *p.Name
	}
	if p.Extra == nil {
		delete(changes, "extra")
	}
	return rpc.None{}, h.changeTag(ctx, p.TagInfo, changes)
}

func (h *Hub) editTag2(ctx context.Context, p api.EditTag2Params) (rpc.None, error) {
	return rpc.None{}, h.changeTag(ctx, p.TagInfo, p.Changes)
}

// changeTag makes the changes that editTag2 describes.
func (h *Hub) changeTag(ctx context.Context, info any, changes map[string]any) error {
	extra, err := h.checkTagChanges(changes)
	if err != nil {
		return err
	}
	tag, err := h.Tag(ctx, info, TagOptions{Strict: true})
	if err != nil {
		return err
	}
	if err := h.resolvePerm(ctx, changes); err != nil {
		return err
	}
	if name, _ := changes["name"].(string); name != "" && name != tag.Name {
		if err := h.renameTag(ctx, tag.ID, name); err != nil {
			return err
		}
	}
	if arches := changes["arches"]; xmlrpc.Truth(arches) {
		if changes["arches"], err = archesOf(arches, true); err != nil {
			return err
		}
	}
	if err := h.changeTagConfig(ctx, tag, changes); err != nil {
		return err
	}
	return h.changeTagExtra(ctx, tag, extra)
}

// extraChanges are the changes to a tag's extra settings.
type extraChanges struct {
	set           map[string]any
	block, remove []string
}

// checkTagChanges checks what can be checked without the tag.
func (h *Hub) checkTagChanges(changes map[string]any) (e extraChanges, err error) {
	for _, key := range []string{"maven_support", "maven_include_all"} {
		if _, given := changes[key]; given && !h.Config.EnableMaven {
			return e, koji.GenericErrorf("Maven support not enabled")
		}
	}
	if e.remove, err = keyList(changes["remove_extra"]); err != nil {
		return e, err
	}
	if e.block, err = keyList(changes["block_extra"]); err != nil {
		return e, err
	}
	e.set, _ = changes["extra"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(e.set)) {
		if slices.Contains(e.block, key) || slices.Contains(e.remove, key) {
			return e, koji.GenericErrorf("Can not both add/update and remove tag-extra: '%s'", key)
		}
	}
	return e, nil
}

func keyList(v any) ([]string, error) {
	if !xmlrpc.Truth(v) {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'list'>",
			pyStr(v), xmlrpc.TypeName(v))
	}
	var keys []string
	for _, key := range list {
		keys = append(keys, pyStr(key))
	}
	return keys, nil
}

// resolvePerm turns the permission among the changes into its id. Koji: perm and
// perm_id are the same; the latter wins.
func (h *Hub) resolvePerm(ctx context.Context, changes map[string]any) error {
	perm, given := changes["perm_id"]
	if !given {
		perm, given = changes["perm"]
	}
	if !given {
		return nil
	}
	changes["perm_id"] = nil
	if perm == nil {
		return nil
	}
	id, err := h.lookupID(ctx, store.Permissions, perm)
	changes["perm_id"] = id
	return err
}

func (h *Hub) renameTag(ctx context.Context, id int64, name string) error {
	if err := h.Names.CheckName(name); err != nil {
		return err
	}
	other, err := h.Lookup(ctx, store.Tags, name, false)
	if err != nil {
		return err
	}
	if other != nil {
		return koji.GenericErrorf("Name %s already taken by tag %d", name, other.ID)
	}
	return h.Store.Rename(ctx, store.Tags, id, name)
}

func (h *Hub) changeTagConfig(ctx context.Context, tag *api.Tag, given map[string]any) error {
	changes, err := changed(tag, given, "perm_id", "arches", "locked", "maven_support", "maven_include_all")
	if err != nil || len(changes) == 0 {
		return err
	}
	if err := rpc.Into(map[string]any(changes), tag); err != nil {
		return err
	}
	return h.Store.UpdateTag(ctx, tag.ID, store.TagConfig{
		Arches: tag.Arches, PermID: tag.PermID, Locked: tag.Locked,
		MavenSupport: tag.MavenSupport, MavenIncludeAll: tag.MavenIncludeAll,
	})
}

func (h *Hub) changeTagExtra(ctx context.Context, tag *api.Tag, e extraChanges) error {
	for _, key := range slices.Sorted(maps.Keys(e.set)) {
		if old, has := tag.Extra[key]; has && equal(old, e.set[key]) {
			continue
		}
		if err := h.Store.SetTagExtra(ctx, tag.ID, key, e.set[key]); err != nil {
			return err
		}
	}
	for _, key := range e.block {
		if err := h.Store.BlockTagExtra(ctx, tag.ID, key); err != nil {
			return err
		}
	}
	var missing []string
	for _, key := range e.remove {
		if _, has := tag.Extra[key]; !has {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return koji.GenericErrorf("Tag: %s doesn't have extra: %s", tag.Name, strings.Join(missing, ", "))
	}
	for _, key := range e.remove {
		if err := h.Store.RemoveTagExtra(ctx, tag.ID, key); err != nil {
			return err
		}
	}
	return nil
}
