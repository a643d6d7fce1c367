package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji/api"
)

// buildOptions are those of build.
type buildOptions struct {
	skipTag, scratch, waitRepo, failFast bool
	noProgress, background, draft        bool
	rebuildSRPM, wait                    *bool
	repoID                               *int64
	waitBuilds                           []string
	archOverride, metadata               string

	userMetadata map[string]any // what metadata says
}

func build(a *app) *cobra.Command {
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "build [options] <target> <srpm path or scm url>",
		Short: "Build a package from source",
		Long: "Build a package from source.\n\nThe first argument is the build target, not to be confused with the destination\n" +
			"tag (where the build eventually lands) or build tag (where the buildroot\ncontents are pulled from).\n\n" +
			"You can list all available build targets using the 'toji list-targets' command.",
		Example: "  toji build f40 ./hello-1.0-1.src.rpm\n  toji build --scratch --arch-override x86_64 f40 'git+https://example.org/rpms/hello#main'",
		GroupID: building,
		Args:    nargs(2, 2, "Exactly two arguments (a build target and a SCM URL or srpm file) are required"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return a.build(cmd.Context(), &o, args[0], args[1])
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.skipTag, "skip-tag", false, "do not attempt to tag package")
	fs.BoolVar(&o.scratch, "scratch", false, "perform a scratch build")
	choice(fs, &o.rebuildSRPM, true, "rebuild-srpm", "force rebuilding SRPM for scratch build only")
	choice(fs, &o.rebuildSRPM, false, "no-rebuild-srpm", "force not to rebuild srpm for scratch build only")
	waitFlags(cmd, &o.wait, "wait on the build, even if running in the background", "don't wait on build")
	fs.BoolVar(&o.waitRepo, "wait-repo", false, "wait for a current repo for the build tag")
	fs.StringArrayVar(&o.waitBuilds, "wait-build", nil, "wait for the given `nvr` to appear in buildroot repo")
	fs.StringVar(&o.archOverride, "arch-override", "", "override build arches")
	fs.BoolVar(&o.failFast, "fail-fast", false, "override build_arch_can_fail settings and fail as fast as possible")
	optionalInt(fs, &o.repoID, "repo-id", "use a specific repo")
	fs.BoolVar(&o.noProgress, "noprogress", false, "do not display progress of the upload")
	fs.BoolVar(&o.background, "background", false, "run the build at a lower priority")
	fs.StringVar(&o.metadata, "custom-user-metadata", "", "provide a JSON object of custom metadata to be stored with the build")
	fs.BoolVar(&o.draft, "draft", false, "build draft build instead")
	a.quietFlag(cmd, "do not print the task information")
	a.complete(cmd, nil, a.targets)
	return cmd
}

func (o *buildOptions) validate() error {
	switch {
	case o.rebuildSRPM != nil && !o.scratch:
		return usagef("--no-/rebuild-srpm is only allowed for --scratch builds")
	case o.archOverride != "" && !o.scratch:
		return usagef("--arch_override is only allowed for --scratch builds")
	case o.scratch && o.draft:
		return usagef("--scratch and --draft cannot be both specfied")
	}
	o.userMetadata = map[string]any{}
	if o.metadata == "" {
		return nil
	}
	v, err := api.ParseJSON(o.metadata)
	if err != nil {
		return usagef("--custom-user-metadata is not valid JSON")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return usagef("--custom-user-metadata must be a JSON object")
	}
	o.userMetadata = m
	return nil
}

func (a *app) build(ctx context.Context, o *buildOptions, target, source string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	p := api.BuildTaskParams{Src: source, Target: target}
	if strings.EqualFold(target, "none") && deref(o.repoID) != 0 {
		p.Target = nil
		o.skipTag = true
	} else if err := checkTarget(ctx, h, target, o.scratch); err != nil {
		return err
	}
	if p.Opts, err = o.taskOptions(); err != nil {
		return err
	}
	if o.background {
		p.Priority = ptr(int64(5)) // relative to the default
	}
	if !strings.Contains(source, "://") {
		if p.Src, err = a.uploadSRPM(ctx, h, o, source); err != nil {
			return err
		}
	}
	id, err := rpc.Invoke(ctx, h, api.BuildTask, p)
	if err != nil {
		return err
	}
	if !a.global.quiet {
		printf(a.Stdout, "Created task: %d\n", id)
		printf(a.Stdout, "Task info: %s\n", webPage(h.profile, fmt.Sprint("taskinfo?taskID=", id)))
	}
	return a.watchUnlessAlone(ctx, h, o.wait, id)
}

// checkTarget tells a user of a wrong target before anything is uploaded.
func checkTarget(ctx context.Context, c rpc.Caller, name string, scratch bool) error {
	target, err := rpc.Invoke(ctx, c, api.GetBuildTarget, api.GetBuildTargetParams{Info: name})
	if err != nil {
		return err
	}
	if target == nil {
		return usagef("No such build target: %s", name)
	}
	tag, err := rpc.Invoke(ctx, c, api.GetTag, api.GetTagParams{TagInfo: target.DestTag})
	switch {
	case err != nil:
		return err
	case tag == nil:
		return usagef("No such destination tag: %s", target.DestTagName)
	case tag.Locked && !scratch:
		return usagef("Destination tag %s is locked", tag.Name)
	}
	return nil
}

// taskOptions returns the options that go into the task; their names are wire
// contract, see tasks.BuildOpts.
func (o *buildOptions) taskOptions() (map[string]any, error) {
	opts := map[string]any{"custom_user_metadata": o.userMetadata, "wait_builds": append([]string{}, o.waitBuilds...)}
	if o.archOverride != "" {
		arches, err := parseArches(o.archOverride)
		if err != nil {
			return nil, err
		}
		opts["arch_override"] = arches
	}
	for name, on := range map[string]bool{
		"skip_tag": o.skipTag, "scratch": o.scratch, "fail_fast": o.failFast, "wait_repo": o.waitRepo, "draft": o.draft,
	} {
		if on {
			opts[name] = true
		}
	}
	if o.repoID != nil {
		opts["repo_id"] = *o.repoID
	}
	if o.rebuildSRPM != nil {
		opts["rebuild_srpm"] = *o.rebuildSRPM
	}
	return opts, nil
}

// uploadSRPM sends a file to the hub and returns its path there.
func (a *app) uploadSRPM(ctx context.Context, h *hub, o *buildOptions, file string) (string, error) {
	if !isFile(file) {
		return "", failuref("%s: no such file; a source is an SRPM, or the URL of a source repository as in git+https://host/path#revision", file)
	}
	if !a.global.quiet {
		printf(a.Stdout, "Uploading srpm: %s\n", file)
	}
	dir := a.uniquePath("cli-build")
	upload := client.UploadOptions{Overwrite: true}
	if !a.global.quiet && !o.noProgress && !a.Background() {
		upload.Progress = a.uploadProgress()
	}
	if err := h.UploadFile(ctx, file, dir, "", upload); err != nil {
		return "", err
	}
	printf(a.Stdout, "\n")
	return dir + "/" + filepath.Base(file), nil
}

// uniquePath returns a directory for uploads that no other client has. The time
// in it tells when it may be cleaned up.
func (a *app) uniquePath(prefix string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var suffix [8]byte
	for i := range suffix {
		suffix[i] = letters[rand.IntN(len(letters))]
	}
	now := strconv.FormatFloat(float64(a.Now().UnixMicro())/1e6, 'f', -1, 64)
	return prefix + "/" + now + "." + string(suffix[:])
}

// uploadProgress returns a function that draws how far an upload is.
func (a *app) uploadProgress() func(sent, size int64) {
	start := a.Now()
	last, lastSent := start, int64(0)
	return func(sent, size int64) {
		now := a.Now()
		done := 0.0
		if size > 0 {
			done = float64(sent) / float64(size)
		}
		piece, took := sent-lastSent, now.Sub(last)
		if sent == size { // at the end, the speed of the whole
			piece, took = size, now.Sub(start)
		}
		speed := "- B/sec"
		if took > 0 {
			speed = sizeText(float64(piece)/took.Seconds()) + "/sec"
		}
		printf(a.Stdout, "[%-36s] %4s %8s %10s %14s\r", strings.Repeat("=", int(done*36)),
			fmt.Sprintf("%02d%%", int(done*100)), clock(now.Sub(start)), sizeText(float64(sent)), speed)
		last, lastSent = now, sent
	}
}

// clock returns a duration as hours, minutes and seconds.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// sizeText returns a number of bytes in the unit that suits it.
func sizeText(n float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size {
			return fmt.Sprintf("%.2f %s", n/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.2f B", n)
}
