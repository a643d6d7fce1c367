package differential

import (
	"regexp"
	"slices"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// unordered are the methods of which Koji leaves the order of rows to the
// database's planner, or to a Python set.
var unordered = map[string]bool{
	"buildReferences": true, "getActiveRepos": true, "getLatestMavenArchives": true, "getBuildrootListing": true, "getBuildTargets": true, "getLatestRPMS": true, "getPerms": true, "getTaskChildren": true, "host.getHostTasks": true, "getUserPerms": true, "listArchives": true, "listBuildroots": true, "listBuilds": true,
	"listExternalRepos": true, "listPackages": true, "listTaggedArchives": true, "listTaggedRPMS": true, "listTags": true, "listTaskOutput": true, "listUsers": true,
	"listTasks": true, "queryHistory": true, "queryRPMSigs": true, "repo.queryQueue": true, "untaggedBuilds": true, "listSideTags": true, "listRPMs": true, "search": true,
}

// anyOf tells that a call asks for some of the rows of an unordered list, and
// that both hubs gave as many.
func anyOf(c call, koji, toji answer) bool {
	if !unordered[c.Method] {
		return false
	}
	args, kw := xmlrpc.SplitKeywords(c.Args)
	opts, _ := kw["queryOpts"].(map[string]any)
	// Koji: of a package in several tags it tells the one that comes last.
	some := opts["limit"] != nil || c.Method == "listPackages" && len(args) == 0 && (kw["pkgID"] != nil || kw["userID"] != nil)
	k, kList := koji.value.([]any)
	j, jList := toji.value.([]any)
	return some && kList && jList && len(k) == len(j) && slices.IndexFunc(k, isMap) == slices.IndexFunc(j, isMap)
}

func isMap(v any) bool { _, ok := v.(map[string]any); return ok }

// exception is a difference that stays, and why; docs/compatibility.md has a word on each.
type exception struct {
	call   *regexp.Regexp // matches the call
	reason string
}

var known = []exception{
	{regexp.MustCompile(`'krb_principals': 'x'`), "Koji takes a map that names no user for the first user that there is"},
	{regexp.MustCompile(`^checkUpload\('[^']*', ''`), "Koji looks for a file without a name; Toji refuses it"},
	{regexp.MustCompile(`'limit': -1`), "Koji cuts lists that it made itself at -1, as Python does; Toji refuses it everywhere"},
	{regexp.MustCompile(`(clauses=|repo.query\()\['id'\]`), "Koji takes the letters of a string for the parts of a clause; Toji refuses it"},
	{regexp.MustCompile(`fields=\['(id', 'owner_name', 'task_state|msg_ts', 'msg|tag_name', 'id)'\]`), "of two unknown fields another is told"},
	{regexp.MustCompile(`^getNextRelease\(\{'version': '1'\}`), "Koji needs a name; Toji finds no build"},
	{regexp.MustCompile(`'rowlock': True`), "Koji's database cannot lock rows of groups, counts and outer joins; Toji counts, or locks the rows of the main table"},
	{regexp.MustCompile(`'asList': True`), "Koji cannot order lists that it made itself and shows as lists"},
	{regexp.MustCompile(`^listArchives\(`), "Koji's query is ambiguous with both hosts and buildroots"},
	{regexp.MustCompile(`^(listRPMs\(arches=\[\]|tagChangedSinceEvent\(.*\[\])`), "Koji sends its database an empty list"},
	{regexp.MustCompile(`^listTasks\(opts=\{'(arch|state)'`), "Koji's query takes a list alone; Toji takes one value, too"},
	{regexp.MustCompile(`^(getEvent|getLastEvent|getRepo|getAverageBuildDuration)\(.*None`), "Koji has no default for None here, and Toji has"},
	{regexp.MustCompile(`(package|cgID|arches)=''`), "Koji takes an empty name for a name, or for none; Toji does the other thing"},
	{regexp.MustCompile(`latest=-1`), "Koji cuts the list at -1, as Python does"},
	{regexp.MustCompile(`^buildReferences\(.*limit=`), "Koji limits what it finds for each RPM of the build; Toji limits the whole"},
	{regexp.MustCompile(`^(filterResults|countAndFilterResults)\('(echo|getTaskRequest|checkTagAccess)'`), "Koji does not filter tuples, and Toji has none"},
	{regexp.MustCompile(`^tagChangedSinceEvent\(None`), "Koji compares with NULL"},
}

// typed matches the faults of Toji's about the type or range of an argument,
// which it looks at before anything else. Koji, being Python, goes on with what it
// got for as long as it can.
var typed = regexp.MustCompile(`Invalid type|out of range|Invalid (name or id )?value`)

// allowed tells why a difference is one that stays; "" if it is not.
func allowed(c call, toji answer) string {
	if toji.fault != nil && toji.fault.Code == 1019 && typed.MatchString(toji.fault.String) {
		return "Toji checks the types of arguments first"
	}
	text := c.String()
	for _, d := range known {
		if d.call.MatchString(text) {
			return d.reason
		}
	}
	return ""
}
