package policy

// defaults are the policies of a hub whose operator wrote none: those of Koji.
var defaults = map[string]string{
	"build_rpm": "all :: allow",
	"cg_import": "all :: allow",
	"volume":    "all :: DEFAULT",
	"priority":  "all :: stay",
	"build_from_srpm": `
		has_perm admin :: allow
		all :: deny Only admin can do this via default policy`,
	"build_from_scm": `
		has_perm admin :: allow
		all :: deny Only admin can do this via default policy`,
	"build_from_repo_id": `
		has_perm admin :: allow
		all :: deny Only admin can do this via default policy`,
	"package_list": `
		has_perm admin :: allow
		has_perm tag :: allow
		all :: deny Only admin/tag can do this via default policy`,
	"channel": `
		has req_channel :: req
		is_child_task :: parent
		all :: use default`,
	"vm": `
		has_perm admin win-admin :: allow
		all :: deny Only admin/win-admin can do this via default policy`,
	"draft_promotion": `
		has_perm draft-promoter :: allow
		is_build_owner :: allow
		all :: deny Only draft-promoter and build owner can do this via default policy`,
}
