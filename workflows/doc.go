// Package workflows holds one deterministic function per task type, and the
// life that all tasks share.
//
// A task's workflow has the ID task-<id> and the name of its method. Its body
// is written as if the task ran once, on one host, with nothing going wrong:
//
//	func sleep(r *run, p tasks.SleepParams) (task.Nothing, error) {
//		return task.Nothing{}, r.onHost((*builder.Activities).Sleep, p, nil)
//	}
//
// Everything else is life.go's:
//
//		start --> wait for a host --> open --> body --> close, fail
//		              ^   (Host tasks)           |
//		              +--- freed, host trouble --+
//
//	  - A task without a host (task.System) opens at once. A Host task waits for the
//	    signal that the scheduler chose a host, and opens there; its body then runs
//	    activities on that host's own queue.
//	  - Each change of the task's state is one local activity in one transaction.
//	  - freeTask, or a host that is in trouble, takes the attempt away: its context
//	    is cancelled, with it its activities and children, and the life starts over.
//	  - A body that returns an error fails the task. The error is a Koji fault; the
//	    workflow fails with it too, so that the history says why.
//	  - Cancelling the workflow cancels the task, its children and their work.
//
// A task becomes another's child through start (child.go): a row in the task
// table and a child workflow that closes with its parent.
package workflows
