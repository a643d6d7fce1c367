package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// taskRow is a task in a list.
type taskRow struct {
	*api.ListedTask
	Name  string        // what kind it is and what it is about
	Host  string        // "" for none
	Depth int           // in a tree, from 0
	Wait  *api.TaskWait // nil if it does not wait, or nobody knows why
}

// taskList is a list of tasks with its filters.
type taskList struct {
	*listing
	Rows    []taskRow
	States  []choice
	Methods []choice
	Hosts   []choice
	Tree    bool
	Filter  bool // anything is filtered
}

// taskStateFilters are states by the name that the filter has for them.
var taskStateFilters = map[string][]any{
	"active":   {int64(koji.TaskFree), int64(koji.TaskAssigned), int64(koji.TaskOpen)},
	"free":     {int64(koji.TaskFree)},
	"assigned": {int64(koji.TaskAssigned)},
	"open":     {int64(koji.TaskOpen)},
	"closed":   {int64(koji.TaskClosed)},
	"failed":   {int64(koji.TaskFailed)},
	"canceled": {int64(koji.TaskCanceled)},
}

func (s *Site) loadTasks(r *http.Request) (*view, error) {
	l, err := newListing(r, "-id", "state", "method", "owner_name", "arch", "create_time", "start_time", "completion_time")
	if err != nil {
		return nil, err
	}
	list := &taskList{listing: l, Tree: l.Get("view") != "flat"}
	list.States = choices(l.Get("state"), "active", "free", "assigned", "open", "closed", "failed", "canceled")
	var methods []string
	for _, t := range task.All() {
		methods = append(methods, t.Method)
	}
	slices.SortFunc(methods, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	list.Methods = choices(l.Get("method"), methods...)

	hosts, filter, err := s.taskFilter(r, l)
	if err != nil {
		return nil, err
	}
	list.Hosts = choices(l.Get("host"), hosts.sorted()...)
	list.Filter = len(filter) > 0
	if list.Tree {
		filter["parent"] = nil
	}
	found, err := s.listTasks(r, filter, l.options("id"))
	if err != nil {
		return nil, err
	}
	found = cut(l, found)
	if list.Tree {
		list.Rows, err = s.withSubtasks(r, found)
	} else {
		list.Rows = taskRows(found)
	}
	if err == nil {
		err = s.explain(r, list.Rows, hosts)
	}
	return &view{Title: "Tasks", Live: "/events", Body: list}, err
}

// hostNames are names by id.
type hostNames map[int64]string

func (h hostNames) sorted() []string {
	var names []string
	for _, name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func hostNamesOf(list []api.HostStatus) hostNames {
	names := hostNames{}
	for _, h := range list {
		names[h.ID] = h.Name
	}
	return names
}

// taskFilter turns the filters of the page into opts of listTasks.
func (s *Site) taskFilter(r *http.Request, l *listing) (hostNames, map[string]any, error) {
	var b rpc.Batch
	hosts := rpc.Add(&b, api.GetHostStatus, api.NoParams{})
	owner := &rpc.Result[*api.User]{}
	if name := l.Get("owner"); name != "" {
		owner = rpc.Add(&b, api.GetUser, api.GetUserParams{UserInfo: idOrName(name), KrbPrincs: true})
	}
	if err := s.do(r, &b); err != nil {
		return nil, nil, err
	}
	if err := firstError(hosts.Err, owner.Err); err != nil {
		return nil, nil, err
	}
	names, filter := hostNamesOf(hosts.Value), map[string]any{}
	if name := l.Get("state"); name != "" {
		states, ok := taskStateFilters[name]
		if !ok {
			return nil, nil, badRequest("Choose one of the states of the list.", "Tasks have no state %q.", name)
		}
		filter["state"] = states
	}
	if name := l.Get("method"); name != "" {
		filter["method"] = name
	}
	if name := l.Get("owner"); name != "" {
		if owner.Value == nil {
			return nil, nil, notFound("Names of users are written exactly as they log in.", "There is no user %s.", name)
		}
		filter["owner"] = owner.Value.ID
	}
	if name := l.Get("host"); name != "" {
		id, ok := names.id(name)
		if !ok {
			return nil, nil, notFound("The page Hosts lists them all.", "There is no host %s.", name)
		}
		filter["host_id"] = id
	}
	return names, filter, nil
}

func (h hostNames) id(name string) (int64, bool) {
	for id, n := range h {
		if n == name {
			return id, true
		}
	}
	return 0, false
}

func (s *Site) listTasks(r *http.Request, filter, options map[string]any) ([]api.ListedTask, error) {
	filter["decode"] = true
	rows, err := rpc.Invoke(r.Context(), s.opts.Caller, api.ListTasks, api.ListTasksParams{Opts: filter, QueryOpts: options})
	return rows.List, err
}

func taskRows(list []api.ListedTask) []taskRow {
	rows := make([]taskRow, len(list))
	for i := range list {
		rows[i] = taskRow{ListedTask: &list[i], Name: taskName(list[i].Method, list[i].Arch, list[i].Request)}
	}
	return rows
}

// taskName says of what kind a task is and what it is about. The request is as
// decoded.
func taskName(method, arch string, request any) string {
	params, _ := request.([]any)
	return task.Label(method, arch, params)
}

// maxDepth bounds how deep trees of tasks are shown.
const maxDepth = 6

// withSubtasks lists tasks, and below each its subtasks: one call for all tasks
// of a generation.
func (s *Site) withSubtasks(r *http.Request, top []api.ListedTask) ([]taskRow, error) {
	below := map[int64][]taskRow{}
	generation := taskRows(top)
	roots := generation
	for depth := 1; depth < maxDepth && len(generation) > 0; depth++ {
		parents := make([]any, len(generation))
		for i, t := range generation {
			parents[i] = t.ID
		}
		list, err := s.listTasks(r, map[string]any{"parent": parents}, map[string]any{"order": "id"})
		if err != nil {
			return nil, err
		}
		generation = taskRows(list)
		for _, t := range generation {
			t.Depth = depth
			parent := deref(t.Parent)
			below[parent] = append(below[parent], t)
		}
	}
	return flatten(roots, below), nil
}

// flatten puts the rows of a tree into the order in which they are shown.
func flatten(roots []taskRow, below map[int64][]taskRow) (rows []taskRow) {
	for _, t := range roots {
		rows = append(rows, t)
		rows = append(rows, flatten(below[t.ID], below)...)
	}
	return rows
}

// explain adds the names of hosts and why free tasks wait.
func (s *Site) explain(r *http.Request, rows []taskRow, hosts hostNames) error {
	var free []int64
	for i := range rows {
		rows[i].Host = hosts[deref(rows[i].HostID)]
		if koji.TaskState(rows[i].State) == koji.TaskFree {
			free = append(free, rows[i].ID)
		}
	}
	if len(free) == 0 {
		return nil
	}
	waits, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetTaskWaits, api.TaskWaitsParams{TaskIDs: free})
	if err != nil {
		return err
	}
	byID := map[int64]*api.TaskWait{}
	for i := range waits {
		byID[waits[i].TaskID] = &waits[i].TaskWait
	}
	for i := range rows {
		rows[i].Wait = byID[rows[i].ID]
	}
	return nil
}
