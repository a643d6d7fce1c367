package tasks

import "github.com/toji-build/toji/internal/task"

// The small types in this file exist to try the system out.

// SleepParams is the request of a sleep task.
type SleepParams struct {
	N any `rpc:"n"` // seconds, whole or not; anything else fails the task
}

// Sleep holds a place on a host for some seconds.
var Sleep = task.Define(task.Type[SleepParams, task.Nothing]{
	Info:  task.Info{Method: "sleep", Weight: 0.25, Queue: task.Host, Title: "Sleep"},
	Label: noLabel[SleepParams],
})

// ForkParams is the request of a fork task.
type ForkParams struct {
	N int64 `rpc:"n,optional=5"`  // processes
	M int64 `rpc:"m,optional=37"` // seconds that each would live
}

// Fork leaves processes behind for the host to clean up.
var Fork = task.Define(task.Type[ForkParams, task.Nothing]{
	Info:  task.Info{Method: "fork", Weight: 1, Queue: task.Host, Title: "Leave processes behind"},
	Label: noLabel[ForkParams],
})

// WaitTestParams is the request of a waittest task.
type WaitTestParams struct {
	Count   int64 `rpc:"count"`
	Seconds int64 `rpc:"seconds,optional=10"`
}

// WaitTest waits for several sleeps, one of which fails and may.
var WaitTest = task.Define(task.Type[WaitTestParams, task.Nothing]{
	Info:  task.Info{Method: "waittest", Weight: 0.1, Queue: task.System, Title: "Wait for several sleep tasks"},
	Label: noLabel[WaitTestParams],
})

// SubtaskParams is the request of a subtask task.
type SubtaskParams struct {
	N int64 `rpc:"n,optional=4"` // depth
}

// Subtask nests n tasks with a sleep at the bottom.
var Subtask = task.Define(task.Type[SubtaskParams, task.Nothing]{
	Info:  task.Info{Method: "subtask", Weight: 0.1, Queue: task.System, Title: "Nest tasks"},
	Label: noLabel[SubtaskParams],
})

// ArgsParams is the request of a type that takes anything.
type ArgsParams struct {
	Args []any          `rpc:"*args"`
	Opts map[string]any `rpc:"**opts"`
}

// SomeMethod answers 42.
var SomeMethod = task.Define(task.Type[ArgsParams, int]{
	Info:  task.Info{Method: "someMethod", Weight: 1, Queue: task.System, Title: "Answer 42"},
	Label: noLabel[ArgsParams],
})

// Default fails: it stands for a method that does not exist.
var Default = task.Define(task.Type[ArgsParams, task.Nothing]{
	Info:  task.Info{Method: "default", Weight: 0.1, Queue: task.System, Title: "Fail as an unknown method does"},
	Label: noLabel[ArgsParams],
})

// DependantTaskParams is the request of a dependantTask task.
type DependantTaskParams struct {
	WaitList []int64 `rpc:"wait_list"` // tasks to wait for
	TaskList []any   `rpc:"task_list"` // then start these: [method, args, opts]
}

// DependantTask starts tasks when others have ended well.
var DependantTask = task.Define(task.Type[DependantTaskParams, task.Nothing]{
	Info:  task.Info{Method: "dependantTask", Weight: 0.2, Queue: task.System, Title: "Start tasks after others"},
	Label: func(p DependantTaskParams) string { return subtaskLabel(p.TaskList) },
})
