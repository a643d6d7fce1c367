// Package buildroot makes the roots that packages are built in, and builds.
//
// Two drivers do the same work with the same logs, results and exit codes:
//
//	mock    runs the program mock, as Koji's builder does
//	native  needs only dnf, rpm and bubblewrap:
//
//	    base root (shared, read only)   one per repository, arch and group,
//	        |  overlayfs                made by dnf --installroot
//	    the build's root                build dependencies by dnf builddep
//	        |  bubblewrap, uid 1000, no network
//	    rpmbuild
//
// All that takes long runs as steps outside of the daemon (workers/step): a
// daemon that was restarted asks for the same job again and gets the running one.
//
// On disk, a root is Root.Dir() with mock's layout:
//
//	root/    the root file system (native: mounted only while a step runs)
//	result/  packages and logs
//
// Files that the build user can write are never trusted: they are opened through
// os.Root, as regular files only.
package buildroot

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// Driver makes buildroots and builds in them.
type Driver interface {
	// Init makes the root, ready for a job. A root that cannot be made from its
	// repository is a BuildrootError, trouble of the host is one of
	// koji.KindInfrastructure.
	Init(ctx context.Context, root Root) (Chroot, error)
	// Build does one job in the root. Sources that cannot be built are a
	// BuildError. The Result is as complete as possible beside an error, too.
	Build(ctx context.Context, root Root, job Job) (Result, error)
	// Clean removes the root and all its files.
	Clean(ctx context.Context, root Root) error
}

// Runner runs commands; *step.Runner outside of the daemon's life. Names are
// unique within a root, and asking for a name again returns the same run.
type Runner interface {
	Run(ctx context.Context, name string, spec step.Spec) (step.Exit, error)
}

// Root says what a buildroot is made of.
type Root struct {
	// Tag, ID and RepoID are the names of Koji: build tag, buildroot and repository.
	Tag    string
	ID     int64
	RepoID int64
	// BaseDir holds all roots, such as /var/lib/mock. Unprivileged users must be
	// able to pass through it.
	BaseDir string
	// WorkDir is the task's directory; mock_output.log is written there.
	WorkDir string
	// Repos are the base URLs of the repositories; several are not mirrors.
	Repos []string
	// Arch is the repository's arch (i386); TargetArch the root's own where
	// it has another name (armv7hl for armhfp).
	Arch, TargetArch string
	// Group is the comps group to install; "build" when empty.
	Group string
	// Extra is the tag's extra data: mock.*, rpm.macro.* and rpm.env.* count.
	Extra map[string]any
	// Vendor, Packager, Distribution and Host (koji-linux-gnu) fill rpm's macros.
	Vendor, Packager, Distribution, Host string
	// Network gives builds the host's network and name resolution.
	Network bool
	// Binds are directories of the host to show inside: outside path to inside path.
	Binds map[string]string
	// Mounts are directories of the host that are inside at the same place, where
	// commands of root's can write to them.
	Mounts []string
	// Timeout ends an rpmbuild; 24 hours when 0.
	Timeout time.Duration
	// Proxy is an HTTP proxy for the package manager.
	Proxy string
	// BootstrapImage allows tags to ask for mock.bootstrap_image.
	BootstrapImage bool
}

// Name returns TAG-BUILDROOTID-REPOID, by which Koji's logs and configuration
// files name the root.
func (r Root) Name() string { return fmt.Sprintf("%s-%d-%d", r.Tag, r.ID, r.RepoID) }

// Dir returns the directory of all files of the root.
func (r Root) Dir() string { return filepath.Join(r.BaseDir, r.Name()) }

// RootDir returns the root file system.
func (r Root) RootDir() string { return filepath.Join(r.Dir(), "root") }

// ResultDir returns the directory of results and logs.
func (r Root) ResultDir() string { return filepath.Join(r.Dir(), "result") }

// OutputLog returns the file with what mock, or the native driver, prints.
func (r Root) OutputLog() string { return filepath.Join(r.WorkDir, "mock_output.log") }

// LogGlobs returns the patterns of all log files of the root. They appear while
// a job runs, and may be truncated or replaced.
func (r Root) LogGlobs() []string {
	return []string{
		filepath.Join(r.ResultDir(), "*.log"),
		filepath.Join(r.RootDir(), "var/log/dnf*.log"),
		filepath.Join(r.Dir(), "upper/var/log/dnf*.log"), // of the native driver
		r.OutputLog(),
	}
}

// Defaults of a Root.
const (
	defaultGroup   = "build"
	defaultTimeout = 24 * time.Hour
	defaultHost    = "koji-linux-gnu"
)

func (r Root) group() string {
	if r.Group != "" {
		return r.Group
	}
	return defaultGroup
}

func (r Root) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return defaultTimeout
}

func (r Root) targetArch() string {
	if r.TargetArch != "" {
		return r.TargetArch
	}
	return r.Arch
}

func (r Root) validate() error {
	switch {
	case r.Tag == "" || strings.HasPrefix(r.Tag, ".") || strings.Contains(r.Tag, "/"):
		return fmt.Errorf("buildroot: bad tag name %q", r.Tag)
	case !filepath.IsAbs(r.BaseDir) || !filepath.IsAbs(r.WorkDir):
		return errors.New("buildroot: BaseDir and WorkDir must be absolute paths")
	case r.Arch == "":
		return errors.New("buildroot: no arch")
	case len(r.Repos) == 0:
		return errors.New("buildroot: no repository")
	}
	for _, url := range r.Repos {
		if strings.ContainsAny(url, " \t\r\n") {
			return fmt.Errorf("buildroot: bad repository URL %q", url)
		}
	}
	return nil
}

// TmpDir is a directory inside of every root that outlives a job, unlike /tmp
// and /builddir.
const TmpDir = "/chroot_tmpdir"

// Chroot is a root that is ready.
type Chroot struct {
	// Packages are those installed.
	Packages []Package
	// TmpDir is the path outside of TmpDir inside. It exists, is empty, and
	// belongs to Owner.
	TmpDir string
	// Owner is the build user, to whom files put into TmpDir must belong.
	Owner step.User
}

// Job is one thing to do in a root: exactly one of its fields is set.
type Job struct {
	Rebuild     *Rebuild     `json:",omitempty"`
	BuildSRPM   *BuildSRPM   `json:",omitempty"`
	RebuildSRPM *RebuildSRPM `json:",omitempty"`
	Install     *Install     `json:",omitempty"`
	Command     *Command     `json:",omitempty"`
}

// Rebuild builds binary packages of a source package.
type Rebuild struct {
	SRPM string // path outside of the root
	Arch string // rpmbuild's --target: "noarch", "i686"; the root's own when empty
}

// BuildSRPM makes a source package of a spec file and its sources.
type BuildSRPM struct {
	// Spec and Sources (a directory) are paths outside, below Chroot.TmpDir.
	Spec, Sources string
	// SourceCmd runs in SourceDir first, if any, to fetch what is missing.
	SourceCmd []string
	// SourceDir is Sources when empty.
	SourceDir string
}

// RebuildSRPM unpacks a source package and packs it again, in the root's terms.
type RebuildSRPM struct {
	SRPM string // path outside of the root
}

// Install adds packages to the root.
type Install struct {
	Packages []string // as the package manager's command line takes them
}

// Command runs a command in the root. One that fails is a BuildrootError.
type Command struct {
	Name     string // names the step, as "uname"
	Argv     []string
	Dir      string // inside of the root; "/" when empty
	Unpriv   bool   // as the build user instead of root
	HostArch bool   // the kernel names the host's arch, where the root's is another
	// Fetch are files inside, by their paths from /, that are copied to the directory FetchTo
	// once the command has ended, however it did. Those that are not there, or
	// are no regular files, are left out.
	Fetch   []string
	FetchTo string
}

func (j Job) validate() error {
	n := 0
	for _, set := range []bool{j.Rebuild != nil, j.BuildSRPM != nil, j.RebuildSRPM != nil, j.Install != nil, j.Command != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("buildroot: a job has to be one thing, not %d", n)
	}
	if j.Install != nil {
		return j.Install.validate()
	}
	if c := j.Command; c != nil && (c.Name == "" || len(c.Argv) == 0) {
		return errors.New("buildroot: a command needs a name and arguments")
	}
	return nil
}

func (i Install) validate() error {
	if len(i.Packages) == 0 {
		return errors.New("buildroot: nothing to install")
	}
	for _, name := range i.Packages {
		if name == "" || strings.HasPrefix(name, "-") {
			return koji.BuildrootErrorf("%q is no package", name).WithKind(koji.KindPackage)
		}
	}
	return nil
}

// step returns the name of the step that does the job.
func (j Job) step() string {
	switch {
	case j.Rebuild != nil:
		return "rebuild"
	case j.BuildSRPM != nil:
		return "buildsrpm"
	case j.RebuildSRPM != nil:
		return "rebuildsrpm"
	case j.Install != nil:
		return "install"
	}
	return "command-" + j.Command.Name
}

// Result is what a job left in Root.ResultDir.
type Result struct {
	// RPMs, SRPMs and Logs are file names, sorted. Unexpected are all others.
	RPMs, SRPMs, Logs, Unexpected []string
	// Packages are those installed in the root after the job.
	Packages []Package
	// Exit says how the job's process ended; a Command's is its own, once it ran.
	Exit step.Exit
}
