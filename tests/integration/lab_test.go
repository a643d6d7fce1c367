// Package integration tests a whole Toji from outside: real PostgreSQL, Temporal,
// dnf, rpmbuild, createrepo_c and git, packages in, packages out.
//
// All tests share one stack, the laboratory, which the first test starts. Tests
// that leave it as it was run in parallel; those that kill parts of it do not.
// It needs root, as every builder does, and fills buildroots from the tiny seed
// repository, so that a build takes seconds.
package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporalclient "go.temporal.io/sdk/client"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

var (
	update  = flag.Bool("update", false, "record workflows/testdata/histories anew")
	verbose = flag.Bool("stack", false, "show what the stack prints")
	keep    = flag.Bool("keep", false, "keep the stack's directory")
)

// lab is a running Toji with something to build for.
//
//	target plain   builds in plain-build, which nothing changes; puts into plain
//	target chain   builds in chain-build, which inherits from chain, where it puts
type lab struct {
	*stack.Stack
	dir      string   // of everything; the stack's is below
	toji     string   // the program
	args     []string // more arguments of toji dev
	db       *database.DB
	temporal temporalclient.Client
	serial   atomic.Int64 // makes what tests make unique
}

// shared is the laboratory of all tests.
var shared struct {
	once    sync.Once
	lab     *lab
	missing string
	err     error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if shared.lab != nil {
		if code == 0 { // a test that failed may have left anything
			for _, trouble := range shared.lab.audit(context.Background()) {
				fmt.Fprintln(os.Stderr, "FAIL: left behind:", trouble)
				code = 1
			}
		}
		if err := shared.lab.close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// start returns the laboratory.
func start(t *testing.T) *lab {
	t.Helper()
	shared.once.Do(func() {
		if shared.missing = missing(); shared.missing == "" {
			shared.lab, shared.err = open(context.WithoutCancel(t.Context()))
		}
	})
	testenv.Need(t, shared.missing == "", shared.missing)
	require.NoError(t, shared.err)
	return shared.lab
}

const temporalServer = "../../bin/temporal-server"

// missing names what this machine lacks.
func missing() string {
	if os.Geteuid() != 0 {
		return "root, who alone fills buildroots"
	}
	for _, program := range []string{"go", "rpmbuild", "rpm", "dnf", "createrepo_c", "git", temporalServer} {
		if _, err := exec.LookPath(program); err != nil {
			return "the program " + program + " (make build, deploy/setup.sh)"
		}
	}
	return ""
}

func open(ctx context.Context) (*lab, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	// The users of the database and of builds pass through.
	dir, err := os.MkdirTemp("/var/tmp", "toji-integration-")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, toji: os.Getenv("TOJI_BIN")}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	if err := l.makePrograms(ctx); err != nil {
		return nil, err
	}
	if err := l.startStack(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if err := l.furnish(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// makePrograms makes the seed, unless an earlier run has, and the program, unless
// TOJI_BIN names one to test.
func (l *lab) makePrograms(ctx context.Context) error {
	commands := [][]string{{"../../deploy/seed/mkseed", "-p", "tiny", "-s", seedSource(), "-o", l.seed()}}
	if l.toji == "" {
		l.toji = filepath.Join(l.dir, "toji")
		commands = append(commands, []string{"go", "build", "-trimpath", "-o", l.toji, "../../cmd/toji"})
	}
	for _, argv := range commands {
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", argv, err, out)
		}
	}
	return nil
}

// seedSource says where the seed's files are from: Debian's mirror, whose
// packages are cached from run to run, or this machine.
func seedSource() string {
	if source := os.Getenv("TOJI_SEED_SOURCE"); source != "" {
		return source
	}
	return "apt"
}

// seed is the repository that buildroots are filled from, the same for all runs.
func (l *lab) seed() string { return "/var/tmp/toji-integration-seed" }

// startStack starts a stack in the laboratory's directory, the first time or
// again.
func (l *lab) startStack(ctx context.Context) error {
	server, err := filepath.Abs(temporalServer)
	if err != nil {
		return err
	}
	o := stack.Options{Toji: l.toji, Dir: filepath.Join(l.dir, "stack"), Args: append([]string{"--temporal-server", server}, l.args...)}
	if *verbose {
		o.Output = os.Stderr
	}
	if l.Stack, err = stack.Start(ctx, o); err != nil {
		return err
	}
	if l.db == nil {
		l.db, err = database.Open(ctx, l.Env["TOJI_DATABASE"], database.Options{Name: "integration test", MaxConns: 4})
		if err != nil {
			return err
		}
		l.temporal, err = temporalclient.NewLazyClient(temporalclient.Options{
			HostPort: l.Env["TOJI_TEMPORAL"], Namespace: "toji", Logger: silent{},
		})
	}
	return err
}

// silent is a log of Temporal's client that nobody reads.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

func (l *lab) close() error {
	var errs []error
	if l.temporal != nil {
		l.temporal.Close()
	}
	if l.db != nil {
		_ = l.db.Close() // a connection that a test has cut tells so
	}
	if l.Stack != nil {
		errs = append(errs, l.Stop())
	}
	if *keep {
		fmt.Fprintln(os.Stderr, "the stack's directory is", l.dir)
	} else {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	return errors.Join(errs...)
}

// packages are those of testdata, which the destination tags list.
var packages = []string{"hello-noarch", "use-noarch", "fail-build", "bad-br", "slow-build", "multi"}

// furnish makes tags, targets and groups.
func (l *lab) furnish(ctx context.Context) error {
	// Parallel tests shall not wait for each other's builds.
	capacity := api.EditHostParams{HostInfo: "builder1", Changes: map[string]any{"capacity": 40.0}}
	if _, err := rpc.Invoke(ctx, l.Client, api.EditHost, capacity); err != nil {
		return err
	}
	url := api.CreateExternalRepoParams{Name: "seed", URL: "file://" + l.seed()}
	if _, err := rpc.Invoke(ctx, l.Client, api.CreateExternalRepo, url); err != nil {
		return err
	}
	return errors.Join(l.makeTarget(ctx, "plain", false), l.makeTarget(ctx, "chain", true))
}

// makeTarget makes a target, its destination tag of the same name and the build
// tag NAME-build, which may inherit from it.
func (l *lab) makeTarget(ctx context.Context, name string, inherits bool) error {
	build := api.CreateTagParams{Name: name + "-build", Arches: "x86_64"}
	if inherits {
		build.Parent = name
	}
	return errors.Join(
		invoke(ctx, l, api.CreateTag, api.CreateTagParams{Name: name, Arches: "x86_64"}),
		l.listPackages(ctx, name),
		invoke(ctx, l, api.CreateTag, build),
		invoke(ctx, l, api.AddExternalRepoToTag, api.AddExternalRepoToTagParams{TagInfo: build.Name, RepoInfo: "seed", Priority: 10}),
		l.fillGroups(ctx, build.Name),
		invoke(ctx, l, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: name, BuildTag: build.Name, DestTag: name}),
	)
}

func (l *lab) listPackages(ctx context.Context, tag string) (err error) {
	for _, name := range packages {
		err = errors.Join(err, invoke(ctx, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: tag, PkgInfo: name, Owner: "admin"}))
	}
	return err
}

func (l *lab) fillGroups(ctx context.Context, tag string) (err error) {
	for _, group := range []string{"build", "srpm-build", "wrapper-rpm-build"} {
		err = errors.Join(err, invoke(ctx, l, api.GroupListAdd, api.GroupListAddParams{TagInfo: tag, GrpInfo: group}))
		for _, name := range []string{"seed-filesystem", "seed-tiny"} {
			err = errors.Join(err, invoke(ctx, l, api.GroupPackageListAdd,
				api.GroupPackageListAddParams{TagInfo: tag, GrpInfo: group, PkgName: name}))
		}
	}
	return err
}

// invoke calls a method of which only the success is of interest.
func invoke[P, R any](ctx context.Context, l *lab, m rpc.Method[P, R], p P) error {
	if _, err := rpc.Invoke(ctx, l.Client, m, p); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return nil
}
