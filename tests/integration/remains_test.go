package integration

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// family is what the queries below begin with: a task ($1) and all below it, each
// with a path of methods and labels in place of its id. A build waits for a
// repository in a subtask only if there happens to be none.
const family = `WITH RECURSIVE family AS (
	SELECT id, method AS path FROM task WHERE id = $1
	UNION ALL SELECT t.id, f.path || ' > ' || t.method || coalesce(' ' || t.label, '') FROM task t JOIN family f ON t.parent = f.id
		WHERE t.method <> 'waitrepo' OR t.label IS NOT NULL)
`

// recorded are the rows that a task leaves, one line for each, without what no two
// runs have in common: ids and times.
var recorded = []string{
	`SELECT concat_ws(' | ', 'task', f.path, t.state, t.arch, c.name, u.name, h.name, t.waiting, t.awaited, t.weight > 0) FROM family f JOIN task t USING (id)
		JOIN channels c ON c.id = t.channel_id JOIN users u ON u.id = t.owner LEFT JOIN host h ON h.id = t.host_id`,
	`SELECT concat_ws(' | ', 'attempt', f.path, a.attempt, a.outcome) FROM family f JOIN toji.task_attempt a ON a.task_id = f.id`,
	`SELECT concat_ws(' | ', 'failure', f.path, a.class, a.message) FROM family f JOIN toji.task_failure a ON a.task_id = f.id`,
	`SELECT concat_ws(' | ', 'run', f.path, h.name, r.active) FROM family f JOIN scheduler_task_runs r ON r.task_id = f.id JOIN host h ON h.id = r.host_id`,
	`SELECT concat_ws(' | ', 'build', f.path, p.name, b.version, b.release, b.epoch, b.state, u.name, v.name, split_part(b.source, '#', 1)) FROM family f
		JOIN build b ON b.task_id = f.id JOIN package p ON p.id = b.pkg_id JOIN users u ON u.id = b.owner JOIN volume v ON v.id = b.volume_id`,
	`SELECT concat_ws(' | ', 'type', f.path, y.name) FROM family f
		JOIN build b ON b.task_id = f.id JOIN build_types t ON t.build_id = b.id JOIN btype y ON y.id = t.btype_id`,
	`SELECT concat_ws(' | ', 'tag', f.path, t.name, l.active, l.revoke_event IS NULL) FROM family f
		JOIN build b ON b.task_id = f.id JOIN tag_listing l ON l.build_id = b.id JOIN tag t ON t.id = l.tag_id`,
	`SELECT concat_ws(' | ', 'rpm', f.path, r.name, r.version, r.release, r.arch, r.epoch, o.path, r.draft) FROM family f
		JOIN build b ON b.task_id = f.id JOIN rpminfo r ON r.build_id = b.id
		LEFT JOIN standard_buildroot s ON s.buildroot_id = r.buildroot_id LEFT JOIN family o ON o.id = s.task_id`,
	`SELECT concat_ws(' | ', 'signature', f.path, r.name, r.arch, s.sigkey) FROM family f
		JOIN build b ON b.task_id = f.id JOIN rpminfo r ON r.build_id = b.id JOIN rpmsigs s ON s.rpm_id = r.id`,
	`SELECT concat_ws(' | ', 'buildroot', f.path, h.name, r.container_arch, s.state, t.name) FROM family f
		JOIN standard_buildroot s ON s.task_id = f.id JOIN buildroot r ON r.id = s.buildroot_id JOIN host h ON h.id = s.host_id
		JOIN repo e ON e.id = s.repo_id JOIN tag t ON t.id = e.tag_id`,
	`SELECT concat_ws(' | ', 'installed', f.path, r.name, r.version, r.release, r.arch, l.is_update) FROM family f
		JOIN standard_buildroot s ON s.task_id = f.id JOIN buildroot_listing l USING (buildroot_id) JOIN rpminfo r ON r.id = l.rpm_id`,
}

// remains lists what a task has left behind: rows and files. Two tasks that did the same
// with sources of different releases have equal remains.
func (l *lab) remains(t *testing.T, task int64, release string) []string {
	t.Helper()
	var lines []string
	for _, query := range recorded {
		rows, err := database.All[string](t.Context(), l.db, family+query, task)
		require.NoError(t, err)
		lines = append(lines, rows...)
	}
	top := koji.PathInfo{TopDir: l.Env["TOJI_TOPDIR"]}
	dirs, err := filepath.Glob(filepath.Join(top.TopDir, "packages", "*", "*", release))
	require.NoError(t, err)
	for _, dir := range dirs {
		lines = append(lines, l.files(t, dir, strings.TrimPrefix(dir, top.TopDir))...)
	}
	type member struct {
		ID   int64  `db:"id"`
		Path string `db:"path"`
	}
	members, err := database.All[member](t.Context(), l.db, family+`SELECT id, path FROM family`, task)
	require.NoError(t, err)
	for _, m := range members {
		if dir := filepath.Join(top.Work(""), top.TaskRel(m.ID)); isDir(dir) {
			lines = append(lines, l.files(t, dir, "output of "+m.Path)...)
		}
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], release, "RELEASE")
	}
	slices.Sort(lines)
	return lines
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// files lists the files below dir, under another name, with what they are. Each
// RPM has to be whole.
func (l *lab) files(t *testing.T, dir, name string) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		line := "file | " + name + strings.TrimPrefix(file, dir) + " | " + e.Type().String()
		switch {
		case e.Type() == fs.ModeSymlink:
			to, err := os.Readlink(file)
			if err != nil {
				return err
			}
			line += " | " + to
		case strings.HasSuffix(file, ".rpm"):
			out, err := exec.Command("rpm", "-K", "--nosignature", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
		lines = append(lines, line)
		return nil
	})
	require.NoError(t, err)
	return lines
}

// sameRemains holds that two tasks have left the same, and says briefly what
// differs.
func sameRemains(t *testing.T, want, got []string) {
	t.Helper()
	balance := map[string]int{}
	for _, line := range got {
		balance[line]++
	}
	for _, line := range want {
		balance[line]--
	}
	maps.DeleteFunc(balance, func(_ string, n int) bool { return n == 0 })
	require.Empty(t, balance, "how often a line is there too much")
}
