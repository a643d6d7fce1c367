package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
)

// TaskType is a type of task that the hub takes.
type TaskType struct {
	task.Spec
	InHub bool     `rpc:"in_hub"` // its tasks need no host
	Site  bool     `rpc:"site"`   // a site has added it
	Hosts []string `rpc:"hosts"`  // of a site's type: those whose workers serve it, whether they are there or not
}

// RegisterTaskTypesParams are the parameters of toji.registerTaskTypes.
type RegisterTaskTypesParams struct {
	Types []task.Spec `rpc:"types"`
}

// TaskTypeParams name a task type.
type TaskTypeParams struct {
	Name string `rpc:"name"`
}

// The methods about types of tasks.
var (
	ListTaskTypes = rpc.Define(rpc.Method[NoParams, []TaskType]{
		Name: "toji.listTaskTypes", Access: Anyone,
		Doc: "List the types of tasks that the hub takes, by name: Toji's own and those that sites have added.",
	})
	RegisterTaskTypes = rpc.Define(rpc.Method[RegisterTaskTypesParams, rpc.None]{
		Name: "toji.registerTaskTypes", Access: NeedHost, Writes: true,
		Doc: "Tell the hub which types of its site the worker of this host serves, and no others any more. For hosts with the permission task-type.",
	})
	RemoveTaskType = rpc.Define(rpc.Method[TaskTypeParams, bool]{
		Name: "toji.removeTaskType", Access: NeedPerm("admin"), Writes: true,
		Doc: "Forget a type that a site has added; tell whether there was any of the name. Tasks of the type that have begun go on.",
	})
)
