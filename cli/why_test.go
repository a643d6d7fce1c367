package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

func whyAnswer(id int, state koji.TaskState, change map[string]any) map[string]any {
	w := map[string]any{
		"task_id": id, "method": "buildArch", "arch": "x86_64", "channel": "default", "owner": "alice", "state": int(state), "priority": 20,
		"host_name": nil, "start_time": nil, "takes": nil, "wait": nil, "hosts": []any{}, "children": []any{},
	}
	for k, v := range change {
		w[k] = v
	}
	return w
}

func TestWhy(t *testing.T) {
	calls := flatten(
		answers("toji.why", []any{5}, whyAnswer(5, koji.TaskOpen, map[string]any{"method": "build", "arch": "noarch", "start_time": "2026-11-23 09:00:00+00:00", "children": []any{6}})),
		answers("toji.why", []any{6}, whyAnswer(6, koji.TaskFree, map[string]any{
			"takes": 185.2,
			"wait": map[string]any{"code": "no-capacity", "reason": "2 hosts for x86_64 in channel default are full",
				"since": "2026-11-23 09:08:00+00:00", "eta": "2026-11-23 09:20:00+00:00"},
			"hosts": []any{map[string]any{"host_id": 1, "host_name": "b1", "code": "full", "detail": "load 4.00 of 4.00, 3 tasks"},
				map[string]any{"host_id": 2, "host_name": "b2", "code": "disabled", "detail": ""}},
		})),
	)
	hub := newFakeHub(t, calls...)
	run := hub.run(t, nil, "why", "5")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, `Task 5 (build, noarch, channel default, of alice, priority 20): open
  Works on the hub since: Mon Nov 23 09:00:00 2026
  Task 6 (buildArch, x86_64, channel default, of alice, priority 20): free
    Waits: 2 hosts for x86_64 in channel default are full
    Since: Mon Nov 23 09:08:00 2026
    Probably until: Mon Nov 23 09:20:00 2026
    Usually takes: 3m5s
    Hosts:
      b1                             full           load 4.00 of 4.00, 3 tasks
      b2                             disabled
`, run.stdout)

	hub = newFakeHub(t, calls...)
	run = hub.run(t, nil, "why", "--json", "5")
	require.Zero(t, run.exit, run.stderr)
	var data struct {
		State    int
		Subtasks []struct{ Wait struct{ Code string } }
	}
	require.NoError(t, json.Unmarshal([]byte(run.stdout), &data))
	require.Equal(t, "no-capacity", data.Subtasks[0].Wait.Code)

	hub = newFakeHub(t, flatten(answers("toji.why", []any{7}, whyAnswer(7, koji.TaskClosed, nil)), answers("toji.why", []any{8}, nil))...)
	require.Contains(t, hub.run(t, nil, "why", "7").stdout, "closed\n  It waits for nothing.\n")
	run = hub.run(t, nil, "why", "8")
	require.Equal(t, 1, run.exit)
	require.Contains(t, run.stderr, "No such task: 8")
}

func TestLimitsAndMaintenance(t *testing.T) {
	hub := newFakeHub(t, flatten(
		answers("toji.setTaskLimit", []any{"owner", "alice", 4}, nil),
		answers("toji.setTaskLimit", []any{"channel", "image"}, nil),
		answers("toji.taskLimits", []any{}, []any{map[string]any{"kind": "owner", "id": 1, "name": "alice", "tasks": 4}}),
		answers("toji.addMaintenance", []any{"b1", 1798718400.0, 1798722000.0, "new disks"}, 7),
		answers("toji.maintenances", []any{}, []any{map[string]any{"id": 7, "host_id": 1, "host_name": "b1", "reason": "new disks", "creator_name": "alice",
			"starts": "2026-12-31 12:00:00+00:00", "ends": "2026-12-31 13:00:00+00:00"}}),
		answers("toji.removeMaintenance", []any{7}, true),
		answers("toji.removeMaintenance", []any{8}, false),
	)...)
	run := func(args ...string) string {
		r := hub.run(t, nil, args...)
		require.Zero(t, r.exit, r.stderr)
		return r.stdout
	}
	run("set-task-limit", "owner", "alice", "4")
	run("set-task-limit", "channel", "image", "none")
	require.Equal(t, "owner    alice                          4\n", run("list-task-limits"))
	require.Equal(t, "Maintenance 7 of b1 is planned\n", run("add-maintenance", "--reason", "new disks", "b1", "2026-12-31 12:00", "2026-12-31 13:00"))
	require.Contains(t, run("list-maintenance"), "7     b1                             Thu Dec 31 12:00:00 2026 - Thu Dec 31 13:00:00 2026  new disks\n")
	run("remove-maintenance", "7")
	require.Equal(t, 1, hub.run(t, nil, "remove-maintenance", "8").exit)
	require.Equal(t, 2, hub.run(t, nil, "set-task-limit", "owner", "alice", "many").exit)
	require.NoError(t, hub.check())
}
