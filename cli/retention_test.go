package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRetentionCommands(t *testing.T) {
	user := "alice"
	item := func(step, action, subject, reason string, rows, bytes int) map[string]any {
		return map[string]any{"step": step, "action": action, "subject": subject, "reason": reason, "rows": rows, "bytes": bytes, "owner": nil}
	}
	run := func(id int, dry bool, by any, ended any, steps, failures []any) map[string]any {
		return map[string]any{"id": id, "kind": "gc", "dry_run": dry, "user": by, "requested": "2026-11-23 09:00:00+00:00", "ended": ended,
			"steps": steps, "failures": failures}
	}
	const end = "2026-11-23 09:01:00+00:00"
	report := run(7, true, "alice", end, []any{}, []any{"delete: no trashcan"})
	report["items"] = []any{
		item("trash", "trash", "foo-1-1", "untagged since 2026-11-01 12:00", 1, 0),
		item("trash", "keep", "foo-2-1", "signed with gold", 1, 0),
		item("purge", "delete", "kernel-6-1", "pruned", 1, 3<<30),
	}
	const text = "Run 7, Mon Nov 23 09:00:00 2026, by alice, dry run: failed in part\n" +
		"  trash               trash    foo-1-1     1                   untagged since 2026-11-01 12:00\n" +
		"  trash               keep     foo-2-1     1                   signed with gold\n" +
		"  purge               delete   kernel-6-1  1, 3.0 GiB          pruned\n" +
		"  step failed: delete: no trashcan\n" +
		"delete: 1, 3.0 GiB\nkeep: 1\ntrash: 1\n"
	nothing := run(8, false, nil, end, []any{}, []any{})
	nothing["items"] = []any{}
	start := func(kind string, dry bool, steps any, id int) exchange {
		return answers("toji.startRetention", []any{kind, dry, steps}, id)[0]
	}
	for name, test := range map[string]struct {
		args           []string
		calls          []exchange
		exit           int
		stdout, stderr string
	}{
		"dry run": {
			args:   []string{"gc", "--dry-run", "--step", "delete", "--step=trash"},
			calls:  append([]exchange{start("gc", true, []any{"delete", "trash"}, 7)}, answers("toji.retentionReport", []any{"gc", 7}, report)...),
			stdout: text,
		},
		"run": {
			args:   []string{"retention", "run"},
			calls:  append([]exchange{start("sweep", false, nil, 8)}, answers("toji.retentionReport", []any{"sweep", 8}, nothing)...),
			stdout: "Run 8, Mon Nov 23 09:00:00 2026, by the schedule: done\n  nothing to do\n",
		},
		"do not wait": {args: []string{"retention", "run", "--nowait"}, calls: []exchange{start("sweep", false, nil, 8)}, stdout: "8\n"},
		"report":      {args: []string{"gc", "report"}, calls: answers("toji.retentionReport", []any{"gc", nil}, report), stdout: text},
		"no report":   {args: []string{"gc", "report", "9"}, calls: answers("toji.retentionReport", []any{"gc", 9}, nil), exit: 1, stderr: "there was no such run"},
		"list": {
			args: []string{"gc", "list"},
			calls: answers("toji.retentionRuns", []any{"gc", 20}, []any{
				run(9, false, nil, nil, []any{"prune", "trash"}, []any{}), run(7, true, "alice", end, []any{}, []any{"x"}),
			}),
			stdout: "9       Mon Nov 23 09:00:00 2026  at prune        by the schedule\n7       Mon Nov 23 09:00:00 2026  failed in part  by alice, dry run\n",
		},
		"refused": {args: []string{"gc", "run"}, calls: answers("toji.startRetention", []any{"gc", false, nil}, &reply{1000, "not enabled"}), exit: 1, stderr: "not enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newFakeHub(t, test.calls...)
			run := hub.run(t, &user, test.args...)
			require.NoError(t, hub.check())
			require.Equal(t, test.exit, run.exit, run.stderr)
			require.Equal(t, test.stdout, run.stdout)
			require.Contains(t, run.stderr, test.stderr)
		})
	}
}
