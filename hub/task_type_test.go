package hub

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

type countParams struct {
	Path string `rpc:"path" doc:"below work/"`
	Max  int64  `rpc:"max,optional=100"`
}

type countResult struct {
	Lines int64 `rpc:"lines"`
}

func countLines(version int64) task.Spec {
	s := task.SpecOf[countParams, countResult]("countLines")
	s.Version, s.Title, s.Weight, s.Channel, s.Permission, s.Label = version, "Count the lines of a file", 0.5, "site", task.AnyUser, []string{"path"}
	return s
}

// asSite is asHost for a host that may register task types.
func asSite(t *testing.T, id int64) context.Context {
	s := *session.From(asHost(t, id))
	s.Perms = []string{permTaskType}
	return session.With(t.Context(), &s)
}

func register(specs ...task.Spec) api.RegisterTaskTypesParams {
	return api.RegisterTaskTypesParams{Types: specs}
}

// newSite adds hosts and a channel for a site's own tasks.
func newSite(t *testing.T) *Hub {
	h := newTestHub(t)
	newHosts(t, h)
	must(t, asAdmin(t), h, api.AddChannel, api.AddChannelParams{ChannelName: "site"})
	return h
}

// siteTypes lists the types of sites with the hosts that serve them.
func siteTypes(t *testing.T, h *Hub) map[string][]string {
	types := map[string][]string{}
	for _, tt := range must(t, t.Context(), h, api.ListTaskTypes, api.NoParams{}) {
		if tt.Site {
			types[tt.Name] = tt.Hosts
		}
	}
	return types
}

func TestRegisterTaskTypes(t *testing.T) {
	h := newSite(t)
	h1, h2 := asSite(t, 1), asSite(t, 2)
	for range 2 { // a worker registers at each start
		must(t, h1, h, api.RegisterTaskTypes, register(countLines(1)))
	}
	must(t, h2, h, api.RegisterTaskTypes, register(countLines(1)))
	require.Equal(t, map[string][]string{"countLines": {"h1", "h2"}}, siteTypes(t, h))

	must(t, h2, h, api.RegisterTaskTypes, register(countLines(2)))
	require.Equal(t, map[string][]string{"countLines": {"h2"}}, siteTypes(t, h), "the old version is not served any more")
	refused(t, h1, h, api.RegisterTaskTypes, register(countLines(1)), koji.FaultGeneric, "task type countLines is registered in version 2, which is newer than 1")
	changed := countLines(2)
	changed.Weight = 3
	refused(t, h1, h, api.RegisterTaskTypes, register(changed), koji.FaultGeneric,
		"task type countLines is registered in version 2 with another declaration: raise the version")
	must(t, h2, h, api.RegisterTaskTypes, register())
	require.Equal(t, map[string][]string{"countLines": {}}, siteTypes(t, h))

	refused(t, asLabuser(t), h, api.RemoveTaskType, api.TaskTypeParams{Name: "countLines"}, koji.FaultActionNotAllowed, "admin permission required (logged in as labuser)")
	require.True(t, must(t, asAdmin(t), h, api.RemoveTaskType, api.TaskTypeParams{Name: "countLines"}))
	require.False(t, must(t, asAdmin(t), h, api.RemoveTaskType, api.TaskTypeParams{Name: "countLines"}))
	require.Empty(t, siteTypes(t, h))
}

func TestTaskTypesThatAreRefused(t *testing.T) {
	h := newSite(t)
	refused(t, asHost(t, 1), h, api.RegisterTaskTypes, register(countLines(1)), koji.FaultActionNotAllowed, "task-type permission required (logged in as h1)")
	refused(t, asAdmin(t), h, api.RegisterTaskTypes, register(countLines(1)), koji.FaultAuth, "User 1 is not a host")
	refused(t, asSite(t, 1), h, api.RegisterTaskTypes, register(countLines(1), countLines(1)), koji.FaultParameter, "task type countLines is there twice")
	for text, change := range map[string]func(*task.Spec){
		"task type build is not a site's to declare":                              func(s *task.Spec) { s.Name = "build" },
		"task type kiwiBuild is not a site's to declare":                          func(s *task.Spec) { s.Name = "kiwiBuild" },
		`bad name of a task type: "count lines"`:                                  func(s *task.Spec) { s.Name = "count lines" },
		"task type countLines: its version is 0, the first one is 1":              func(s *task.Spec) { s.Version = 0 },
		"task type countLines: it has no title":                                   func(s *task.Spec) { s.Title = "" },
		"task type countLines: a task cannot weigh -1":                            func(s *task.Spec) { s.Weight = -1 },
		"task type countLines: there is no permission nosuch":                     func(s *task.Spec) { s.Permission = "nosuch" },
		"No such channel: nosuch":                                                 func(s *task.Spec) { s.Channel = "nosuch" },
		"task type countLines: its label is made of a parameter nosuch":           func(s *task.Spec) { s.Label = []string{"nosuch"} },
		`task type countLines: parameter path: no kind "colour"`:                  func(s *task.Spec) { s.Params[0].Kind = "colour" },
		`task type countLines: P1: bad default "os.exit()"`:                       func(s *task.Spec) { s.Params[1].Default = "os.exit()" },
		"task type countLines: more than 64 parameters, or members of the result": func(s *task.Spec) { s.Result = make([]task.Member, 65) },
	} {
		spec := countLines(1)
		change(&spec)
		_, err := rpc.Invoke(asSite(t, 1), h.Caller(), api.RegisterTaskTypes, register(spec))
		require.ErrorContains(t, err, text)
	}
	require.Empty(t, siteTypes(t, h))
}

// makeTask follows the declaration of the type: who may, with what, and where.
func TestMakeTaskOfSite(t *testing.T) {
	h := newSite(t)
	must(t, asSite(t, 1), h, api.RegisterTaskTypes, register(countLines(1)))
	ask := func(method string, opts map[string]any, args ...any) api.ArgsParams {
		return api.ArgsParams{Args: []any{method, args}, Opts: opts}
	}
	user := asLabuser(t)
	id := must(t, user, h, api.MakeTask, ask("countLines", nil, "a.txt", int64(5)))
	row, err := h.Store.Task(t.Context(), id)
	require.NoError(t, err)
	site, err := h.Channel(t.Context(), "site")
	require.NoError(t, err)
	require.Equal(t, site.ID, row.ChannelID, "the channel of the declaration")
	require.EqualValues(t, PriorityDefault, *row.Priority)
	kw := xmlrpc.Keywords(map[string]any{"path": "a.txt"})
	must(t, user, h, api.MakeTask, ask("countLines", map[string]any{"channel": "default", "arch": "x86_64", "priority": int64(25)}, kw))

	for text, p := range map[string]api.ArgsParams{
		"handler() missing 1 required positional argument: 'path'": ask("countLines", nil),
		"Invalid type for value 'many': <class 'str'>":             ask("countLines", nil, "a.txt", "many"),
		"handler() got an unexpected keyword argument":             ask("countLines", nil, xmlrpc.Keywords(map[string]any{"path": "a", "nosuch": int64(1)})),
		"only admins may create high-priority tasks":               ask("countLines", map[string]any{"priority": int64(19)}, "a.txt"),
		"only admins may choose a task's assign":                   ask("countLines", map[string]any{"assign": "h1"}, "a.txt"),
		"only admins may choose a task's owner":                    ask("countLines", map[string]any{"owner": int64(1)}, "a.txt"),
		"admin permission required (logged in as labuser)":         ask("sleep", nil, int64(5)),
	} {
		_, err := rpc.Invoke(user, h.Caller(), api.MakeTask, p)
		require.ErrorContains(t, err, text)
	}
	refused(t, t.Context(), h, api.MakeTask, ask("countLines", nil, "a.txt"), koji.FaultActionNotAllowed, "you must be logged in for this operation")
	must(t, asAdmin(t), h, api.MakeTask, ask("countLines", map[string]any{"priority": int64(1)}, "a.txt"))

	guarded := countLines(2)
	guarded.Permission = "image"
	must(t, asSite(t, 1), h, api.RegisterTaskTypes, register(guarded))
	refused(t, user, h, api.MakeTask, ask("countLines", nil, "a.txt"), koji.FaultActionNotAllowed, "image permission required (logged in as labuser)")
	must(t, asLabuser(t, "image"), h, api.MakeTask, ask("countLines", nil, "a.txt"))
}
