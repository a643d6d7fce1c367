package hub

import (
	"testing"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Clients match on the codes and texts of faults.
func TestFaultTexts(t *testing.T) {
	h := newTestHub(t)
	server := newTestServer(t, h)
	admin := newCaller(t, server)
	admin.login("kojiadmin", "labadmin")
	admin.must("createTag", "f40")
	admin.must("createUser", "other", 0, "taken@A.ORG")
	admin.must("addHost", "h1", []any{"x86_64"})
	user, nobody := newCaller(t, server), newCaller(t, server)
	user.login("labuser", "labuser")
	kw := func(name string, v any) map[string]any { return xmlrpc.Keywords(map[string]any{name: v}) }
	for _, c := range []struct {
		by     *caller
		method string
		params []any
		code   int
		text   string
	}{
		{nobody, "nosuch", nil, koji.FaultGeneric, "Invalid method: nosuch"},
		{nobody, "getTag", nil, koji.FaultParameter, "get_tag() missing 1 required positional argument: 'tagInfo'"},
		{nobody, "getTag", []any{1, 2, 3, 4, 5}, koji.FaultParameter, "get_tag() takes from 1 to 4 positional arguments but 5 were given"},
		{nobody, "logout", []any{1, 2}, koji.FaultParameter, "logout() takes from 0 to 1 positional arguments but 2 were given"},
		{nobody, "logoutChild", nil, koji.FaultParameter, "logoutChild() missing 1 required positional argument: 'session_id'"},
		{nobody, "subsession", []any{1}, koji.FaultParameter, "subsession() takes 0 positional arguments but 1 was given"},
		{nobody, "sharedSession", []any{1}, koji.FaultParameter, "sharedSession() takes 0 positional arguments but 1 was given"},
		{nobody, "getTag", []any{"f40", kw("x", 1)}, koji.FaultParameter, "get_tag() got an unexpected keyword argument 'x'"},
		{nobody, "getTag", []any{"f40", kw("tagInfo", 1)}, koji.FaultParameter, "get_tag() got multiple values for argument 'tagInfo'"},
		{nobody, "editTag", []any{"f40"}, koji.FaultActionNotAllowed, "tag permission required (user not logged in)"},
		{admin, "chainBuild", []any{nil, "f40"}, koji.FaultParameter, "Invalid type, expected type <class 'list'>"},
		{admin, "chainBuild", []any{"x", "f40"}, koji.FaultParameter, "Invalid type for value 'x': <class 'str'>, expected type <class 'list'>"},
		{admin, "editTag", []any{"f40"}, koji.FaultParameter, "old_edit_tag() missing 4 required positional arguments: 'name', 'arches', 'locked', and 'permissionID'"},
		{nobody, "getTag", []any{[]any{}}, koji.FaultParameter, "Invalid name or id value: []"},
		{nobody, "getTag", []any{"nosuch", kw("strict", true)}, koji.FaultGeneric, "No such tagInfo: 'nosuch'"},
		{nobody, "listTags", []any{kw("queryOpts", map[string]any{"order": "nosuch"})}, koji.FaultParameter, "Invalid order: nosuch"},
		{nobody, "getTag", []any{"f40", "maybe"}, koji.FaultParameter, "Invalid type for value 'maybe': <class 'str'>, expected type <class 'bool'>"},
		{nobody, "repoInfo", []any{9, true}, koji.FaultGeneric, "query returned no rows"},
		{admin, "addExternalRepoToTag", []any{"f40", "nosuch", 1}, koji.FaultGeneric, "No such repo: nosuch"},
		{admin, "editUser", []any{"labuser", nil, []any{map[string]any{"new": "taken@A.ORG"}}}, koji.FaultGeneric, "Key (krb_principal)=(taken@A.ORG) already exists."},
		{admin, "editHost", []any{"h1", kw("capacity", -1)}, koji.FaultGeneric, `new row for relation "host_config" violates check constraint "host_config_capacity_check"`},
		{admin, "createTag", []any{"f40"}, koji.FaultGeneric, "A tag with the name 'f40' already exists"},
		{admin, "createTag", []any{"a b"}, koji.FaultGeneric, "Name a b does not match RegexNameInternal value"},
		{user, "createTag", []any{"f41"}, koji.FaultActionNotAllowed, "tag permission required (logged in as labuser)"},
		{user, "host.getID", nil, koji.FaultAuth, "User 2 is not a host"},
		{nobody, "host.getID", nil, koji.FaultAuth, "Not logged-in"},
		{nobody, "makeTask", nil, koji.FaultActionNotAllowed, "admin permission required (user not logged in)"},
		{nobody, "login", []any{"labuser", "x"}, koji.FaultAuth, "invalid username or password"},
		{nobody, "error", nil, koji.FaultGeneric, "test error"},
		{nobody, "fault", nil, 1, "<class 'Exception'>: test exception"},
	} {
		t.Run(c.method, func(t *testing.T) {
			_, err := c.by.call(c.method, c.params...)
			requireFault(t, err, c.code, c.text)
		})
	}
}
