package differential

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
)

// pools are the values that parameters of a kind are given: what queries find
// in the database, and literal ones.
type pools map[string][]any

var (
	flags = []any{true, false}
	// absurd are values that some parameter will not like.
	absurd = []any{
		nil, true, int64(-1), int64(999999), int64(1) << 40, 3.5, "", "no such thing", "a'b%_\\", []any{}, []any{int64(1), "a"},
		map[string]any{}, map[string]any{"id": int64(1)}, map[string]any{"name": "x", "odd": nil}, []byte("bytes"),
	}
)

// queries find values by kind: one column of them each. Ids from 500001 are those of
// testdata/world.sql; lower ones are in the big database of the benchmarks alone.
var queries = map[string]string{
	"tag":     `SELECT id FROM tag WHERE id BETWEEN 500001 AND 500015 OR id = 1005`,
	"tagname": `SELECT name FROM tag WHERE id BETWEEN 500001 AND 500015`,
	"build": `SELECT id FROM build WHERE id IN (500001, 500002, 500005, 500010, 500014, 500015, 500034, 500011, 1234, 50000)
		UNION SELECT id FROM build WHERE id > 500150`,
	"nvr":       `SELECT p.name || '-' || version || '-' || release FROM build b JOIN package p ON p.id = pkg_id WHERE b.id IN (500001, 500002, 500010) OR b.id BETWEEN 500201 AND 500400`,
	"package":   `SELECT id FROM package WHERE id IN (1, 777, 500001, 500002, 500003, 500007, 500026, 500050, 500055, 500056)`,
	"pkgname":   `SELECT name FROM package WHERE id IN (500001, 500002, 500003, 500007, 500026, 500050, 500055, 500056)`,
	"user":      `SELECT id FROM users WHERE id IN (1, 2) OR id BETWEEN 500001 AND 500030`,
	"username":  `SELECT name FROM users WHERE id IN (1, 2) OR id BETWEEN 500001 AND 500030`,
	"principal": `SELECT krb_principal FROM user_krb_principals`,
	"perm":      `SELECT name FROM permissions`,
	"permid":    `SELECT id FROM permissions`,
	"host":      `SELECT id FROM host WHERE id BETWEEN 500001 AND 500010`,
	"hostname":  `SELECT name FROM host WHERE id BETWEEN 500001 AND 500010`,
	"channel":   `SELECT id FROM channels`,
	"chname":    `SELECT name FROM channels`,
	"task":      `SELECT id FROM task WHERE id BETWEEN 500001 AND 500040 OR id IN (1, 99999)`,
	"method":    `SELECT DISTINCT method FROM task WHERE id BETWEEN 500001 AND 500040`,
	"rpm":       `SELECT id FROM rpminfo WHERE id IN (1, 123456, 500001, 500002, 500003, 500004, 500008, 500022, 500042) OR id BETWEEN 501001 AND 501020`,
	"nvra":      `SELECT name || '-' || version || '-' || release || '.' || arch FROM rpminfo WHERE id IN (500001, 500002, 500008, 501001, 501003, 501012, 501017)`,
	"archive":   `SELECT id FROM archiveinfo WHERE id BETWEEN 500001 AND 500010`,
	"buildroot": `SELECT id FROM buildroot WHERE id BETWEEN 500001 AND 500010`,
	"repo":      `SELECT id FROM repo WHERE id BETWEEN 500001 AND 500010`,
	"request":   `SELECT id FROM repo_queue WHERE id BETWEEN 500001 AND 500010`,
	"erepo":     `SELECT id FROM external_repo`,
	"ereponame": `SELECT name FROM external_repo`,
	"target":    `SELECT id FROM build_target`,
	"targname":  `SELECT name FROM build_target`,
	"volume":    `SELECT name FROM volume UNION SELECT id::text FROM volume`,
	"cg":        `SELECT id FROM content_generator`,
	"atype":     `SELECT name FROM archivetypes WHERE id < 25`,
	"btype":     `SELECT name FROM btype`,
	"note":      `SELECT id FROM build_notifications`,
	"block":     `SELECT id FROM build_notifications_block`,
	"group":     `SELECT name FROM groups`,
	"session":   `SELECT id FROM sessions WHERE id BETWEEN 500001 AND 500010`,
}

// literals are values by kind that are in no table, or as wrong as this kind gets.
var literals = pools{
	"bool":        flags,
	"event":       {int64(200400), int64(200445), int64(200560), int64(200645), int64(200705), int64(200999), int64(1), int64(0), nil},
	"auto":        {"auto", int64(200400), int64(200445), int64(200705), int64(1), "x", nil},
	"arch":        {"x86_64", "i686", "src", "noarch", []any{"x86_64", "src"}, []any{}, "nope"},
	"arches":      {"x86_64", []any{"x86_64", "i686"}, []any{"src"}, []any{}, "aarch64", "nope"},
	"prefix":      {"w", "w-pkg-0", "W", "", "%", "zz"},
	"pattern":     {"w-*", "w-?uild", "*", "w-b*-s*", "[w]*", "W-*", "w_base", `w\*`, ""},
	"date":        {1737000000.5, int64(1737000000), "2025-01-10", "2025-01-10 10:00:00", "2025-01-10T10:00:00+00:00", "yesterday of never", nil},
	"ts":          {1737000000.5, int64(1737000000), int64(0), 1e11, nil},
	"draft":       {true, false, nil},
	"type":        {"rpm", "maven", "win", "image", "w-type", "nope", nil},
	"state":       {int64(0), int64(1), int64(2), int64(3), int64(4), int64(5), []any{int64(0), int64(1)}, nil},
	"source":      {"git://example.com/w-pkg#1", "git://*", "*", "", "nope"},
	"headers":     {[]any{"name", "version", "size", "requires", "provides", "changelogtext", "buildtime"}, []any{"NAME"}, []any{"nope"}, []any{}, []any{int64(1000)}, []any{"filenames", "filestates"}, nil},
	"depType":     {int64(0), int64(1), int64(2), int64(3), int64(4), int64(5), int64(6), int64(7), int64(8), "requires", nil},
	"filename":    {"x.jar", "a.tar.gz", "b.qcow2", "c.raw.xz", "noext", "a.b.iso.gz", "vmlinuz", ""},
	"member":      {"a/B.class", "META-INF/MANIFEST.MF", "d/file", "nope", "/usr/bin/foo", "/usr/share/foo/foo.txt", ""},
	"file":        {"build.log", "baz-0.9-1.src.rpm", "sub/deep.log", "nope.log", "../x", ""},
	"filepath":    {"baz-0.9-1.src.rpm", "nope.rpm", "build.log", "../x.rpm"},
	"offset":      {int64(0), int64(3), int64(-4), int64(1000)},
	"size":        {int64(-1), int64(0), int64(5), int64(1 << 30)},
	"utype":       {int64(0), int64(1), int64(2), int64(9), []any{int64(0), int64(2)}, nil},
	"terms":       {"w-*", "w-pkg-01*", "foo", "^w-pkg-0[12]", "w?base", "", "*", "bash-5*"},
	"stype":       {"package", "build", "tag", "target", "user", "host", "rpm", "maven", "win", "nope"},
	"matcht":      {"glob", "regexp", "exact", "nope"},
	"merge":       {"koji", "bare", "simple"},
	"url":         {"http://example.com/c/", "http://example.com/b/$arch/", "nope"},
	"sigkey":      {"", "abcd1234", "nope", nil},
	"int":         {int64(0), int64(1), int64(2), int64(10), nil},
	"limit":       {int64(0), int64(1), int64(3), nil},
	"taginfo":     {map[string]any{"name": "w-base"}, map[string]any{"id": int64(500002)}, map[string]any{"id": int64(500002), "name": "w-base"}},
	"bldinfo":     {map[string]any{"name": "w-pkg-01", "version": "1", "release": "1"}, map[string]any{"id": int64(500201)}, map[string]any{"name": "foo"}, "foo-1.0", "w-pkg-01-9-1,draft_500205", "500001"},
	"rpminfo":     {map[string]any{"name": "foo", "version": "1.0", "release": "1", "arch": "x86_64"}, map[string]any{"id": int64(500002)}, "bash-5-1.x86_64@w-erepo", "bash-5-1.x86_64@w-erepo2", "foo-1.0-1.x86_64.rpm", map[string]any{"name": "bash", "version": "5", "release": "1", "arch": "x86_64", "location": "w-erepo"}, "foo"},
	"userinfo":    {map[string]any{"id": int64(500001)}, map[string]any{"name": "bob"}, map[string]any{"krb_principal": "alice@EXAMPLE.COM"}, map[string]any{"krb_principals": "x"}},
	"hostinfo":    {map[string]any{"id": int64(500001)}, map[string]any{"name": "builder2"}, nil},
	"nextrel":     {map[string]any{"name": "w-pkg-01", "version": "1"}, map[string]any{"name": "w-pkg-01", "version": "1", "release": "1"}, map[string]any{"name": "w-pkg-02", "version": "2", "epoch": nil}, map[string]any{"name": "new", "version": "1"}, map[string]any{"name": "foo", "version": "1.0"}, map[string]any{"version": "1"}},
	"typeinfo":    {map[string]any{"group_id": "org.example"}, map[string]any{"artifact_id": "w-maven", "version": "1.0"}, map[string]any{"platform": "w-platform"}, map[string]any{"arch": "x86_64"}, map[string]any{"relpath": "bin", "platforms": "x86"}, map[string]any{"platforms": []any{"x64"}, "flags": []any{"debug"}}, map[string]any{}},
	"qtables":     {[]any{"tag_listing"}, []any{"tag_config", "tag_extra"}, []any{"user_perms"}, []any{"nope"}, []any{}, nil},
	"path":        {"cli-build/x", "tasks/3/500003", "../..", "nope"},
	"verify":      {"md5", "sha256", "adler32", "nope", nil},
	"text":        {"a", "", "é"},
	"taglist":     {[]any{int64(500001)}, []any{int64(500001), int64(500004)}, []any{}, []any{int64(999999)}},
	"tasks":       {[]any{int64(500001), int64(500008)}},
	"policy":      {"build_rpm", "tag", "channel", "volume", "nope", "package_list", "priority", "sidetag"},
	"pdata":       {map[string]any{}, map[string]any{"user_id": int64(500001), "tag": "w-base"}, map[string]any{"method": "build", "req_channel": "w-channel", "build": int64(500001), "user_id": int64(1)}},
	"checksum":    {"0123", nil},
	"archivename": {"w-maven-1.0.jar", "nope"},
	"btypequery":  {map[string]any{"name": "rpm"}, map[string]any{"id": int64(1)}, map[string]any{}, map[string]any{"nope": int64(1)}},
	"queryopts":   {map[string]any{"limit": int64(2)}, map[string]any{"order": "id"}, map[string]any{"order": "-id", "limit": int64(2), "offset": int64(1)}, map[string]any{"countOnly": true}},
	"clauses": {[]any{}, []any{[]any{"id", "=", int64(500001)}}, []any{[]any{"id", "IN", []any{int64(500001), int64(500002)}}}, []any{[]any{"task_id", int64(500008)}}, []any{[]any{"nope", int64(1)}},
		[]any{[]any{"id", ">", int64(500002)}}, []any{[]any{"active", "IS", true}}, []any{[]any{"tag_name", "=", "w-build"}}, []any{[]any{"host_id", "IS", nil}}, []any{[]any{"id", "~", "x"}}, []any{"id"}},
	"fields":   {[]any{"id"}, []any{"id", "task_id"}, "id", []any{}, []any{"nope"}, "*", []any{"host_name"}, []any{"tag_name", "id"}, []any{"msg_ts", "msg"}, []any{"id", "owner_name", "task_state"}},
	"repoopts": {map[string]any{}, map[string]any{"src": true}, map[string]any{"debuginfo": true}, map[string]any{"nope": int64(1)}},
	"taskopts": {
		map[string]any{}, map[string]any{"state": []any{int64(0), int64(1)}}, map[string]any{"method": "build"}, map[string]any{"owner": int64(500001)}, map[string]any{"owner": []any{int64(500001), int64(500002)}, "decode": true},
		map[string]any{"decode": true}, map[string]any{"not_state": []any{int64(2)}}, map[string]any{"not_owner": int64(500001)}, map[string]any{"parent": nil}, map[string]any{"parent": int64(500001)}, map[string]any{"not_parent": int64(500001)},
		map[string]any{"host_id": int64(500001)}, map[string]any{"host_id": nil}, map[string]any{"not_host_id": nil}, map[string]any{"channel_id": []any{int64(1), int64(2)}}, map[string]any{"not_channel_id": int64(1)}, map[string]any{"arch": []any{"noarch"}},
		map[string]any{"not_arch": []any{"noarch"}}, map[string]any{"createdBefore": "2025-02-01 01:00:00"}, map[string]any{"createdAfter": 1738372800.0}, map[string]any{"startedBefore": "2025-02-01 02:00"}, map[string]any{"completeAfter": "2025-02-01 01:00:00"},
		map[string]any{"completeBefore": int64(1738375000)}, map[string]any{"startedAfter": "nonsense"}, map[string]any{"nope": int64(1)}, map[string]any{"state": int64(1)}, map[string]any{"arch": "noarch"}, map[string]any{"method": "nope"}, map[string]any{"owner": "alice"},
	},
	"imethod": {"getTag", "listTags", "getBuild", "nope", "host.getID"},
}

// fill reads the values of all kinds.
func fill(t *testing.T, db *sql.DB) pools {
	t.Helper()
	p := pools{}
	for kind, values := range literals {
		p[kind] = values
	}
	for kind, query := range queries {
		p[kind] = column(t, db, query+" ORDER BY 1")
		require.NotEmpty(t, p[kind], query)
	}
	for kind, parts := range map[string][]string{
		"tags": {"tag", "tagname", "taginfo"}, "builds": {"build", "nvr", "bldinfo"}, "packages": {"package", "pkgname"}, "users": {"user", "username", "userinfo", "principal"},
		"hosts": {"host", "hostname", "hostinfo"}, "channels": {"channel", "chname"}, "rpms": {"rpm", "nvra", "rpminfo"}, "erepos": {"erepo", "ereponame"}, "targets": {"target", "targname"},
		"tagids": {"tag", "tagname"}, "buildids": {"build", "nvr"}, "perms": {"perm", "permid"},
	} {
		for _, part := range parts {
			p[kind] = append(p[kind], p[part]...)
		}
	}
	return p
}

func column(t *testing.T, db *sql.DB, query string) []any {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err, query)
	defer rows.Close()
	var values []any
	for rows.Next() {
		var v any
		require.NoError(t, rows.Scan(&v))
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		values = append(values, v)
	}
	require.NoError(t, rows.Err())
	return values
}
