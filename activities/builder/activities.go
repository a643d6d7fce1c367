// Package builder holds the activities of a build host: what rpmbuild,
// createrepo and git do for a task.
//
// A host is not trusted with more than itself. It reaches the hub only over
// XML-RPC (koji/api), as its own user, and Temporal; it never has a database.
//
// Every activity runs inside of job.go's frame:
//
//	heartbeat   an own loop beside the work, which stops it when the task is
//	            cancelled or was given to another host, but not when Temporal is
//	            away for a while
//	session     a subsession at the hub, for this task's calls and uploads
//	logs        whatever the work writes is sent to the hub while it grows
//	steps       the work's processes, outside of the daemon's life (workers/step)
//	errors      koji.Error: the task fails. koji.KindInfrastructure: it is
//	            given to another host.
//
// An activity that is tried again on the same host finds its folder, its
// buildroot and its running steps, and goes on.
package builder

import (
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"

	"github.com/toji-build/toji/activities/builder/buildroot"
	rpcclient "github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/workers/step"
)

// Options are the parts that a host's activities are made of.
type Options struct {
	Hub      *rpcclient.Client // logged in as the host
	Temporal client.Client     // for heartbeats
	Log      *slog.Logger
	Groups   *step.Groups // cgroups of tasks; without any, processes are found by descent
	Lifeline *os.File     // its end ends all steps; nil in production
	Config   Config
}

// Config says where things are.
type Config struct {
	Host    tasks.HostInfo // who we are
	Arches  string         // the host's arches, separated by spaces
	WorkDir string         // tasks/, roots/, cache/
	TopURL  string         // the hub's files
	TopDir  string         // where they are mounted; empty if they are not
	// AllowedSCMs is Koji's allowed_scms: host:repository[:use_common[:source_cmd]] ...
	AllowedSCMs   string
	IgnoreSCMList bool             // AllowedSCMs does not count
	SCMPolicy     bool             // the hub's policy build_from_scm is asked, after the list
	RunrootMounts []string         // directories that runroot tasks may write to, and those below
	SaveExclude   []string         // what saveFailedTree leaves out, see buildroot.Archive
	SaveVolume    string           // the hub's storage volume that it sends to
	Driver        buildroot.Config // without the runner, which each task has its own of
	MinSpace      uint64           // bytes that must be free below WorkDir to begin a task
	RepoDatabases bool             // build repositories get SQLite databases, for yum
	// Vendor, Packager and Distribution are put into every RPM.
	Vendor, Packager, Distribution string
	// Stop is called by the restart and shutdown tasks.
	Stop func(restart bool)
	// Started is when the daemon started, for restartVerify; seconds since 1970.
	Started float64
}

// Activities is registered with the host's worker; its exported methods are the
// activities.
type Activities struct {
	hub      *rpcclient.Client
	temporal client.Client
	log      *slog.Logger
	groups   *step.Groups
	lifeline *os.File
	cfg      Config
	down     *shutdown
}

// Control is the daemon's hold on its activities; it is apart from them because
// each of their methods is an activity.
type Control struct {
	activities *Activities
}

// New makes a host's activities and the hold on them.
func New(o Options) (*Activities, Control) {
	a := &Activities{
		hub: o.Hub, temporal: o.Temporal, log: o.Log, groups: o.Groups, lifeline: o.Lifeline, cfg: o.Config,
		down: newShutdown(),
	}
	return a, Control{a}
}
