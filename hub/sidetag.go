package hub

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindSideTags(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.CreateSideTag, h.createSideTag)
	rpc.Bind(r, api.RemoveSideTag, h.removeSideTag)
	rpc.Bind(r, api.ListSideTags, h.listSideTags)
	rpc.Bind(r, api.EditSideTag, h.editSideTag)
}

// The extra settings by which Koji's plugin tells a side tag and its owner, and
// those by which a parent allows its side tags to differ.
const (
	extraSideTag          = "sidetag"
	extraSideTagUser      = "sidetag_user"
	extraSideTagUserID    = "sidetag_user_id"
	extraDebuginfo        = "with_debuginfo"
	extraDebuginfoAllowed = "sidetag_debuginfo_allowed"
	extraMacrosAllowed    = "sidetag_rpm_macros_allowed"
	extraMacroPrefix      = "rpm.macro."
)

// sideTagOwner returns the id of a side tag's owner; ok is false for other tags.
func sideTagOwner(tag *api.Tag) (owner int64, ok bool) {
	owner, _ = tag.Extra[extraSideTagUserID].(int64)
	return owner, xmlrpc.Truth(tag.Extra[extraSideTag])
}

func (h *Hub) createSideTag(ctx context.Context, p api.CreateSideTagParams) (none api.CreatedSideTag, err error) {
	suffix := ""
	if p.Suffix != nil && *p.Suffix != "" {
		if suffix = "-" + *p.Suffix; !slices.Contains(h.SideTags.AllowedSuffixes, *p.Suffix) {
			return none, koji.GenericErrorf("%s suffix is not allowed for sidetag", *p.Suffix)
		}
	}
	base, err := h.Tag(ctx, p.BaseTag, TagOptions{Strict: true})
	if err != nil {
		return none, err
	}
	user := session.From(ctx)
	count, err := h.Store.CountSideTags(ctx, user.UserID)
	if err != nil {
		return none, err
	}
	if err := h.assertPolicy(ctx, "sidetag", policy.Data{"tag": base.ID, "number_of_tags": count}); err != nil {
		return none, err
	}
	name, err := h.Store.NewTagName(ctx, func(id int64) string {
		return strings.NewReplacer("{basetag}", base.Name, "{tag_id}", strconv.FormatInt(id, 10)).Replace(h.SideTags.NameTemplate) + suffix
	})
	if err != nil {
		return none, err
	}
	made := api.CreatedSideTag{Name: name}
	extra := map[string]any{extraSideTag: true, extraSideTagUser: user.UserName, extraSideTagUserID: user.UserID}
	if p.Debuginfo {
		extra[extraDebuginfo] = true
	}
	var arches any
	if base.Arches != nil {
		arches = *base.Arches
	}
	if made.ID, err = h.createTag(ctx, api.CreateTagParams{Name: name, Parent: base.ID, Arches: arches, Extra: extra}); err != nil {
		return none, err
	}
	if _, err = h.createBuildTarget(ctx, api.CreateBuildTargetParams{Name: name, BuildTag: made.ID, DestTag: made.ID}); err != nil {
		return none, err
	}
	if h.SideTags.TriggerNewRepo {
		answer, err := h.repoRequest(ctx, api.RepoRequestParams{Tag: made.ID})
		if err != nil {
			return none, err
		}
		made.Request = answer.Request
	}
	return made, nil
}

// ownSideTag returns a side tag that is the caller's, or any for an admin.
func (h *Hub) ownSideTag(ctx context.Context, info any) (*api.Tag, error) {
	tag, err := h.Tag(ctx, info, TagOptions{Strict: true})
	if err != nil {
		return nil, err
	}
	owner, ok := sideTagOwner(tag)
	if !ok {
		return nil, koji.GenericErrorf("Not a sidetag: %s", tag.Name)
	}
	if s := session.From(ctx); owner != s.UserID && !s.HasPerm("admin") {
		return nil, koji.ActionNotAllowedf("This is not your sidetag")
	}
	return tag, nil
}

func (h *Hub) removeSideTag(ctx context.Context, p api.SideTagParams) (rpc.None, error) {
	tag, err := h.ownSideTag(ctx, p.SideTag)
	if err != nil {
		return rpc.None{}, err
	}
	target, err := h.sideTagTarget(ctx, tag)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.dropSideTag(ctx, tag, target)
}

// sideTagTarget returns the target that was made with a side tag, and is an
// error if somebody has changed it since.
func (h *Hub) sideTagTarget(ctx context.Context, tag *api.Tag) (*api.BuildTarget, error) {
	target, err := h.BuildTarget(ctx, tag.Name, nil, false)
	switch {
	case err != nil:
		return nil, err
	case target == nil:
		return nil, koji.GenericErrorf("Target is missing for sidetag")
	case target.BuildTag != tag.ID || target.DestTag != tag.ID:
		return nil, koji.GenericErrorf("Target does not match sidetag")
	}
	return target, nil
}

func (h *Hub) dropSideTag(ctx context.Context, tag *api.Tag, target *api.BuildTarget) error {
	if err := h.Store.DeleteBuildTarget(ctx, target.ID); err != nil {
		return err
	}
	return h.Store.DeleteTag(ctx, tag.ID)
}

// dropEmptySideTag removes a side tag that has just lost its last build, if the
// hub is to do that. One whose target somebody has changed stays.
func (h *Hub) dropEmptySideTag(ctx context.Context, tag *api.Tag) error {
	if _, ok := sideTagOwner(tag); !ok || !h.SideTags.RemoveEmpty {
		return nil
	}
	empty, err := h.Store.TagIsEmpty(ctx, tag.ID)
	if err != nil || !empty {
		return err
	}
	target, err := h.sideTagTarget(ctx, tag)
	if koji.FaultOf(err) == koji.FaultGeneric {
		return nil
	}
	if err != nil {
		return err
	}
	return h.dropSideTag(ctx, tag, target)
}

func (h *Hub) listSideTags(ctx context.Context, p api.ListSideTagsParams) (none rpc.Rows[api.SideTag], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	var userID, baseID *int64
	if p.User != nil {
		user, err := h.User(ctx, p.User, true)
		if err != nil {
			return none, err
		}
		userID = &user.ID
	}
	if p.BaseTag != nil {
		base, err := h.Tag(ctx, p.BaseTag, TagOptions{Strict: true})
		if err != nil {
			return none, err
		}
		baseID = &base.ID
	}
	return h.Store.ListSideTags(ctx, userID, baseID, opts)
}

func (h *Hub) editSideTag(ctx context.Context, p api.EditSideTagParams) (rpc.None, error) {
	tag, err := h.ownSideTag(ctx, p.SideTag)
	if err != nil {
		return rpc.None{}, err
	}
	s := session.From(ctx)
	if (p.Extra != nil || p.RemoveExtra != nil) && !s.HasPerm("sidetag_admin") && !s.HasPerm("admin") {
		return rpc.None{}, koji.GenericErrorf("Extra can be modified only with sidetag_admin or admin permissions.")
	}
	parent, err := h.sideTagParent(ctx, tag)
	if err != nil {
		return rpc.None{}, err
	}
	set := map[string]any{}
	maps.Copy(set, p.Extra)
	remove := slices.Clone(p.RemoveExtra)
	if p.Debuginfo != nil {
		if !xmlrpc.Truth(parent.Extra[extraDebuginfoAllowed]) {
			return rpc.None{}, koji.GenericErrorf("Debuginfo setting is not allowed in parent tag.")
		}
		set[extraDebuginfo] = xmlrpc.Truth(p.Debuginfo)
	}
	// Koji: with macros to remove it forgets remove_extra.
	macros, gone, err := macroChanges(parent, p)
	if err != nil {
		return rpc.None{}, err
	}
	maps.Copy(set, macros)
	return rpc.None{}, h.changeTag(ctx, tag.ID, map[string]any{"extra": set, "remove_extra": append(remove, gone...)})
}

// sideTagParent returns the tag that a side tag inherits from first.
func (h *Hub) sideTagParent(ctx context.Context, tag *api.Tag) (*api.Tag, error) {
	rules, err := h.Store.Parents(ctx, tag.ID, nil)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, koji.GenericErrorf("Sidetag %s has no parent tag", tag.Name)
	}
	return h.Tag(ctx, rules[0].ParentID, TagOptions{Strict: true})
}

// macroChanges returns the extra settings for the RPM macros to set and to
// remove, as far as the parent tag allows them.
func macroChanges(parent *api.Tag, p api.EditSideTagParams) (set map[string]any, remove []any, err error) {
	if len(p.RPMMacros) == 0 && len(p.RemoveRPMMacros) == 0 {
		return nil, nil, nil
	}
	allowed, err := allowedMacros(parent)
	if err != nil {
		return nil, nil, err
	}
	check := func(macro string) error {
		if !slices.ContainsFunc(allowed, func(pattern string) bool { return koji.Glob(pattern, macro) }) {
			return koji.GenericErrorf("RPM macro %s editing is not allowed via parent tag", macro)
		}
		return nil
	}
	set = map[string]any{}
	for _, macro := range slices.Sorted(maps.Keys(p.RPMMacros)) {
		if !validMacroName(macro) {
			return nil, nil, koji.GenericErrorf("Invalid macro name %s", xmlrpc.Repr(macro))
		}
		if err := check(macro); err != nil {
			return nil, nil, err
		}
		set[extraMacroPrefix+macro] = p.RPMMacros[macro]
	}
	for _, v := range p.RemoveRPMMacros {
		macro := pyStr(v)
		if err := check(macro); err != nil {
			return nil, nil, err
		}
		remove = append(remove, extraMacroPrefix+macro)
	}
	return set, remove, nil
}

// validMacroName is rpm's own rule, as Koji knows it.
func validMacroName(name string) bool {
	if len(name) < 2 {
		return false
	}
	c := name[0] | 0x20
	return name[0] == '_' || 'a' <= c && c <= 'z'
}

// allowedMacros returns the patterns of macros that a tag's side tags may set.
func allowedMacros(parent *api.Tag) ([]string, error) {
	var list []string
	switch v := parent.Extra[extraMacrosAllowed].(type) {
	case nil:
	case string:
		list = strings.Fields(v)
	case []any:
		for _, item := range v {
			macro, ok := item.(string)
			if !ok {
				return nil, koji.GenericErrorf("Allowed rpm macro list %s is invalid for %s.", xmlrpc.Repr(v), parent.Name)
			}
			list = append(list, macro)
		}
	default:
		return nil, koji.GenericErrorf("rpm_macros_allowed in %s has invalid type: <class '%s'>", parent.Name, xmlrpc.TypeName(v))
	}
	if len(list) == 0 {
		return nil, koji.GenericErrorf("RPM macros change is not allowed in parent tag.")
	}
	return list, nil
}

// policySideTag lets the tests of policies ask whose side tag a tag is.
func (h *Hub) policySideTag(ctx context.Context, v any) (*policy.SideTag, error) {
	ref, ok := policyRef(v)
	if !ok {
		return nil, nil
	}
	tag, err := h.Store.Tag(ctx, ref, store.TagOptions{})
	if err != nil || tag == nil {
		return nil, err
	}
	owner, ok := sideTagOwner(tag)
	if !ok {
		return nil, nil
	}
	return &policy.SideTag{OwnerID: owner}, nil
}
