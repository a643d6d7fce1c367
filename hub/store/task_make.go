package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// NewTask is a task to insert.
type NewTask struct {
	Method    string
	Request   string // XML-RPC text
	OwnerID   int64
	ChannelID int64
	Parent    int64 // 0 for a top-level task
	Label     string
	Arch      string
	Priority  int
	HostID    int64 // assigned to this host; 0 leaves it to the scheduler
}

// InsertTask inserts a task. Unless it is a subtask that a workflow starts by
// itself (started), it also asks for the start of its workflow.
func (s *Store) InsertTask(ctx context.Context, t NewTask, started bool) (id int64, err error) {
	state := koji.TaskFree
	if t.HostID != 0 {
		state = koji.TaskAssigned
	}
	err = s.InTx(ctx, func(ctx context.Context) error {
		id, err = database.One[int64](ctx, s.DB, `
			INSERT INTO task (state, method, request, owner, channel_id, parent, label, arch, priority, host_id, awaited)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`,
			int(state), t.Method, t.Request, t.OwnerID, t.ChannelID, nullable(t.Parent), nullableText(t.Label), t.Arch,
			t.Priority, nullable(t.HostID), awaited(started))
		if _, taken := database.IsUnique(err); taken {
			return koji.GenericErrorf("task %d has a subtask labeled %s already", t.Parent, t.Label)
		}
		if err != nil {
			return fmt.Errorf("insert %s task: %w", t.Method, err)
		}
		if started {
			return nil
		}
		return s.outbox(ctx, id, "start", "")
	})
	return id, err
}

// awaited is NULL, as Koji has it, for tasks that nobody waits for.
func awaited(started bool) any {
	if started {
		return true
	}
	return nil
}

func nullableText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ParentTask is what a subtask takes over from its parent.
type ParentTask struct {
	State     koji.TaskState `db:"state"`
	OwnerID   int64          `db:"owner"`
	ChannelID int64          `db:"channel_id"`
	Priority  int            `db:"priority"`
	Arch      string         `db:"arch"`
}

// Parent reads and locks the task that is to become a parent.
func (s *Store) Parent(ctx context.Context, id int64) (ParentTask, error) {
	p, err := database.One[ParentTask](ctx, s.DB,
		`SELECT state, owner, channel_id, coalesce(priority, 20) AS priority, arch FROM task WHERE id = $1 FOR UPDATE`, id)
	if errors.Is(err, database.ErrNotFound) {
		return p, koji.GenericErrorf("Invalid parent task: %d", id)
	}
	return p, err
}

// SubtaskByKey finds a child that an earlier try of the same step made, or 0.
func (s *Store) SubtaskByKey(ctx context.Context, parent int64, key string) (int64, error) {
	id, err := database.One[int64](ctx, s.DB, `SELECT task_id FROM toji.subtask WHERE parent = $1 AND key = $2`, parent, key)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// KeepSubtask remembers a child under its key and marks its parent as waiting.
func (s *Store) KeepSubtask(ctx context.Context, parent int64, key string, id int64) error {
	if err := s.RememberSubtask(ctx, parent, key, id); err != nil {
		return err
	}
	_, err := s.Exec(ctx, `UPDATE task SET waiting = true WHERE id = $1`, parent)
	return err
}

// RememberSubtask remembers a task that another made under its key.
func (s *Store) RememberSubtask(ctx context.Context, parent int64, key string, id int64) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.subtask (parent, key, task_id) VALUES ($1, $2, $3)`, parent, key, id)
	return err
}

const taskForWorkflow = `
SELECT t.id, t.method, coalesce(t.parent, 0) AS parent, t.owner AS owner_id, u.name AS owner, coalesce(t.label, '') AS label,
	t.arch, c.name AS channel, coalesce(t.priority, 20) AS priority, t.request, t.state
FROM task t JOIN users u ON u.id = t.owner JOIN channels c ON c.id = t.channel_id WHERE t.id = $1`

// WorkflowTask is a task as its workflow is started with.
type WorkflowTask struct {
	ID       int64          `db:"id"`
	Method   string         `db:"method"`
	Parent   int64          `db:"parent"`
	OwnerID  int64          `db:"owner_id"`
	Owner    string         `db:"owner"`
	Label    string         `db:"label"`
	Arch     string         `db:"arch"`
	Channel  string         `db:"channel"`
	Priority int            `db:"priority"`
	Request  string         `db:"request"` // XML-RPC text
	State    koji.TaskState `db:"state"`
}

// Task is the part of t that the workflow is given.
func (t WorkflowTask) Task() task.Task {
	return task.Task{ID: t.ID, Method: t.Method, Parent: t.Parent, OwnerID: t.OwnerID, Owner: t.Owner,
		Label: t.Label, Arch: t.Arch, Channel: t.Channel, Priority: t.Priority}
}

// TaskForWorkflow reads what a task's workflow needs.
func (s *Store) TaskForWorkflow(ctx context.Context, id int64) (WorkflowTask, error) {
	t, err := database.One[WorkflowTask](ctx, s.DB, taskForWorkflow, id)
	if errors.Is(err, database.ErrNotFound) {
		return t, koji.GenericErrorf("No such task: %d", id)
	}
	return t, err
}
