package hub

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTasks(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetTaskInfo, h.getTaskInfo)
	rpc.Bind(r, api.GetTaskChildren, h.getTaskChildren)
	rpc.Bind(r, api.GetTaskDescendents, h.getTaskDescendents)
	rpc.Bind(r, api.GetTaskRequest, h.getTaskRequest)
	rpc.Bind(r, api.GetTaskResult, h.getTaskResult)
	rpc.Bind(r, api.TaskFinished, h.taskFinished)
	rpc.Bind(r, api.ListTasks, h.listTasks)
	rpc.Bind(r, api.GetTaskStatus, h.getTaskStatus)
	rpc.Bind(r, api.GetTaskWaits, h.getTaskWaits)
	rpc.Bind(r, api.ListTaskOutput, h.listTaskOutput)
	rpc.Bind(r, api.DownloadTaskOutput, h.downloadTaskOutput)
	bindTaskChanges(r, h)
}

// taskInfoOf decodes the request of a stored task, if it has one.
func taskInfoOf(t store.StoredTask) (api.TaskInfo, error) {
	info := api.TaskInfo{Task: t.Task}
	if t.Request == nil {
		return info, nil
	}
	_, params, err := xmlrpc.UnmarshalRequest(*t.Request)
	info.Request = params
	return info, err
}

func taskInfos(list []store.StoredTask) ([]api.TaskInfo, error) {
	infos := make([]api.TaskInfo, len(list))
	for i, t := range list {
		var err error
		if infos[i], err = taskInfoOf(t); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

func (h *Hub) getTaskInfo(ctx context.Context, p api.TaskInfoParams) (any, error) {
	list, many := p.TaskID.([]any)
	if !many {
		list = []any{p.TaskID}
	}
	ids := make([]int64, len(list))
	for i, v := range list {
		if v == nil {
			return nil, koji.ParameterErrorf("Invalid type, expected type <class 'int'>")
		}
		if err := rpc.Into(v, &ids[i]); err != nil {
			return nil, err
		}
	}
	found, err := h.Store.Tasks(ctx, ids, p.Request)
	if err != nil {
		return nil, err
	}
	infos, err := taskInfos(found)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*api.TaskInfo, len(infos))
	for i := range infos {
		byID[infos[i].ID] = &infos[i]
	}
	result := make([]*api.TaskInfo, len(ids))
	for i, id := range ids {
		if result[i] = byID[id]; result[i] == nil && p.Strict {
			return nil, errNoRow
		}
	}
	if many {
		return result, nil
	}
	return result[0], nil
}

func (h *Hub) getTaskChildren(ctx context.Context, p api.TaskChildrenParams) ([]api.TaskInfo, error) {
	if p.Strict {
		if _, err := h.taskText(ctx, p.TaskID, errNoRow); err != nil {
			return nil, err
		}
	}
	list, err := h.Store.TaskChildren(ctx, p.TaskID, false, p.Request)
	if err != nil {
		return nil, err
	}
	return taskInfos(list)
}

func (h *Hub) getTaskDescendents(ctx context.Context, p api.TaskDescendentsParams) (map[string][]api.TaskInfo, error) {
	list, err := h.Store.TaskChildren(ctx, p.TaskID, true, p.Request)
	if err != nil {
		return nil, err
	}
	infos, err := taskInfos(list)
	if err != nil {
		return nil, err
	}
	below := map[string][]api.TaskInfo{formatID(p.TaskID): {}}
	for _, t := range infos {
		parent := formatID(*t.Parent)
		below[parent] = append(below[parent], t)
		if own := formatID(t.ID); below[own] == nil {
			below[own] = []api.TaskInfo{}
		}
	}
	return below, nil
}

// formatID is an id as a key of a struct.
func formatID(id int64) string { return strconv.FormatInt(id, 10) }

// taskText reads a task's texts; there being no such task is the error none.
func (h *Hub) taskText(ctx context.Context, id int64, none error) (*store.TaskText, error) {
	t, err := h.Store.TaskText(ctx, id)
	if err == nil && t == nil {
		err = none
	}
	return t, err
}

func (h *Hub) getTaskRequest(ctx context.Context, p api.TaskParams) ([]any, error) {
	t, err := h.taskText(ctx, p.TaskID, errNoRow)
	if err != nil {
		return nil, err
	}
	_, params, err := xmlrpc.UnmarshalRequest(t.Request)
	return params, err
}

func (h *Hub) getTaskResult(ctx context.Context, p api.TaskResultParams) (any, error) {
	t, err := h.taskText(ctx, p.TaskID, koji.GenericErrorf("No such task"))
	if err != nil {
		return nil, err
	}
	switch state := koji.TaskState(t.State); {
	case state == koji.TaskCanceled:
		return nil, koji.GenericErrorf("Task %d is canceled", p.TaskID)
	case !state.Finished():
		return nil, koji.GenericErrorf("Task %d is not finished", p.TaskID)
	}
	result, err := xmlrpc.UnmarshalResult(t.Result)
	fault, failed := errors.AsType[*xmlrpc.Fault](err)
	switch {
	case failed && p.RaiseFault:
		return nil, &koji.Error{Fault: fault.Code, Msg: fault.String}
	case failed:
		return api.TaskFault{Code: fault.Code, String: fault.String}, nil
	}
	return result, err
}

func (h *Hub) taskFinished(ctx context.Context, p api.TaskParams) (bool, error) {
	t, err := h.taskText(ctx, p.TaskID, errNoRow)
	if err != nil {
		return false, err
	}
	return koji.TaskState(t.State).Finished(), nil
}

func (h *Hub) listTasks(ctx context.Context, p api.ListTasksParams) (rpc.Rows[api.ListedTask], error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return rpc.Rows[api.ListedTask]{}, err
	}
	filter, err := taskFilter(p.Opts)
	if err != nil {
		return rpc.Rows[api.ListedTask]{}, err
	}
	decode := decodeTexts
	if !xmlrpc.Truth(p.Opts["decode"]) || opts.AsList {
		decode = nil
	}
	return h.Store.ListTasks(ctx, filter, opts, decode)
}

// decodeTexts replaces the texts of t by what they stand for: the request by the
// list of parameters, the result by a list with the result, or by a fault.
func decodeTexts(t *api.ListedTask) error {
	if text, ok := t.Request.(string); ok && text != "" {
		_, params, err := xmlrpc.UnmarshalRequest(text)
		if err != nil {
			return err
		}
		t.Request = params
	}
	text, ok := t.Result.(string)
	if !ok || text == "" {
		return nil
	}
	result, err := xmlrpc.UnmarshalResult(text)
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		t.Result = api.TaskFault{Code: fault.Code, String: fault.String}
		return nil
	}
	t.Result = []any{result}
	return err
}

// taskFilter reads the opts of listTasks. Options of no known name are ignored.
func taskFilter(opts map[string]any) (store.TaskFilter, error) {
	var f store.TaskFilter
	if v, ok := opts["method"]; ok {
		f.Method = new(pyStr(v))
	}
	for _, column := range []string{"arch", "state", "owner", "host_id", "channel_id", "parent"} {
		for _, not := range []bool{false, true} {
			name := column
			if not {
				name = "not_" + column
			}
			v, ok := opts[name]
			if !ok {
				continue
			}
			values, err := setOf(v, column == "arch")
			if err != nil {
				return f, err
			}
			f.Sets = append(f.Sets, store.TaskSet{Column: column, Values: values, Not: not})
		}
	}
	err := addTimeTests(&f, opts)
	return f, err
}

func addTimeTests(f *store.TaskFilter, opts map[string]any) error {
	for _, t := range []struct{ name, expr string }{
		{"createdBefore", "task.create_time <"}, {"createdAfter", "task.create_time >"},
		{"startedBefore", "task.start_time <"}, {"startedAfter", "task.start_time >"},
		{"completeBefore", "task.completion_time <"}, {"completeAfter", "task.completion_time >"},
		{"completedBefore", "task.completion_time <"}, {"completedAfter", "task.completion_time >"},
	} {
		at, err := timeOf(opts[t.name])
		if err != nil {
			return err
		}
		if at != nil {
			f.Times = append(f.Times, store.TimeTest{Expr: t.expr, Time: at})
		}
	}
	return nil
}

// timeOf reads a time that a caller gave in seconds since the epoch, or as text
// for PostgreSQL to read; nil is none.
func timeOf(v any) (any, error) {
	switch v := v.(type) {
	case nil, string:
		return v, nil
	case int64:
		return koji.FromTS(float64(v)), nil
	case float64:
		return koji.FromTS(v), nil
	case time.Time:
		return koji.NewTime(v), nil
	}
	return nil, koji.GenericErrorf("Invalid type for timestamp: <class '%s'>", xmlrpc.TypeName(v))
}

// setOf reads a value or a list of values, nil for nil.
func setOf(v any, text bool) (any, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if text {
		values := []string{}
		return values, rpc.Into(list, &values)
	}
	values := []int64{}
	return values, rpc.Into(list, &values)
}

func (h *Hub) getTaskStatus(ctx context.Context, p api.TaskIDParams) (*api.TaskStatus, error) {
	t, err := h.Store.Task(ctx, p.TaskID)
	if err != nil || t == nil {
		return nil, err
	}
	st, err := h.Store.TaskStatus(ctx, p.TaskID)
	st.WorkflowID = task.WorkflowID(p.TaskID)
	return &st, err
}

func (h *Hub) getTaskWaits(ctx context.Context, p api.TaskWaitsParams) ([]api.WaitingTask, error) {
	return h.Store.TaskWaits(ctx, p.TaskIDs)
}
