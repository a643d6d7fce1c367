package web

import (
	"net/http"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/api"
)

// typeRow is a task type in the list.
type typeRow struct {
	api.TaskType
	Makers string // who may make tasks of the type
}

func (s *Site) loadTaskTypes(r *http.Request) (*view, error) {
	list, err := rpc.Invoke(r.Context(), s.opts.Caller, api.ListTaskTypes, api.NoParams{})
	if err != nil {
		return nil, err
	}
	rows := make([]typeRow, len(list))
	for i, t := range list {
		rows[i] = typeRow{t, t.Permission}
		switch t.Permission {
		case "":
			rows[i].Makers = "admin"
		case task.AnyUser:
			rows[i].Makers = "every user"
		}
	}
	return &view{Title: "Task types", Body: rows}, nil
}

// taskType finds what the hub knows of a method, nil for one that is not known. Of
// Toji's own types that need not be asked.
func (s *Site) taskType(r *http.Request, method string) (*task.Entry, error) {
	if e, ok := task.Lookup(method); ok {
		return &e, nil
	}
	list, err := rpc.Invoke(r.Context(), s.opts.Caller, api.ListTaskTypes, api.NoParams{})
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.Name == method && t.Site {
			e, err := t.Entry()
			return &e, err
		}
	}
	return nil, nil
}
