// Package scm checks sources out on a builder, for a source package to be made.
//
// A checkout is made below the root's TmpDir, so that the root sees it, by the
// daemon's own user, who has the credentials; then it is given to the build user.
package scm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/scm"
	"github.com/toji-build/toji/workers/step"
)

// Runner runs commands; *step.Runner outside of the daemon's life.
type Runner interface {
	Run(ctx context.Context, name string, spec step.Spec) (step.Exit, error)
}

// Checkout says what to check out, and where to.
type Checkout struct {
	SCM   scm.SCM
	Allow scm.Allow
	// Dir is the folder for the checkout, by Koji's name TmpDir/scmroot. It is made.
	Dir string
	// Log gets the commands and their output; by Koji's name checkout.log.
	Log string
	// Owner gets the files in the end; nobody when nil.
	Owner *step.User
}

// Sources are what was checked out.
type Sources struct {
	// Dir is the folder with the sources, below Checkout.Dir.
	Dir string `json:"dir"`
	// Source is the URL with the commit that was found in place of the revision.
	Source string `json:"source"`
}

// Run checks out. What cannot be had is a BuildError, a full disk one of
// koji.KindInfrastructure. Calling it again
// after an interruption goes on where it was.
//
// What was found is kept beside the log: once it is there the files are the
// build user's, who may be at work, and are not touched again.
func Run(ctx context.Context, runner Runner, c Checkout) (Sources, error) {
	done := c.Log + ".json"
	b, err := os.ReadFile(done)
	if err == nil {
		var s Sources
		err = json.Unmarshal(b, &s)
		return s, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Sources{}, err
	}
	s, err := checkOut(ctx, runner, c)
	if err != nil {
		return s, err
	}
	if b, err = json.Marshal(s); err != nil {
		return s, err
	}
	return s, os.WriteFile(done, b, 0o600)
}

func checkOut(ctx context.Context, runner Runner, c Checkout) (Sources, error) {
	if err := c.SCM.Supported(); err != nil {
		return Sources{}, err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return Sources{}, fmt.Errorf("check out: %w", err)
	}
	g := git{runner: runner, Checkout: c, tree: filepath.Join(c.Dir, c.SCM.CheckoutDir())}
	if err := g.checkOut(ctx); err != nil {
		return Sources{}, err
	}
	s := Sources{Dir: filepath.Join(g.tree, c.SCM.Module)}
	if err := within(g.tree, s.Dir); err != nil {
		return s, err
	}
	if c.Allow.UseCommon {
		if err := g.common(ctx, s.Dir); err != nil {
			return s, err
		}
	}
	commit, err := g.head(ctx)
	if err != nil {
		return s, err
	}
	s.Source = source(c.SCM, commit)
	if c.Owner != nil {
		err = chownTree(c.Dir, *c.Owner)
	}
	return s, err
}

// git runs git for a checkout.
type git struct {
	Checkout
	runner Runner
	tree   string // the clone
}

func (g git) checkOut(ctx context.Context) error {
	if err := g.git(ctx, "clone", g.Dir, "clone", "-n", g.SCM.CloneURL(), g.tree); err != nil {
		return err
	}
	err := g.git(ctx, "fetch", g.tree, "fetch", "--", "origin", g.SCM.FetchRef()+":KOJI_FETCH_HEAD")
	if err == nil {
		err = g.git(ctx, "reset", g.tree, "reset", "--hard", "KOJI_FETCH_HEAD")
	}
	if err == nil || ctx.Err() != nil || koji.FaultOf(err) == 0 {
		return err
	}
	// A server does not give out what has no name, such as a shortened commit.
	return g.git(ctx, "reset-revision", g.tree, "reset", "--hard", g.SCM.Revision, "--")
}

// common checks the repository "common" out, where makefiles find it: beside
// the folder of the sources.
func (g git) common(ctx context.Context, sources string) error {
	if err := g.git(ctx, "common", g.Dir, "clone", g.SCM.CommonURL(), "common"); err != nil {
		return err
	}
	link := filepath.Join(filepath.Dir(sources), "common")
	if _, err := os.Lstat(link); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Relative: inside of the root, the folder has another path.
	target, err := filepath.Rel(filepath.Dir(link), filepath.Join(g.Dir, "common"))
	if err != nil {
		return err
	}
	return os.Symlink(target, link)
}

// git runs one command as the step checkout-NAME. What it prints goes to the log
// below a line with the command, as in Koji's.
func (g git) git(ctx context.Context, name, dir string, args ...string) error {
	shown := "git " + g.hidePassword(strings.Join(args, " "))
	argv := append([]string{"/bin/sh", "-c", `printf '$ %s\n' "$0"; exec git "$@"`, shown}, args...)
	exit, err := g.runner.Run(ctx, "checkout-"+name, step.Spec{Argv: argv, Dir: dir, Log: g.Log, Env: gitEnv()})
	if err != nil || exit.OK() {
		return err
	}
	failed := koji.BuildErrorf(`Error running %s command "%s", see %s for details`, g.SCM.Type, shown, filepath.Base(g.Log))
	if hostTrouble.Match(logTail(g.Log)) {
		failed = failed.WithKind(koji.KindInfrastructure)
	}
	return failed
}

// hidePassword blanks the URL's password in a text that users get to see.
func (g git) hidePassword(text string) string {
	_, password, _ := strings.Cut(g.SCM.User, ":")
	if password == "" {
		return text
	}
	return strings.ReplaceAll(text, ":"+password+"@", ":***@")
}

// hostTrouble matches what git says when the host is to blame. A server that
// does not answer is not: the user names it, and must not get hosts quarantined.
var hostTrouble = regexp.MustCompile(`(?i)no space left on device`)

func logTail(file string) []byte {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	// Only the last command's part.
	if i := strings.LastIndex(string(b), "\n$ git "); i >= 0 {
		b = b[i:]
	}
	return b
}

// gitEnv is the environment of git: what it takes from the daemon's own is where
// the credentials and proxies are.
func gitEnv() []string {
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "GIT_TERMINAL_PROMPT=0"}
	for _, name := range []string{"HOME", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// head returns the commit that is checked out.
func (g git) head(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "-c", "safe.directory=*", "rev-parse", "HEAD")
	cmd.Dir, cmd.Env = g.tree, gitEnv()
	out, err := cmd.Output()
	if err != nil {
		return "", koji.Errorf(koji.FaultGeneric, "Error getting commit hash for git: %w", err).WithKind(koji.KindInfrastructure)
	}
	return strings.TrimSpace(string(out)), nil
}

// source writes the URL with a commit. Koji: the user is left out.
func source(s scm.SCM, commit string) string {
	url := s.Scheme + s.Host + s.Repository
	if s.Module != "" {
		url += "?" + s.Module
	}
	return url + "#" + commit
}

// within makes sure that the sources are in the checkout: a link in it could
// lead anywhere.
func within(tree, dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return koji.BuildErrorf("no folder %s in the repository", strings.TrimPrefix(dir, tree+"/"))
	}
	if err != nil {
		return err
	}
	base, err := filepath.EvalSymlinks(tree)
	if err != nil {
		return err
	}
	if real != base && !strings.HasPrefix(real, base+"/") {
		return koji.BuildErrorf("the sources are not in the repository: %s is a link", strings.TrimPrefix(dir, tree+"/"))
	}
	return nil
}

// chownTree gives a folder and everything in it to a user; links themselves, not
// what they point to.
func chownTree(dir string, u step.User) error {
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(u.UID), int(u.GID))
	})
	if err != nil {
		return fmt.Errorf("give the checkout to the build user: %w", err)
	}
	return nil
}
