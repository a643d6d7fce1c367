// Package task defines what a task type is: its declaration, which the hub,
// the workers, the web and the command line all read, tied to the Go types of
// its request and result.
//
// A task type is declared once, in koji/tasks, and bound to its workflow in
// package workflows:
//
//	var Sleep = task.Define(task.Type[SleepParams, task.Nothing]{
//		Info: task.Info{Method: "sleep", Weight: 0.25, Queue: task.Host, Title: "Sleep"},
//	})
package task

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
)

// Queue says which workers carry a task.
type Queue int

const (
	// System tasks run in the hub's own worker and open at once: they wait for
	// other tasks or change the database.
	System Queue = iota
	// Host tasks need a build host; the scheduler chooses it.
	Host
)

// Info is what every face of the system needs to know about a task type.
type Info struct {
	// Method is the name on the wire.
	Method string
	// Weight is the load that a task puts on its host until it says otherwise,
	// in the unit of a host's capacity.
	Weight float64
	// Queue says who carries it.
	Queue Queue
	// Title says in one line what a task of this type does.
	Title string
	// AnyHost makes a task ignore its host's arches and channel: it is about
	// the host itself (restart, shutdown).
	AnyHost bool
	// Channel is the channel that a task asks for unless its maker names another;
	// what becomes of the wish is up to the hub's channel policy.
	Channel string
	// Permission is what a user needs to make a task of this type by makeTask: the
	// name of one, AnyUser, or "" for admins alone.
	Permission string
}

// AnyUser as the permission of a task type lets in everyone who is logged in.
const AnyUser = "*"

// Type ties a task type's Info to the Go types of its request P, a struct with
// `rpc` tags in wire order, and its result R.
type Type[P, R any] struct {
	Info
	// Label describes one task in a few words ("foo-1.0-1.src.rpm, x86_64").
	Label func(P) string
}

// Entry is a declared type with its Go types erased.
type Entry struct {
	Info
	// Params are the parameters of the request, in wire order.
	Params []rpc.Param
	// Result describes the members of the result; none if it is no struct.
	Result []Member
	// Workflow is the name of the Temporal workflow.
	Workflow string
	// Site says that a site's own worker serves the type, Version which
	// declaration of it this is.
	Site    bool
	Version int64
	// Decode turns a request as it came over the wire into a pointer to the
	// type's P. It returns koji's ParameterError for a request that does not fit.
	Decode func(args []any, kw map[string]any) (any, error)
	// Describe is Label over an undecoded request; "" when it does not fit.
	Describe func(args []any, kw map[string]any) string
}

var declared []Entry

// Define declares a task type. It is called from package variables only and
// panics on an incomplete or repeated declaration.
func Define[P, R any](t Type[P, R]) Type[P, R] {
	if t.Method == "" || t.Title == "" || t.Label == nil {
		panic(fmt.Sprintf("task: incomplete type %+v", t.Info))
	}
	if _, ok := Lookup(t.Method); ok {
		panic("task: type declared twice: " + t.Method)
	}
	decode := func(args []any, kw map[string]any) (*P, error) {
		p := new(P)
		return p, rpc.Decode(args, kw, p)
	}
	declared = append(declared, Entry{
		Info:     t.Info,
		Params:   rpc.ParamsOf(reflect.TypeFor[P]()),
		Result:   membersOf(reflect.TypeFor[R]()),
		Workflow: t.Method,
		Decode: func(args []any, kw map[string]any) (any, error) {
			return decode(args, kw)
		},
		Describe: func(args []any, kw map[string]any) string {
			p, err := decode(args, kw)
			if err != nil {
				return ""
			}
			return t.Label(*p)
		},
	})
	return t
}

// All lists the declared types in order of declaration.
func All() []Entry { return slices.Clone(declared) }

// Lookup finds the declared type of a method.
func Lookup(method string) (Entry, bool) {
	i := slices.IndexFunc(declared, func(e Entry) bool { return e.Method == method })
	if i < 0 {
		return Entry{}, false
	}
	return declared[i], true
}

// Task is what a workflow knows of its own row in the task table. It is the
// first argument of every task workflow and holds nothing secret.
type Task struct {
	ID       int64  `json:"id"`
	Method   string `json:"method"`
	Parent   int64  `json:"parent,omitempty"`
	OwnerID  int64  `json:"owner_id"`
	Owner    string `json:"owner"`
	Label    string `json:"label,omitempty"`
	Arch     string `json:"arch"`
	Channel  string `json:"channel"`
	Priority int    `json:"priority"`
}

// WorkflowID is the ID of the Temporal workflow of task id.
func WorkflowID(id int64) string { return fmt.Sprintf("task-%d", id) }

// OfWorkflow returns the task whose workflow has the ID; ok is false if it is
// none of a task.
func OfWorkflow(workflowID string) (id int64, ok bool) {
	number, _ := strings.CutPrefix(workflowID, "task-")
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil && WorkflowID(id) == workflowID
}

// HostQueue is the Temporal task queue of one build host.
func HostQueue(host string) string { return "host-" + host }

// SystemQueue is the Temporal task queue of all workflows and of the
// activities on the database side.
const SystemQueue = "toji-system"

// Signals that the hub sends to a task's workflow. They carry nothing: what
// happened is in the database. One that comes before the workflow has started
// may therefore be dropped.
const (
	// SignalAssigned says that the scheduler, or an admin, gave the task to a host.
	SignalAssigned = "assigned"
	// SignalFreed takes the task back from its host, or starts a task without a
	// host again from the beginning.
	SignalFreed = "freed"
	// SignalEnded says that a host which runs Koji's own builder has ended the task.
	SignalEnded = "ended"
	// SignalWake tells a task that what it waits for may have come.
	SignalWake = "wake"
)

// Assigned is the host that has a task; zero for a task without one.
type Assigned struct {
	HostID int64  `json:"host_id,omitempty"`
	Host   string `json:"host,omitempty"`
}

// End is how a task ended that was not canceled.
type End struct {
	Result  string   `json:"result,omitempty"`  // of a CLOSED task, XML-RPC text
	Failure *Failure `json:"failure,omitempty"` // of a FAILED one
}

// Nothing is the result of a task type that has none; it is nil on the wire.
type Nothing struct{}

// UnmarshalXMLRPC takes anything.
func (*Nothing) UnmarshalXMLRPC(any) error { return nil }

// MarshalXMLRPC returns nil.
func (Nothing) MarshalXMLRPC() (any, error) { return nil, nil }
