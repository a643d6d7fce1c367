package hub

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// sideTagHub has the tag base, of which side tags are made.
func sideTagHub(t *testing.T) *Hub {
	h := newTestHub(t)
	must(t, asAdmin(t), h, api.CreateTag, api.CreateTagParams{Name: "base", Arches: "x86_64"})
	return h
}

func TestSideTagLife(t *testing.T) {
	h := sideTagHub(t)
	user, admin := asLabuser(t), asAdmin(t)
	made := must(t, user, h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base", Debuginfo: true})
	require.Regexp(t, `^base-side-\d+$`, made.Name)
	require.Nil(t, made.Request)
	tag := must(t, user, h, api.GetTag, api.GetTagParams{TagInfo: made.Name})
	require.Equal(t, made.ID, tag.ID)
	require.Equal(t, "base-side-"+pyStr(tag.ID), tag.Name, "the name has the tag's own id")
	require.Equal(t, "x86_64", *tag.Arches)
	require.Equal(t, api.Extra{"sidetag": true, "sidetag_user": "labuser", "sidetag_user_id": int64(2), "with_debuginfo": true}, tag.Extra)
	target := must(t, user, h, api.GetBuildTarget, api.GetBuildTargetParams{Info: made.Name})
	require.Equal(t, []int64{tag.ID, tag.ID}, []int64{target.BuildTag, target.DestTag})

	other := must(t, admin, h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base"})
	require.Equal(t, []int64{3, 5}, []int64{made.ID, other.ID}, "each takes two ids")
	names := func(p api.ListSideTagsParams) (names []string) {
		for _, s := range must(t, user, h, api.ListSideTags, p).List {
			names = append(names, s.Name+" "+s.UserID+" "+*s.UserName)
		}
		slices.Sort(names)
		return names
	}
	mine := made.Name + " 2 labuser"
	require.Equal(t, []string{mine, other.Name + " 1 kojiadmin"}, names(api.ListSideTagsParams{}))
	require.Equal(t, []string{mine}, names(api.ListSideTagsParams{User: "labuser", BaseTag: "base"}))
	require.Empty(t, names(api.ListSideTagsParams{BaseTag: made.Name}))
	require.Equal(t, []string{mine}, names(api.ListSideTagsParams{QueryOpts: map[string]any{"order": "id", "limit": int64(1)}}))
	refused(t, user, h, api.ListSideTags, api.ListSideTagsParams{BaseTag: "nosuch"}, koji.FaultGeneric, "No such tagInfo: 'nosuch'")

	refused(t, user, h, api.RemoveSideTag, api.SideTagParams{SideTag: other.Name}, koji.FaultActionNotAllowed, "This is not your sidetag")
	refused(t, user, h, api.RemoveSideTag, api.SideTagParams{SideTag: "base"}, koji.FaultGeneric, "Not a sidetag: base")
	must(t, user, h, api.RemoveSideTag, api.SideTagParams{SideTag: made.Name})
	require.Nil(t, must(t, user, h, api.GetBuildTarget, api.GetBuildTargetParams{Info: made.Name}))
	require.Nil(t, must(t, user, h, api.GetTag, api.GetTagParams{TagInfo: made.Name}))

	must(t, admin, h, api.EditBuildTarget, api.EditBuildTargetParams{BuildTargetInfo: other.Name, Name: other.Name, BuildTag: "base", DestTag: "base"})
	refused(t, admin, h, api.RemoveSideTag, api.SideTagParams{SideTag: other.Name}, koji.FaultGeneric, "Target does not match sidetag")
	must(t, admin, h, api.DeleteBuildTarget, api.DeleteBuildTargetParams{BuildTargetInfo: other.Name})
	refused(t, admin, h, api.RemoveSideTag, api.SideTagParams{SideTag: other.Name}, koji.FaultGeneric, "Target is missing for sidetag")
}

func TestSideTagOptions(t *testing.T) {
	h := sideTagHub(t)
	user := asLabuser(t)
	devel := "devel"
	refused(t, user, h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base", Suffix: &devel}, koji.FaultGeneric, "devel suffix is not allowed for sidetag")
	h.SideTags = config.SideTag{AllowedSuffixes: []string{"devel"}, NameTemplate: "side-{tag_id}-of-{basetag}", TriggerNewRepo: true}
	made := must(t, user, h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base", Suffix: &devel})
	require.Equal(t, "side-"+pyStr(made.ID)+"-of-base-devel", made.Name)
	require.NotNil(t, made.Request)

	require.NoError(t, h.LoadPolicy(config.Policies{Texts: map[string]string{"sidetag": "tag base && compare number_of_tags < 1 :: allow\nall :: deny one is enough"}}))
	refused(t, user, h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base"}, koji.FaultActionNotAllowed, "policy violation (sidetag): one is enough")
	must(t, asAdmin(t), h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base"})
}

func TestEditSideTag(t *testing.T) {
	h := sideTagHub(t)
	user, admin := asLabuser(t), asAdmin(t)
	made := must(t, user, h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base"})
	edit := func(p api.EditSideTagParams) api.EditSideTagParams { p.SideTag = made.ID; return p }
	macros := func(kv ...string) api.EditSideTagParams {
		set := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			set[kv[i]] = kv[i+1]
		}
		return edit(api.EditSideTagParams{RPMMacros: set})
	}
	parent := func(extra map[string]any) {
		must(t, admin, h, api.EditTag2, api.EditTag2Params{TagInfo: "base", Changes: map[string]any{"extra": extra}})
	}
	refused(t, user, h, api.EditSideTag, edit(api.EditSideTagParams{Debuginfo: true}), koji.FaultGeneric, "Debuginfo setting is not allowed in parent tag.")
	refused(t, user, h, api.EditSideTag, macros("dist", "x"), koji.FaultGeneric, "RPM macros change is not allowed in parent tag.")
	refused(t, user, h, api.EditSideTag, edit(api.EditSideTagParams{Extra: map[string]any{"a": "b"}}), koji.FaultGeneric, "Extra can be modified only with sidetag_admin or admin permissions.")
	parent(map[string]any{"sidetag_rpm_macros_allowed": int64(3)})
	refused(t, user, h, api.EditSideTag, macros("dist", "x"), koji.FaultGeneric, "rpm_macros_allowed in base has invalid type: <class 'int'>")
	parent(map[string]any{"sidetag_debuginfo_allowed": true, "sidetag_rpm_macros_allowed": "dist _foo*"})
	refused(t, user, h, api.EditSideTag, macros("1x", "x"), koji.FaultGeneric, "Invalid macro name '1x'")
	refused(t, user, h, api.EditSideTag, macros("other", "x"), koji.FaultGeneric, "RPM macro other editing is not allowed via parent tag")

	must(t, user, h, api.EditSideTag, macros("dist", ".x", "_foobar", "1"))
	must(t, user, h, api.EditSideTag, edit(api.EditSideTagParams{Debuginfo: true, RemoveRPMMacros: []any{"_foobar"}}))
	must(t, asLabuser(t, "sidetag_admin"), h, api.EditSideTag, edit(api.EditSideTagParams{Extra: map[string]any{"a": "b"}}))
	tag := must(t, user, h, api.GetTag, api.GetTagParams{TagInfo: made.ID})
	require.Equal(t, api.Extra{
		"sidetag": true, "sidetag_user": "labuser", "sidetag_user_id": int64(2),
		"with_debuginfo": true, "rpm.macro.dist": ".x", "a": "b",
	}, tag.Extra)
}

// With its last build a side tag goes, if the hub is told to do that.
func TestEmptySideTag(t *testing.T) {
	l := newLife(t)
	l.exec(`SELECT setval('tag_id_seq', 10)`)
	foo := l.complete("foo", "1")
	user := asLabuser(t)
	empty := func() *api.Tag {
		made := must(t, user, l.Hub, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "dest"})
		require.NoError(t, l.TagBuild(t.Context(), TagBuildRequest{UserID: 2, Tag: made.ID, BuildID: foo, Force: true}))
		require.NoError(t, l.UntagBuild(t.Context(), UntagBuildRequest{UserID: 2, Tag: made.ID, Build: foo, Strict: true}))
		return must(t, user, l.Hub, api.GetTag, api.GetTagParams{TagInfo: made.ID})
	}
	require.NotNil(t, empty())
	l.SideTags.RemoveEmpty = true
	require.Nil(t, empty())
}

func TestSideTagPolicyTests(t *testing.T) {
	h := sideTagHub(t)
	made := must(t, asLabuser(t), h, api.CreateSideTag, api.CreateSideTagParams{BaseTag: "base"})
	for _, c := range []struct {
		test string
		data policy.Data
		want bool
	}{
		{"is_sidetag", policy.Data{"tag": made.ID}, true},
		{"is_sidetag", policy.Data{"tag": "base"}, false},
		{"is_sidetag", policy.Data{"tag": nil}, false},
		{"is_sidetag_owner", policy.Data{"tag": made.Name, "user_id": int64(2)}, true},
		{"is_sidetag_owner", policy.Data{"tag": made.Name, "user_id": int64(1)}, false},
		{"is_sidetag_owner fromtag", policy.Data{"fromtag": made.Name}, true},
		{"is_sidetag_owner both", policy.Data{"tag": "base", "fromtag": made.Name}, false},
		{"is_sidetag_owner both", policy.Data{"tag": made.ID, "fromtag": made.Name}, true},
	} {
		require.NoError(t, h.LoadPolicy(config.Policies{Texts: map[string]string{"p": c.test + " :: yes"}}))
		r, err := h.Policy().Eval(asLabuser(t), "p", c.data)
		require.NoError(t, err)
		require.Equal(t, c.want, r.Matched(), "%s %v", c.test, c.data)
	}
	require.ErrorContains(t, h.LoadPolicy(config.Policies{Texts: map[string]string{"p": "is_sidetag_owner x :: yes"}}), `"x" is none of tag, fromtag, both`)
}
