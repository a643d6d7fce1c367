package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// taskPage is all about one task.
type taskPage struct {
	Task    *api.TaskInfo
	Name    string
	Title   string // what a task of this type does
	Owner   *api.User
	Channel *api.Channel
	Host    string
	Tree    []treeRow
	Builds  []api.ListedBuild // that the task, or the one at the top, made
	Params  []member

	Status   *api.TaskStatus
	Hosts    []api.HostVerdict // what keeps a free task from each host
	Result   *node             // of a closed task
	returned any               // the same, as decoded
	Fault    *api.TaskFault    // of a failed one
	Class    koji.Kind         // of the failure
	History  string            // URL of the workflow in Temporal's pages

	Logs  []outputFile
	Files []outputFile
	Log   *logTail // the log that is shown; nil for none
}

// treeRow is a task in the tree around a task.
type treeRow struct {
	*api.TaskInfo
	Name    string
	Host    string
	Depth   int
	Current bool // the page is about it
}

// outputFile is a file that a task left.
type outputFile struct {
	Name    string
	Size    int64
	URL     string
	Current bool // it is the log that is shown
	Show    string
}

// FaultName is the name of the fault's class.
func (p *taskPage) FaultName() string { return koji.FaultName(p.Fault.Code) }

// Takes is how long the task takes by experience; "" if nobody knows, or it does
// not matter any more.
func (p *taskPage) Takes() string {
	if p.Status.Takes == nil || p.Finished() {
		return ""
	}
	return duration(time.Duration(*p.Status.Takes * float64(time.Second)))
}

// Finished tells whether the task has ended.
func (p *taskPage) Finished() bool { return koji.TaskState(p.Task.State).Finished() }

func (s *Site) loadTask(r *http.Request) (*view, error) {
	id, err := idOf(r.PathValue("id"), "task")
	if err != nil {
		return nil, err
	}
	p, err := s.taskWithResult(r, id)
	if err != nil {
		return nil, err
	}
	if err := s.taskSurroundings(r, p); err != nil {
		return nil, err
	}
	if koji.TaskState(p.Task.State) == koji.TaskFree {
		why, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetWhy, api.TaskIDParams{TaskID: id})
		if err != nil {
			return nil, err
		}
		if why != nil {
			p.Hosts = why.Hosts
		}
	}
	p.Name = taskName(p.Task.Method, p.Task.Arch, p.Task.Request)
	if err := s.explainType(r, p); err != nil {
		return nil, err
	}
	if s.opts.TemporalUI != "" && p.Status.WorkflowID != "" {
		p.History = s.opts.TemporalUI + "/namespaces/" + url.PathEscape(s.opts.TemporalNamespace) + "/workflows/" + url.PathEscape(p.Status.WorkflowID)
	}
	v := &view{Title: "Task " + strconv.FormatInt(id, 10) + ": " + p.Name, Body: p}
	if err := s.chooseLog(p, r.URL.Query().Get("log")); err != nil {
		return nil, err
	}
	if !p.Finished() {
		v.Live = s.eventsURL(p)
	}
	return v, nil
}

// explainType says of the task what the declaration of its type does.
func (s *Site) explainType(r *http.Request, p *taskPage) error {
	entry, err := s.taskType(r, p.Task.Method)
	if err != nil {
		return err
	}
	if entry != nil {
		p.Title = entry.Title
		params, _ := p.Task.Request.([]any)
		p.Name = entry.Label(p.Task.Arch, params)
	}
	p.Params = parameters(entry, p.Task.Request)
	if koji.TaskState(p.Task.State) == koji.TaskClosed {
		p.Result = results(entry, p.returned)
	}
	return nil
}

// taskWithResult loads what belongs to the task alone.
func (s *Site) taskWithResult(r *http.Request, id int64) (*taskPage, error) {
	var b rpc.Batch
	info := rpc.Add(&b, api.GetTaskInfo, api.TaskInfoParams{TaskID: id, Request: true})
	status := rpc.Add(&b, api.GetTaskStatus, api.TaskIDParams{TaskID: id})
	result := rpc.Add(&b, api.GetTaskResult, api.TaskResultParams{TaskID: id})
	output := rpc.Add(&b, api.ListTaskOutput, api.ListTaskOutputParams{TaskID: id, Stat: true})
	if err := s.do(r, &b); err != nil {
		return nil, err
	}
	p := &taskPage{Status: &api.TaskStatus{}}
	if err := firstError(info.Err, status.Err, output.Err); err != nil {
		return nil, err
	}
	if err := rpc.Into(info.Value, &p.Task); err != nil {
		return nil, err
	}
	if p.Task == nil {
		return nil, notFound("Tasks are counted from 1; this one may be of another hub, or yet to come.", "There is no task %d.", id)
	}
	p.Status = cmp.Or(status.Value, p.Status)
	files := map[string]api.FileStat{}
	if err := rpc.Into(output.Value, &files); err != nil {
		return nil, err
	}
	s.addFiles(p, files)
	return p, p.addResult(result)
}

func (p *taskPage) addResult(result *rpc.Result[any]) error {
	if n := len(p.Status.Failures); n > 0 {
		p.Class = p.Status.Failures[n-1].Class
	}
	switch state := koji.TaskState(p.Task.State); {
	case result.Err != nil: // there is none before the end
		return nil
	case state == koji.TaskFailed:
		return rpc.Into(result.Value, &p.Fault)
	case state == koji.TaskClosed:
		p.returned = result.Value
	}
	return nil
}

// addFiles lists the task's files, logs apart.
func (s *Site) addFiles(p *taskPage, files map[string]api.FileStat) {
	dir := path.Join("work", koji.PathInfo{}.TaskRel(p.Task.ID))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := outputFile{Name: name, URL: s.filesURL(path.Join(dir, name))}
		f.Size, _ = strconv.ParseInt(files[name].Size, 10, 64)
		if isLog(name) {
			f.Show = "?" + url.Values{"log": {name}}.Encode() + "#log"
			p.Logs = append(p.Logs, f)
		} else {
			p.Files = append(p.Files, f)
		}
	}
}

func isLog(name string) bool { return strings.HasSuffix(name, ".log") && !strings.Contains(name, "/") }

// usualLogs are the logs that tell most, that of all first.
var usualLogs = []string{"build.log", "root.log", "createrepo.log", "mock_output.log"}

// chooseLog reads the end of the log that is asked for, or else of the one that
// the fault names, or else of the one that usually tells most.
func (s *Site) chooseLog(p *taskPage, name string) error {
	has := func(name string) bool {
		return slices.ContainsFunc(p.Logs, func(f outputFile) bool { return f.Name == name })
	}
	if name != "" && !has(name) {
		return notFound("The page of the task lists its logs.", "Task %d has no log %s.", p.Task.ID, name)
	}
	if name == "" && len(p.Logs) > 0 {
		candidates := usualLogs
		if p.Fault != nil {
			unnamed := func(log string) bool { return !strings.Contains(p.Fault.String, log) }
			candidates = append(slices.DeleteFunc(slices.Clone(usualLogs), unnamed), usualLogs...)
		}
		name = p.Logs[0].Name
		if i := slices.IndexFunc(candidates, has); i >= 0 {
			name = candidates[i]
		}
	}
	if name == "" {
		return nil
	}
	for i := range p.Logs {
		p.Logs[i].Current = p.Logs[i].Name == name
	}
	tail, err := readTail(s.opts.TopDir, p.Task.ID, name)
	p.Log = tail
	return err
}

// eventsURL is where the events of a running task come from.
func (s *Site) eventsURL(p *taskPage) string {
	u := "/tasks/" + strconv.FormatInt(p.Task.ID, 10) + "/events"
	if p.Log != nil {
		u += "?" + url.Values{"log": {p.Log.Name}, "offset": {strconv.FormatInt(p.Log.End, 10)}}.Encode()
	}
	return u
}

// taskSurroundings loads the tasks around the task, and the names of what it
// refers to.
func (s *Site) taskSurroundings(r *http.Request, p *taskPage) error {
	top, err := s.topTask(r, p.Task)
	if err != nil {
		return err
	}
	var b rpc.Batch
	below := rpc.Add(&b, api.GetTaskDescendents, api.TaskDescendentsParams{TaskID: top.ID, Request: true})
	hosts := rpc.Add(&b, api.GetHostStatus, api.NoParams{})
	owner := rpc.Add(&b, api.GetUser, api.GetUserParams{UserInfo: p.Task.Owner, KrbPrincs: true})
	channel := rpc.Add(&b, api.GetChannel, api.GetChannelParams{ChannelInfo: p.Task.ChannelID})
	builds := rpc.Add(&b, api.ListBuilds, api.ListBuildsParams{TaskID: &top.ID})
	if err := s.do(r, &b); err != nil {
		return err
	}
	if err := firstError(below.Err, hosts.Err, owner.Err, channel.Err, builds.Err); err != nil {
		return err
	}
	names := hostNamesOf(hosts.Value)
	p.Host = names[deref(p.Task.HostID)]
	p.Owner, p.Channel, p.Builds = owner.Value, channel.Value, builds.Value.List
	p.Tree = tree(top, below.Value, names, p.Task.ID, 0)
	return nil
}

// topTask follows the parents of a task. There are few.
func (s *Site) topTask(r *http.Request, t *api.TaskInfo) (*api.TaskInfo, error) {
	for range maxDepth {
		if t.Parent == nil {
			return t, nil
		}
		v, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetTaskInfo, api.TaskInfoParams{TaskID: *t.Parent, Request: true})
		if err != nil {
			return nil, err
		}
		var parent *api.TaskInfo
		if err := rpc.Into(v, &parent); err != nil {
			return nil, err
		}
		if parent == nil {
			return t, nil
		}
		t = parent
	}
	return t, nil
}

func tree(t *api.TaskInfo, below map[string][]api.TaskInfo, hosts hostNames, current int64, depth int) []treeRow {
	rows := []treeRow{{
		TaskInfo: t, Name: taskName(t.Method, t.Arch, t.Request), Host: hosts[deref(t.HostID)], Depth: depth, Current: t.ID == current,
	}}
	if depth >= maxDepth {
		return rows
	}
	children := below[strconv.FormatInt(t.ID, 10)]
	for i := range children {
		rows = append(rows, tree(&children[i], below, hosts, current, depth+1)...)
	}
	return rows
}
