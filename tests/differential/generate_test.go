package differential

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	_ "github.com/toji-build/toji/koji/api" // declares the methods
	"github.com/toji-build/toji/koji/xmlrpc"
)

// call is one question.
type call struct {
	Method string
	Args   []any
	User   string // who asks; nobody if empty
}

// String returns the call as Python would write it.
func (c call) String() string {
	args, kw := xmlrpc.SplitKeywords(c.Args)
	var parts []string
	for _, a := range args {
		parts = append(parts, xmlrpc.Repr(a))
	}
	for _, name := range slices.Sorted(keys(kw)) {
		parts = append(parts, name+"="+xmlrpc.Repr(kw[name]))
	}
	s := c.Method + "(" + strings.Join(parts, ", ") + ")"
	if c.User != "" {
		s += " as " + c.User
	}
	return s
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// kinds tells the kind of a parameter by "method.parameter", or by its name.
var kinds = map[string]string{
	"strict": "bool", "blocked": "bool", "reverse": "bool", "perms": "bool", "details": "bool", "multi": "bool", "rpmsigs": "bool", "inherit": "bool", "latest": "int", "extra": "bool",
	"request": "bool", "krb_princs": "bool", "groups": "bool", "inherited": "bool", "with_dups": "bool", "with_owners": "bool", "with_blocked": "bool", "incl_pkgs": "bool",
	"incl_reqs": "bool", "incl_blocked": "bool", "with_groups": "bool", "ts": "bool", "stat": "bool", "all_volumes": "bool", "as_string": "bool", "lazy": "bool", "raise_fault": "bool",
	"ready": "bool", "enabled": "bool", "inherited_perm": "bool", "dist": "bool",
	"tag": "tags", "tagInfo": "tags", "tag_info": "tags", "tagID": "tags", "listPackages.tagID": "tagids", "listBuildroots.tagID": "tag", "getTagID.info": "tags", "buildTagID": "tagids", "destTagID": "tagids",
	"build": "builds", "buildInfo": "builds", "buildID": "build", "build_info": "nextrel", "listBuildRPMs.build": "builds", "findBuildID.X": "builds", "buildReferences.build": "buildids",
	"package": "pkgname", "packageID": "packages", "pkg": "packages", "pkgID": "packages", "getPackage.info": "packages", "getPackageID.name": "pkgname", "listTags.package": "packages",
	"untaggedBuilds.name": "pkgname", "userID": "users", "userInfo": "users", "user": "users", "user_id": "users", "owner": "users", "promoter": "users", "getGroupMembers.group": "users",
	"getUserPermsInheritance.userID": "users", "perm": "perm", "listUsers.perm": "perms", "userType": "utype", "hostID": "host", "hostInfo": "hosts", "channelInfo": "channels",
	"channelID": "channels", "taskID": "task", "task_id": "task", "taskId": "task", "rpmID": "rpm", "rpm_id": "rpms", "rpminfo": "rpms", "archive_id": "archive", "archiveID": "archive",
	"imageID": "archive", "buildrootID": "buildroot", "componentBuildrootID": "buildroot", "getBuildrootListing.id": "buildroot", "repoID": "repo", "repo_id": "repo", "repo_info": "erepos",
	"info": "targets", "getExternalRepo.info": "erepos", "listExternalRepos.info": "erepos", "erepo": "erepos", "req_id": "request", "getVolume.volume": "volume", "volume": "volume", "volumeID": "int",
	"cgID": "cg", "getArchiveType.filename": "filename", "type_name": "atype", "type_id": "int", "listBTypes.query": "btypequery", "getBuildNotification.id": "note",
	"getBuildNotificationBlock.id": "block", "getEvent.id": "event", "event": "event", "getTag.event": "auto", "min_event": "event", "at_event": "event", "after": "event", "tagFirstChangeEvent.after": "event",
	"tagLastChangeEvent.before": "event", "getLastEvent.before": "ts", "getChangelogEntries.before": "date", "getChangelogEntries.after": "date", "createdBefore": "date", "createdAfter": "date",
	"completeBefore": "date", "completeAfter": "date", "promotedBefore": "date", "promotedAfter": "date", "arch": "arch", "arches": "arches", "prefix": "prefix", "pattern": "pattern",
	"draft": "draft", "type": "type", "state": "state", "getRepo.state": "state", "listBuildroots.state": "state", "source": "source", "headers": "headers", "depType": "depType", "filename": "filename",
	"getArchiveFile.filename": "member", "getRPMFile.filename": "member", "fileName": "file", "filepath": "filepath", "offset": "offset", "size": "size", "listArchives.filename": "archivename", "listArchives.size": "int",
	"listArchives.type": "type", "checksum": "checksum", "checksum_type": "int", "typeInfo": "typeinfo", "terms": "terms", "search.type": "stype", "matchType": "matcht", "url": "url", "sigkey": "sigkey",
	"age": "int", "limit": "limit", "incr": "int", "author": "text", "tables": "qtables", "path": "path", "name": "text", "verify": "verify", "tail": "int", "taglist": "taglist",
	"task_ids": "tasks", "listTasks.opts": "taskopts", "queryOpts": "queryopts", "clauses": "clauses", "fields": "fields", "opts": "queryopts", "repo.get.opts": "repoopts", "evalPolicy.name": "policy", "data": "pdata",
	"tagChangedSinceEvent.event": "event", "checkTagAccess.tag_id": "tags", "system.methodHelp.method": "imethod", "system.methodSignature.method": "imethod",
	"listTagged.owner": "username", "listTaggedRPMS.owner": "username", "getTaskChildren.task_id": "task", "listExternalRepos.url": "url", "getUserPerms.userID": "users", "listPackages.userID": "users",
	"getSessionInfo.user_id": "users", "create": "never",
}

func kindOf(method, param string) string {
	if k, ok := kinds[method+"."+param]; ok {
		return k
	}
	return kinds[param]
}

// skipped are the reading methods that are not asked, and why.
var skipped = map[string]string{
	"_listapi":             "descriptions are ours; the contract test compares the signatures",
	"system.methodHelp":    "descriptions are ours",
	"showOpts":             "tells the configuration of the installation",
	"system.listMethods":   "Toji has methods of its own",
	"error":                "its fault is a traceback",
	"getKojiVersion":       "the version differs",
	"getLoggedInUser":      "about the session, of which each hub has another",
	"getSessionInfo":       "about the session, of which each hub has another",
	"showSession":          "about the session, of which each hub has another",
	"chainMaven":           "makes tasks",
	"mavenBuild":           "makes tasks",
	"winBuild":             "makes tasks",
	"wrapperRPM":           "makes tasks",
	"uploadFile":           "writes files",
	"host.tagNotification": "makes tasks",
}

// wrappers take another method's name and arguments.
var wrappers = []string{"count", "filterResults", "countAndFilterResults"}

// generator makes calls.
type generator struct {
	pools pools
	rand  *rand.Rand
}

// method makes the calls of one method: its required parameters with each value
// of their kind, each optional one with each of its values, and combinations.
func (g *generator) method(d rpc.Declaration, combinations int) []call {
	var calls []call
	var named []rpc.Param
	for _, p := range d.Params {
		if p.Rest == rpc.RestNone && kindOf(d.Name, p.Name) != "never" {
			named = append(named, p)
		}
	}
	add := func(kw map[string]any) {
		calls = append(calls, call{Method: d.Name, Args: arguments(named, kw)})
	}
	add(g.required(d.Name, named))
	for _, p := range named {
		for _, v := range g.values(d.Name, p.Name) {
			kw := g.required(d.Name, named)
			kw[p.Name] = v
			add(kw)
		}
	}
	for range combinations {
		kw := g.required(d.Name, named)
		for _, p := range named {
			if values := g.values(d.Name, p.Name); p.Optional && len(values) > 0 && g.rand.IntN(3) == 0 {
				kw[p.Name] = g.pick(values)
			}
		}
		add(kw)
	}
	return calls
}

// travels makes calls at each event of each parameter that takes one, for each
// value of the first required parameter.
func (g *generator) travels(d rpc.Declaration) []call {
	var calls []call
	for _, p := range d.Params {
		kind := kindOf(d.Name, p.Name)
		if kind != "event" && kind != "auto" && kind != "ts" {
			continue
		}
		for _, first := range g.firsts(d, p.Name) {
			for _, event := range g.values(d.Name, p.Name) {
				kw := g.required(d.Name, d.Params)
				maps.Copy(kw, first)
				kw[p.Name] = event
				calls = append(calls, call{Method: d.Name, Args: arguments(d.Params, kw)})
			}
		}
	}
	return calls
}

// firsts returns each value of the first required parameter, but for one.
func (g *generator) firsts(d rpc.Declaration, but string) []map[string]any {
	list := []map[string]any{}
	for _, p := range d.Params {
		if !p.Optional && p.Rest == rpc.RestNone && p.Name != but {
			for _, v := range g.values(d.Name, p.Name) {
				list = append(list, map[string]any{p.Name: v})
			}
			return list
		}
	}
	return []map[string]any{{}}
}

// wrong makes calls with values that a parameter cannot have.
func (g *generator) wrong(d rpc.Declaration) []call {
	var calls []call
	for _, p := range d.Params {
		if p.Rest != rpc.RestNone || kindOf(d.Name, p.Name) == "never" {
			continue
		}
		for _, v := range absurd {
			kw := g.required(d.Name, d.Params)
			kw[p.Name] = v
			calls = append(calls, call{Method: d.Name, Args: arguments(d.Params, kw)})
		}
	}
	return append(calls,
		call{Method: d.Name, Args: []any{xmlrpc.Keywords(map[string]any{"nonsense": int64(1)})}},
		call{Method: d.Name, Args: slices.Repeat([]any{int64(1)}, len(d.Params)+1)})
}

// arguments orders required arguments as positional ones and the rest as keywords.
func arguments(params []rpc.Param, kw map[string]any) []any {
	var args []any
	rest := map[string]any{}
	for _, p := range params {
		v, ok := kw[p.Name]
		switch {
		case !ok:
		case !p.Optional && len(rest) == 0:
			args = append(args, v)
		default:
			rest[p.Name] = v
		}
	}
	if len(rest) > 0 {
		args = append(args, xmlrpc.Keywords(rest))
	}
	return args
}

func (g *generator) required(method string, params []rpc.Param) map[string]any {
	kw := map[string]any{}
	for _, p := range params {
		if !p.Optional && p.Rest == rpc.RestNone {
			kw[p.Name] = g.pick(g.values(method, p.Name))
		}
	}
	return kw
}

func (g *generator) values(method, param string) []any { return g.pools[kindOf(method, param)] }

func (g *generator) pick(values []any) any {
	if len(values) == 0 {
		return nil
	}
	return values[g.rand.IntN(len(values))]
}

// ordered makes calls with queryOpts for a list of which one row is known.
func (g *generator) ordered(c call, row map[string]any) []call {
	var calls []call
	with := func(opts map[string]any) {
		args, kw := xmlrpc.SplitKeywords(c.Args)
		all := map[string]any{"queryOpts": opts}
		for k, v := range kw {
			all[k] = v
		}
		calls = append(calls, call{Method: c.Method, Args: append(slices.Clone(args), xmlrpc.Keywords(all)), User: c.User})
	}
	tie := tieBreaker(row)
	if tie != "" {
		tie = "," + tie
	}
	for _, column := range slices.Sorted(keys(row)) {
		with(map[string]any{"order": column + tie})
		with(map[string]any{"order": "-" + column + tie, "limit": int64(3), "offset": int64(1)})
	}
	with(map[string]any{"countOnly": true})
	with(map[string]any{"countOnly": true, "limit": int64(2)})
	with(map[string]any{"countOnly": true, "offset": int64(1)})
	with(map[string]any{"asList": true})
	with(map[string]any{"asList": true, "order": strings.TrimPrefix(tie, ","), "limit": int64(2)})
	with(map[string]any{"order": "no_such_column"})
	with(map[string]any{"limit": int64(0)})
	with(map[string]any{"limit": int64(-1)})
	with(map[string]any{"offset": int64(100000)})
	with(map[string]any{"nonsense": true})
	columns := slices.Sorted(keys(row))
	first, last := columns[0], columns[len(columns)-1]
	with(map[string]any{"order": first + ",-" + last + tie})
	with(map[string]any{"order": "-" + last + "," + first + tie, "limit": int64(5), "asList": true})
	for _, count := range []any{true, false, int64(1), nil} {
		with(map[string]any{"countOnly": count, "limit": int64(3), "offset": int64(1), "order": first + tie})
	}
	for _, odd := range []map[string]any{
		{"group": first}, {"group": first, "countOnly": true}, {"group": strings.Join(columns, ","), "countOnly": true}, {"group": "no_such_column"}, {"group": ""},
		{"rowlock": true}, {"rowlock": true, "limit": int64(1), "order": strings.TrimPrefix(tie, ",")}, {"rowlock": true, "countOnly": true}, {"rowlock": false},
		{"limit": nil, "offset": nil, "order": nil}, {"order": ""}, {"order": ","}, {"order": "-"}, {"order": first + ", " + last}, {"order": "--" + first},
		{"limit": "2", "order": strings.TrimPrefix(tie, ",")}, {"offset": int64(-1)}, {"limit": 1.5}, {"limit": true}, {"asList": nil}, {"asList": "x", "limit": int64(1)}, {"countOnly": true, "asList": true},
	} {
		with(odd)
	}
	return calls
}

// tieBreaker returns the column by which rows like this have one order.
func tieBreaker(row map[string]any) string {
	for _, id := range []string{"id", "build_id", "rpm_id", "name"} {
		if _, ok := row[id]; ok {
			return id
		}
	}
	return ""
}
