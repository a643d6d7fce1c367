package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc/client"
)

const (
	bulkBuilds = 15  // in the tag from the beginning
	bulkRPMs   = 260 // of each
	lateBuilds = 2 * rounds
	lateRPMs   = 10
)

// plainly are the options with which createrepo_c is measured beside us: as it
// is, which in versions before 1.0 makes SQLite databases, and without those,
// which we leave out, too.
var plainly = [][]string{{"--update"}, {"--update", "--no-database"}}

// bulk measures a large repository: from tagging one more build to the new
// repository being ready, beside createrepo_c over the same list of files; when
// somebody waits for it, and when nobody does and the keeper lets changes settle.
func (b *bench) bulk(ctx context.Context) error {
	if err := b.prepareBulk(ctx); err != nil {
		return err
	}
	if _, err := b.runTask(ctx, "newRepo", "bulk-build"); err != nil {
		return err
	}
	last, err := b.latestRepo(ctx, 0)
	if err != nil {
		return err
	}
	// As if this had been the way all along: its own files' times, its own metadata.
	for _, options := range plainly {
		if _, err := b.createrepo(ctx, last, options); err != nil {
			return err
		}
	}
	for i, what := range []string{"somebody waits for it", "changes settle"} {
		var ours []float64
		plain := make([][]float64, len(plainly))
		for round := range rounds {
			sent := time.Now()
			if last, err = b.oneMore(ctx, last, i*rounds+round, i == 0); err != nil {
				return err
			}
			ours = append(ours, time.Since(sent).Seconds())
			for k, options := range plainly {
				took, err := b.createrepo(ctx, last, options)
				if err != nil {
					return err
				}
				plain[k] = append(plain[k], took.Seconds())
			}
			if err := b.tellSteps(ctx, last, sent); err != nil {
				return err
			}
		}
		o := percentile(ours, 0.5)
		for k, options := range plainly {
			p := percentile(plain[k], 0.5)
			b.report.add("one build more in a repository of 4000 RPMs",
				fmt.Sprintf("%s: tag to READY / createrepo_c %s / times, p50", what, strings.Join(options, " ")), "s", o, p, o/p)
		}
	}
	return nil
}

// oneMore tags a build, asks for a repository if somebody is to wait for it, and
// waits until it is ready.
func (b *bench) oneMore(ctx context.Context, last int64, late int, somebody bool) (int64, error) {
	steps := []step{{"tagBuildBypass", []any{"bulk-build", lateName(late) + "-1-1"}}}
	if somebody {
		steps = append(steps, step{"repo.request", []any{"bulk-build", keywords("min_event", "last")}})
	}
	if err := b.each(ctx, steps...); err != nil {
		return 0, err
	}
	return b.latestRepo(ctx, last)
}

// tellSteps tells the log when what happened on the way to a repository.
func (b *bench) tellSteps(ctx context.Context, repo int64, since time.Time) error {
	type moment struct {
		What string    `db:"what"`
		At   time.Time `db:"at"`
	}
	list, err := database.All[moment](ctx, b.db, `
		WITH t AS (SELECT task.* FROM task JOIN repo ON repo.task_id IN (task.id, task.parent) WHERE repo.id = $1)
		SELECT * FROM (
			SELECT 'requested' AS what, create_time AS at FROM repo_queue WHERE repo_id = $1
			UNION ALL SELECT method || ' made', create_time FROM t
			UNION ALL SELECT method || ' open', start_time FROM t
			UNION ALL SELECT method || ' done', completion_time FROM t
			UNION ALL SELECT 'READY', state_time FROM repo WHERE id = $1) steps
		WHERE at IS NOT NULL ORDER BY at`, repo)
	for _, m := range list {
		fmt.Fprintf(b.log, "  %s after %d ms\n", m.What, m.At.Sub(since).Milliseconds())
	}
	return err
}

func bulkName(i int) string { return fmt.Sprintf("bulk%d", i) }
func lateName(i int) string { return fmt.Sprintf("late%d", i) }

// prepareBulk imports the builds and tags those that are there from the beginning.
func (b *bench) prepareBulk(ctx context.Context) error {
	steps := []step{
		{"createTag", []any{"bulk-build", keywords("arches", "x86_64")}},
		{"createBuildTarget", []any{"bulk", "bulk-build", "bulk-build"}},
	}
	if err := b.each(ctx, steps...); err != nil {
		return err
	}
	for i := range bulkBuilds {
		if err := b.importBulk(ctx, bulkName(i), bulkRPMs); err != nil {
			return err
		}
		if err := b.each(ctx, step{"tagBuildBypass", []any{"bulk-build", bulkName(i) + "-1-1"}}); err != nil {
			return err
		}
	}
	for i := range lateBuilds {
		if err := b.importBulk(ctx, lateName(i), lateRPMs); err != nil {
			return err
		}
	}
	return nil
}

// importBulk makes a build of so many small packages, imports it and lists its
// package.
func (b *bench) importBulk(ctx context.Context, name string, rpms int) error {
	dir := filepath.Join(b.dir, "bulk", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	spec := filepath.Join(dir, name+".spec")
	if err := os.WriteFile(spec, []byte(bulkSpec(name, rpms)), 0o644); err != nil {
		return err
	}
	if err := script(ctx, "rpmbuild", "-ba", "--quiet", "--nodeps", "--define", "_topdir "+dir, "--define", "_dbpath "+dir+"/rpmdb", spec); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "RPMS", "noarch", "*.rpm"))
	if err != nil {
		return err
	}
	srpms, err := filepath.Glob(filepath.Join(dir, "SRPMS", "*.rpm"))
	if err != nil {
		return err
	}
	folder := "cli-import/" + name
	for _, file := range append(srpms, files...) { // the source makes the build
		if err := b.Client.UploadFile(ctx, file, folder, "", client.UploadOptions{}); err != nil {
			return err
		}
		if err := b.each(ctx, step{"importRPM", []any{folder, filepath.Base(file)}}); err != nil {
			return err
		}
	}
	if err := b.each(ctx, step{"packageListAdd", []any{"bulk-build", name, "admin"}}); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// bulkSpec is a package with many subpackages.
func bulkSpec(name string, rpms int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Name: %s\nVersion: 1\nRelease: 1\nSummary: Many\nLicense: MIT\nBuildArch: noarch\n%%description\nMany.\n", name)
	for i := 1; i < rpms; i++ {
		fmt.Fprintf(&s, "%%package p%d\nSummary: Part %[1]d\nRequires: bash\n%%description p%[1]d\nPart %[1]d.\n", i)
	}
	fmt.Fprintf(&s, "%%install\nmkdir -p %%{buildroot}/usr/share/%s\ncd %%{buildroot}/usr/share/%[1]s\ntouch $(seq 0 %d)\n", name, rpms-1)
	fmt.Fprintf(&s, "%%files\n/usr/share/%s/0\n", name)
	for i := 1; i < rpms; i++ {
		fmt.Fprintf(&s, "%%files p%d\n/usr/share/%s/%[1]d\n", i, name)
	}
	return s.String()
}

// latestRepo waits for a ready repository of the tag that is later than another.
func (b *bench) latestRepo(ctx context.Context, than int64) (int64, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		id, err := database.One[int64](ctx, b.db, `SELECT coalesce(max(r.id), 0) FROM repo r JOIN tag t ON t.id = r.tag_id
			WHERE t.name = 'bulk-build' AND r.state = 1`)
		if err != nil || id > than {
			return id, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// createrepo runs createrepo_c over what a repository lists, in a folder for
// these options.
func (b *bench) createrepo(ctx context.Context, repo int64, options []string) (time.Duration, error) {
	out := filepath.Join(b.dir, "bulk-plain", strings.Join(options, ""))
	dir := filepath.Join(b.Env["TOJI_TOPDIR"], "repos", "bulk-build", fmt.Sprint(repo), "x86_64")
	args := append([]string{"-q", "-o", out, "-i", filepath.Join(dir, "pkglist")}, options...)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}
	began := time.Now()
	text, err := exec.CommandContext(ctx, "createrepo_c", append(args, dir)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("createrepo_c: %w\n%s", err, text)
	}
	return time.Since(began), nil
}
