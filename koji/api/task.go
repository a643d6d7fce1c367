package api

import "github.com/toji-build/toji/koji"

// Task is a row of the task table.
type Task struct {
	ID             int64      `rpc:"id"`
	State          int        `rpc:"state"` // a koji.TaskState
	Method         string     `rpc:"method"`
	Owner          int64      `rpc:"owner"`
	ChannelID      int64      `rpc:"channel_id"`
	HostID         *int64     `rpc:"host_id"`
	Parent         *int64     `rpc:"parent"`
	Label          *string    `rpc:"label"`
	Arch           string     `rpc:"arch"`
	Priority       *int64     `rpc:"priority"`
	Weight         float64    `rpc:"weight"`
	Waiting        *bool      `rpc:"waiting"` // for subtasks
	Awaited        *bool      `rpc:"awaited"` // by its parent
	CreateTime     koji.Time  `rpc:"create_time"`
	CreateTS       float64    `rpc:"create_ts"`
	StartTime      *koji.Time `rpc:"start_time"`
	StartTS        *float64   `rpc:"start_ts"`
	CompletionTime *koji.Time `rpc:"completion_time"`
	CompletionTS   *float64   `rpc:"completion_ts"`
}
