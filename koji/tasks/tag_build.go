package tasks

import "github.com/toji-build/toji/internal/task"

// TagBuildParams is the request of a tagBuild task.
type TagBuildParams struct {
	Tag           Ref   `rpc:"tag_id"`
	BuildID       int64 `rpc:"build_id"`
	Force         bool  `rpc:"force,optional=False"`
	FromTag       Ref   `rpc:"fromtag,optional=None"` // move from here
	IgnoreSuccess bool  `rpc:"ignore_success,optional=False"`
}

// TagBuild tags a build, or moves it between tags.
var TagBuild = task.Define(task.Type[TagBuildParams, task.Nothing]{
	Info:  task.Info{Method: "tagBuild", Weight: 1, Queue: task.System, Title: "Tag a build"},
	Label: noLabel[TagBuildParams],
})
