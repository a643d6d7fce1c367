// Package site is for workers of a site's own: programs outside of this module
// that add task types to a Toji without changing it.
//
// A type is a declaration with a function that does its tasks; a worker is one
// call of Main:
//
//	type Params struct {
//		Path string `rpc:"path" doc:"below work/"`
//		Max  int64  `rpc:"max,optional=1000" doc:"give up after so many lines"`
//	}
//
//	type Result struct {
//		Lines int64 `rpc:"lines" doc:"that the file has"`
//	}
//
//	func main() {
//		site.Main(site.Type[Params, Result]{
//			Name: "countLines", Version: 1, Title: "Count the lines of a file", Weight: 0.5, Run: count,
//		})
//	}
//
// The worker is a build host of the hub's (toji add-host), with a certificate of
// its own, whose user has the permission task-type. It tells the hub at each start
// which types it serves; from then on the hub takes their tasks (makeTask,
// `toji submit`), checks their parameters and who may make them, shows them on its
// pages and gives them to the hosts that serve them. Waiting for a host, retries,
// cancelling and recording are the hub's business: a function is written as if its
// task ran once, with nothing going wrong.
//
// docs/howto/site-task-type.md walks through an example.
package site

import (
	"context"
	"errors"
	"fmt"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
)

// Job is a task at work: who it is for, its folder, its log, and what can be done
// for it (Fetch, Run, Upload, Subtask, Call). See builder.SiteJob.
type Job = builder.SiteJob

// AnyUser as a type's Permission lets in everyone who is logged in.
const AnyUser = task.AnyUser

// Type declares a task type and what does its tasks. P is a struct whose fields
// are the parameters in the order of the wire:
//
//	Path  string   `rpc:"path" doc:"below work/"`         a required one
//	Max   int64    `rpc:"max,optional=10" doc:"..."`      its default is a Python literal:
//	                                                      None, True, False, a number, 'text', [], {}
//
// of type string, int64, float64, bool, []string, []any, map[string]any, any, or
// a pointer to one of these. R is anything that can travel: one of the same types,
// or a struct with such tags.
type Type[P, R any] struct {
	// Name is the method that clients name: a letter, then letters, digits and _.
	// Those of Koji's and Toji's own types are taken.
	Name string
	// Version is raised with every change of the declaration. A hub gives tasks to
	// the workers that serve the highest version it has seen.
	Version int64
	// Title says in one line what a task of this type does.
	Title string
	// Weight is the load that a task puts on its host, in the unit of a host's
	// capacity.
	Weight float64
	// Channel is the channel that a task asks for unless its maker names another;
	// the hub's channel policy has the last word.
	Channel string
	// Permission is what a user needs to make a task: the name of a permission,
	// AnyUser, or "" for admins alone.
	Permission string
	// Label names the parameters that say in lists what a task is about.
	Label []string
	// Run does a task. A fault of package koji (koji.GenericErrorf, koji.BuildErrorf)
	// fails it; any other error is trouble of this host and gives the task to
	// another one, three times at most. It must return when ctx is done. It may run
	// more than once for one task: what it did before is in job.Dir and in the steps
	// of job.Run.
	Run func(ctx context.Context, job *Job, p P) (R, error)
}

// Served is a Type, whatever its parameters and result.
type Served interface {
	served() (builder.SiteType, error)
}

func (t Type[P, R]) served() (builder.SiteType, error) {
	if t.Run == nil {
		return builder.SiteType{}, fmt.Errorf("task type %s has no function Run", t.Name)
	}
	spec := task.SpecOf[P, R](t.Name)
	spec.Version, spec.Title, spec.Weight, spec.Label = t.Version, t.Title, t.Weight, t.Label
	spec.Channel, spec.Permission = t.Channel, t.Permission
	if _, err := spec.Entry(); err != nil {
		return builder.SiteType{}, err
	}
	return builder.SiteType{Spec: spec, Run: func(ctx context.Context, job *Job, args []any, kw map[string]any) (any, error) {
		var p P
		if err := rpc.Decode(args, kw, &p); err != nil {
			return nil, err
		}
		return t.Run(ctx, job, p)
	}}, nil
}

// types are the declarations as the daemon takes them.
func types(list []Served) ([]builder.SiteType, error) {
	if len(list) == 0 {
		return nil, errors.New("no task types to serve")
	}
	served := make([]builder.SiteType, len(list))
	var errs []error
	for i, t := range list {
		var err error
		served[i], err = t.served()
		errs = append(errs, err)
	}
	return served, errors.Join(errs...)
}
