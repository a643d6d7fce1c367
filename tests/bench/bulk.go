package main

import (
	"context"
	"errors"
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
	bulkBuilds = 16  // that are in the tag in the end
	bulkRPMs   = 250 // of each
	dirtyTags  = 200
)

// bulk measures a large repository: from tagging one more build to the new
// repository being ready, beside createrepo_c over the same list of files; once
// with somebody who waits for it, and once with nobody, when the keeper lets the
// changes settle.
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
	before := filepath.Join(b.dir, "bulk-plain")
	if _, err := b.createrepo(ctx, last, before); err != nil {
		return err
	}
	for _, somebody := range []bool{true, false} {
		var ours, plain []float64
		for range rounds {
			r, err := b.oneMore(ctx, last, before, somebody)
			if err != nil {
				return err
			}
			last = r.repo
			ours, plain = append(ours, r.took.Seconds()), append(plain, r.plain.Seconds())
			fmt.Fprintf(b.log, "  %.2f s, createrepo_c --update %.2f s; %s\n", r.took.Seconds(), r.plain.Seconds(), r.steps)
		}
		what := "somebody waits for it"
		if !somebody {
			what = "nobody waits, changes settle"
		}
		o, p := percentile(ours, 0.5), percentile(plain, 0.5)
		b.report.add(fmt.Sprintf("one build more in a repository of %d RPMs", bulkBuilds*bulkRPMs),
			what+": tag to READY / createrepo_c --update / times, p50", "s", o, p, o/p)
	}
	return nil
}

// oneMoreResult is a round of oneMore.
type oneMoreResult struct {
	repo        int64 // without the build again
	took, plain time.Duration
	steps       string // where the time went
}

// oneMore tags a build, waits for its repository and takes the build out again.
// before is the metadata of the repository without it.
func (b *bench) oneMore(ctx context.Context, last int64, before string, somebody bool) (r oneMoreResult, err error) {
	nvr := bulkNVR(bulkBuilds - 1)
	sent := time.Now()
	if err := b.each(ctx, step{"tagBuildBypass", []any{"bulk-build", nvr}}); err != nil {
		return r, err
	}
	if somebody {
		if err := b.each(ctx, step{"repo.request", []any{"bulk-build", keywords("min_event", "last")}}); err != nil {
			return r, err
		}
	}
	after, err := b.latestRepo(ctx, last)
	if err != nil {
		return r, err
	}
	r.took = time.Since(sent)
	if r.steps, err = b.repoSteps(ctx, after, sent); err != nil {
		return r, err
	}
	out := filepath.Join(b.dir, "bulk-update")
	if err := errors.Join(os.RemoveAll(out), os.CopyFS(out, os.DirFS(before))); err != nil {
		return r, err
	}
	if r.plain, err = b.createrepo(ctx, after, out, "--update"); err != nil {
		return r, err
	}
	if err := b.each(ctx, step{"untagBuildBypass", []any{"bulk-build", nvr}}); err != nil {
		return r, err
	}
	r.repo, err = b.latestRepo(ctx, after)
	return r, err
}

// repoSteps says when what happened on the way to a repository, in ms.
func (b *bench) repoSteps(ctx context.Context, repo int64, since time.Time) (string, error) {
	type moments struct {
		What string    `db:"what"`
		At   time.Time `db:"at"`
	}
	list, err := database.All[moments](ctx, b.db, `WITH t AS (SELECT task.* FROM task JOIN repo ON task.id = repo.task_id OR task.parent = repo.task_id WHERE repo.id = $1)
		SELECT * FROM (SELECT 'requested' AS what, create_time AS at FROM repo_queue WHERE repo_id = $1
		UNION ALL SELECT method || ' made', create_time FROM t
		UNION ALL SELECT method || ' open', start_time FROM t
		UNION ALL SELECT method || ' done', completion_time FROM t
		UNION ALL SELECT 'initialized', creation_time FROM repo WHERE id = $1
		UNION ALL SELECT 'ready', state_time FROM repo WHERE id = $1) steps WHERE at IS NOT NULL ORDER BY at`, repo)
	var steps []string
	for _, m := range list {
		steps = append(steps, fmt.Sprintf("%s %d", m.What, m.At.Sub(since).Milliseconds()))
	}
	return strings.Join(steps, ", "), err
}

func bulkName(i int) string { return fmt.Sprintf("bulk%d", i) }
func bulkNVR(i int) string  { return bulkName(i) + "-1-1" }

// prepareBulk imports the builds and tags all but the last one.
func (b *bench) prepareBulk(ctx context.Context) error {
	steps := []step{
		{"createTag", []any{"bulk-build", keywords("arches", "x86_64")}},
		{"createBuildTarget", []any{"bulk", "bulk-build", "bulk-build"}},
	}
	if err := b.each(ctx, steps...); err != nil {
		return err
	}
	for i := range bulkBuilds {
		if err := b.importBulk(ctx, i); err != nil {
			return err
		}
		steps := []step{{"packageListAdd", []any{"bulk-build", bulkName(i), "admin"}}}
		if i < bulkBuilds-1 {
			steps = append(steps, step{"tagBuildBypass", []any{"bulk-build", bulkNVR(i)}})
		}
		if err := b.each(ctx, steps...); err != nil {
			return err
		}
	}
	return nil
}

// importBulk makes a build of many small packages and imports it.
func (b *bench) importBulk(ctx context.Context, i int) error {
	dir := filepath.Join(b.dir, "bulk", bulkName(i))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	spec := filepath.Join(dir, bulkName(i)+".spec")
	if err := os.WriteFile(spec, []byte(bulkSpec(bulkName(i))), 0o644); err != nil {
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
	folder := "cli-import/" + bulkName(i)
	for _, file := range append(srpms, files...) { // the source makes the build
		if err := b.Client.UploadFile(ctx, file, folder, "", client.UploadOptions{}); err != nil {
			return err
		}
		if err := b.each(ctx, step{"importRPM", []any{folder, filepath.Base(file)}}); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// bulkSpec is a package with many subpackages.
func bulkSpec(name string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Name: %s\nVersion: 1\nRelease: 1\nSummary: Many\nLicense: MIT\nBuildArch: noarch\n%%description\nMany.\n", name)
	for i := 1; i < bulkRPMs; i++ {
		fmt.Fprintf(&s, "%%package p%d\nSummary: Part %[1]d\nRequires: bash\n%%description p%[1]d\nPart %[1]d.\n", i)
	}
	fmt.Fprintf(&s, "%%install\nmkdir -p %%{buildroot}/usr/share/%s\ncd %%{buildroot}/usr/share/%[1]s\ntouch $(seq 0 %d)\n", name, bulkRPMs-1)
	fmt.Fprintf(&s, "%%files\n/usr/share/%s/0\n", name)
	for i := 1; i < bulkRPMs; i++ {
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

// createrepo runs createrepo_c over what a repository lists.
func (b *bench) createrepo(ctx context.Context, repo int64, out string, args ...string) (time.Duration, error) {
	dir := filepath.Join(b.Env["TOJI_TOPDIR"], "repos", "bulk-build", fmt.Sprint(repo), "x86_64")
	args = append([]string{"-q", "-o", out, "-i", filepath.Join(dir, "pkglist")}, args...)
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

// dirty measures how long it takes until one change of a parent is in the
// repositories of many tags, each of which has to be made once.
func (b *bench) dirty(ctx context.Context) error {
	if err := b.each(ctx, step{"createTag", []any{"dirty-base"}}); err != nil {
		return err
	}
	for i := range dirtyTags {
		name := fmt.Sprintf("dirty-%d", i)
		if err := b.each(ctx, step{"createTag", []any{name, "dirty-base", "x86_64"}}, step{"createBuildTarget", []any{name, name, "dirty-base"}}); err != nil {
			return err
		}
	}
	if _, err := b.db.Exec(ctx, `INSERT INTO repo (tag_id, state, opts, custom_opts)
		SELECT id, 1, '{}', '{}' FROM tag WHERE name ~ '^dirty-[0-9]'`); err != nil {
		return err
	}
	sent := time.Now()
	if err := b.each(ctx, step{"packageListAdd", []any{"dirty-base", "late", "admin"}}); err != nil {
		return err
	}
	if err := b.allMade(ctx); err != nil {
		return err
	}
	took := time.Since(sent)
	made, err := database.One[int64](ctx, b.db, `SELECT count(*) FROM repo r JOIN tag t ON t.id = r.tag_id WHERE t.name ~ '^dirty-[0-9]' AND r.task_id IS NOT NULL`)
	if err != nil {
		return err
	}
	if made != dirtyTags {
		return fmt.Errorf("%d repositories were made for %d tags", made, dirtyTags)
	}
	b.report.add(fmt.Sprintf("a change in the parent of %d tags", dirtyTags), "to the last repository / for each", "s",
		took.Seconds(), took.Seconds()/dirtyTags)
	return nil
}

// allMade waits until no request for a repository is left.
func (b *bench) allMade(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Minute, errors.New("repositories are still missing"))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := database.One[int64](ctx, b.db, `SELECT count(*) FROM tag t WHERE t.name ~ '^dirty-[0-9]'
			AND NOT EXISTS (SELECT 1 FROM repo r WHERE r.tag_id = t.id AND r.state = 1 AND r.task_id IS NOT NULL)`)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
