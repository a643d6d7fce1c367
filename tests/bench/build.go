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

	"github.com/toji-build/toji/internal/rpc/client"
)

// rounds is how often the slow things are measured.
const rounds = 5

// repo measures a repository that has nothing in it: what it costs besides
// createrepo.
func (b *bench) repo(ctx context.Context) error {
	var took []float64
	for i := range rounds {
		tag := fmt.Sprintf("bench-empty-%d", i)
		if err := b.each(ctx, step{"createTag", []any{tag, keywords("arches", "x86_64")}}); err != nil {
			return err
		}
		sent := time.Now()
		end, err := b.runTask(ctx, "newRepo", tag)
		if err != nil {
			return err
		}
		took = append(took, end.at.Sub(sent).Seconds())
	}
	b.report.add(repository, "p50 / worst", "s", percentile(took, 0.5), percentile(took, 1))
	return nil
}

// build measures builds of the smallest package there is, from an uploaded
// source package to the tagged RPMs. The first one fills the caches.
func (b *bench) build(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("only root fills buildroots; leave build out by -only")
	}
	if err := b.prepareBuild(ctx); err != nil {
		return err
	}
	var took []float64
	for i := range rounds + 1 {
		srpm, err := b.sourcePackage(ctx, i)
		if err != nil {
			return err
		}
		sent := time.Now()
		end, err := b.runTask(ctx, "build", srpm, "bench")
		if err != nil {
			return err
		}
		took = append(took, end.at.Sub(sent).Seconds())
		fmt.Fprintf(b.log, "  build %d: %.2f s\n", i, took[i])
	}
	const name = "build hello-noarch, submit to tagged"
	b.report.add(name, "first, empty caches", "s", took[0])
	b.report.add(name, "p50 / worst of warm ones", "s", percentile(took[1:], 0.5), percentile(took[1:], 1))
	return nil
}

// runTask has the hub's method make a task and waits for its good end.
func (b *bench) runTask(ctx context.Context, method string, args ...any) (moment, error) {
	v, err := b.Client.Call(ctx, method, args)
	if err != nil {
		return moment{}, err
	}
	id, ok := v.(int64)
	if !ok {
		return moment{}, fmt.Errorf("%s answers %v", method, v)
	}
	return b.tasks.closed(ctx, id)
}

type step struct {
	method string
	args   []any
}

func (b *bench) each(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if _, err := b.Client.Call(ctx, s.method, s.args); err != nil {
			return fmt.Errorf("%s: %w", s.method, err)
		}
	}
	return nil
}

// prepareBuild makes a target whose build tag has the seed repository, and that
// tag's repository. It is done once.
func (b *bench) prepareBuild(ctx context.Context) error {
	if b.prepared {
		return nil
	}
	if err := script(ctx, "deploy/seed/mkseed", "-p", "tiny", "-o", b.seed); err != nil {
		return err
	}
	steps := []step{
		{"createTag", []any{"bench-dest"}},
		{"createTag", []any{"bench-build", keywords("arches", "x86_64")}},
		{"createExternalRepo", []any{"bench-seed", "file://" + b.seed}},
		{"addExternalRepoToTag", []any{"bench-build", "bench-seed", 10}},
		{"packageListAdd", []any{"bench-dest", "hello-noarch", "admin"}},
		{"createBuildTarget", []any{"bench", "bench-build", "bench-dest"}},
	}
	// As in the seed's comps.xml.
	for _, group := range []string{"build", "srpm-build"} {
		steps = append(steps, step{"groupListAdd", []any{"bench-build", group}},
			step{"groupPackageListAdd", []any{"bench-build", group, "seed-filesystem"}},
			step{"groupPackageListAdd", []any{"bench-build", group, "seed-tiny"}})
	}
	if err := b.each(ctx, steps...); err != nil {
		return err
	}
	_, err := b.runTask(ctx, "newRepo", "bench-build")
	b.prepared = err == nil
	return err
}

// sourcePackage makes and uploads hello-noarch with a release of its own; it
// returns its path for the build call.
func (b *bench) sourcePackage(ctx context.Context, release int) (string, error) {
	sources := "deploy/seed/packages/hello-noarch"
	text, err := os.ReadFile(filepath.Join(sources, "hello-noarch.spec"))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.dir, "srpms", fmt.Sprint(release))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	spec := filepath.Join(dir, "hello-noarch.spec")
	renamed := strings.Replace(string(text), "1%{?dist}", fmt.Sprint(release), 1)
	if err := os.WriteFile(spec, []byte(renamed), 0o644); err != nil {
		return "", err
	}
	source, err := filepath.Abs(sources)
	if err != nil {
		return "", err
	}
	if err := script(ctx, "rpmbuild", "-bs", "--quiet", "--nodeps", "--define", "_topdir "+dir, "--define", "_dbpath "+dir+"/rpmdb",
		"--define", "_sourcedir "+source, "--define", "_srcrpmdir "+dir, spec); err != nil {
		return "", err
	}
	name := fmt.Sprintf("hello-noarch-1.0-%d.src.rpm", release)
	folder := "cli-build/bench-" + fmt.Sprint(release)
	if err := b.Client.UploadFile(ctx, filepath.Join(dir, name), folder, "", client.UploadOptions{}); err != nil {
		return "", err
	}
	return folder + "/" + name, nil
}

func script(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", argv[0], err, out)
	}
	return nil
}
