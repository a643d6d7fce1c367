package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// Koji's own programs beside ours. They need a checkout of Koji 1.35 and what its
// programs import:
//
//	TOJI_KOJI_CHECKOUT=/path/to/koji go test ./tests/integration -run Stock -v

// stock is a checkout of Koji.
type stock struct {
	*lab
	dir, temp string
}

func startStock(t *testing.T) *stock {
	t.Helper()
	dir := os.Getenv("TOJI_KOJI_CHECKOUT")
	if dir == "" {
		t.Skip("TOJI_KOJI_CHECKOUT names no checkout of Koji")
	}
	return &stock{start(t), dir, t.TempDir()}
}

// command is one of Koji's programs, by its path in the checkout.
func (s *stock) command(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", append([]string{filepath.Join(s.dir, program)}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+strings.Join([]string{s.dir, filepath.Join(s.dir, "cli"), s.temp}, ":"), "PYTHONDONTWRITEBYTECODE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// daemon runs one of Koji's daemons with its own certificate until the test ends,
// or stop is called, which returns all that it has written.
func (s *stock) daemon(t *testing.T, program, cert string, settings ...string) (stop func() string) {
	t.Helper()
	section := filepath.Base(program)
	conf := filepath.Join(s.temp, section+".conf")
	settings = append([]string{"[" + section + "]", "server = " + s.Env["TOJI_TLS_URL"] + "/kojihub", "cert = " + cert,
		"serverca = " + filepath.Join(s.Dir, "tls", "ca.pem"), "topdir = " + s.Env["TOJI_TOPDIR"], "sleeptime = 1"}, settings...)
	require.NoError(t, os.WriteFile(conf, []byte(strings.Join(settings, "\n")+"\n"), 0o600))
	cmd := s.command(t, program, "-c", conf, "-f", "-d")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	stop = func() string {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				_ = cmd.Process.Kill()
				<-ended
				t.Error(program + " does not end")
			}
		}
		return out.String()
	}
	t.Cleanup(func() {
		if text := stop(); t.Failed() {
			t.Log(text)
		}
	})
	return stop
}

// certificate is that of a user, or of a host that is known.
func (s *stock) certificate(t *testing.T, user string) string {
	t.Helper()
	s.login(t, user)
	return filepath.Join(s.Dir, "tls", "user-"+user+".pem")
}

// kojira finds nothing left to do, and breaks nothing.
func TestStockKojira(t *testing.T) {
	t.Parallel()
	s := startStock(t)
	tag := "kojira-build"
	call(t, s.lab, api.CreateTag, api.CreateTagParams{Name: tag, Arches: "x86_64"})
	call(t, s.lab, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: tag, BuildTag: tag, DestTag: tag})
	call(t, s.lab, api.EditTag2, api.EditTag2Params{TagInfo: tag, Changes: map[string]any{"extra": map[string]any{"repo.auto": true}}})
	await(t, "a repository without a request", func() bool {
		return s.count(t, `SELECT count(*) FROM repo WHERE tag_id = (SELECT id FROM tag WHERE name = $1) AND state = 1`, tag) == 1
	})
	// What the hub has seen of external repositories is what kojira will see.
	awaitFor(t, 90*time.Second, "a look at the external repository", func() bool {
		return s.count(t, `SELECT count(*) FROM external_repo_data`) > 0
	})
	cert := s.certificate(t, "kojira-bot")
	call(t, s.lab, api.GrantPermission, api.GrantPermissionParams{UserInfo: "kojira-bot", Permission: "repo"})
	log := filepath.Join(s.temp, "kojira.log")
	stop := s.daemon(t, "util/kojira", cert, "logfile = "+log, "check_external_repos = true")
	text := func() string {
		b, _ := os.ReadFile(log) // not there yet
		return string(b)
	}
	awaitFor(t, 90*time.Second, "three rounds of kojira", func() bool { return strings.Count(text(), "Tracking ") >= 3 })
	end := stop() + text()
	for _, thread := range []string{"currency", "regen", "autoregen", "rmtree", "check_external"} {
		require.Contains(t, end, thread+" thread starting")
	}
	did := regexp.MustCompile(`Traceback|\[ERROR\]|Error in |Expiring |Problem repo|Set repo|Queuing rmtree|Removing stray|Updating timestamp|thread died`)
	require.Empty(t, did.FindAllString(end, -1), end)
	const byKojira = ` WHERE owner = (SELECT id FROM users WHERE name = 'kojira-bot')`
	require.Zero(t, s.count(t, `SELECT count(*) FROM task`+byKojira))
	require.Zero(t, s.count(t, `SELECT count(*) FROM repo_queue`+byKojira))
}

// kojid works beside our builders: it takes the tasks that it is given, and they
// end well, with a fault or by a cancel.
func TestStockKojid(t *testing.T) {
	t.Parallel()
	s := startStock(t)
	const name = "kojid.example.org"
	call(t, s.lab, api.AddHost, api.AddHostParams{Hostname: name, Arches: []string{"x86_64"}})
	call(t, s.lab, api.AddHostToChannel, api.AddHostToChannelParams{Hostname: name, ChannelName: name, Create: true})
	call(t, s.lab, api.RemoveHostFromChannel, api.RemoveHostFromChannelParams{Hostname: name, ChannelName: "default"})
	cert := s.certificate(t, name)
	// It imports a module for dist repos that not every system has, and takes
	// nothing on a machine that is busy, as one under test is.
	for module, text := range map[string]string{
		"multilib": "multilib = None\n", "sitecustomize": "import os\nos.getloadavg = lambda: (0.0, 0.0, 0.0)\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(s.temp, module+".py"), []byte(text), 0o644))
	}
	// kojid looks into it for buildroots, also where there is no mock.
	if os.Mkdir("/etc/mock", 0o755) == nil {
		t.Cleanup(func() { _ = os.Remove("/etc/mock") })
	}
	if os.Mkdir("/etc/mock/koji", 0o755) == nil {
		t.Cleanup(func() { _ = os.Remove("/etc/mock/koji") })
	}
	mock, work := filepath.Join(s.temp, "mock"), filepath.Join(s.temp, "work")
	for _, dir := range []string{mock, work} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	stop := s.daemon(t, "builder/kojid", cert, "workdir = "+work, "mockdir = "+mock, "minspace = 1", "topurl = "+s.Env["TOJI_URL"]+"/kojifiles")
	awaitFor(t, time.Minute, name+" being ready", func() bool {
		return call(t, s.lab, api.GetHost, api.GetHostParams{HostInfo: name, Strict: true}).Ready
	})
	good, bad, long := s.sleep(t, name, 0, nil), call(t, s.lab, api.MakeTask, api.ArgsParams{Args: []any{"sleep", []any{"long"}},
		Opts: map[string]any{"channel": name}}), s.sleep(t, name, 600, nil)
	s.awaitState(t, long, koji.TaskOpen)
	call(t, s.lab, api.CancelTask, api.CancelTaskParams{TaskID: long, Recurse: true})
	s.closed(t, good)
	require.NotEmpty(t, s.failed(t, bad).Msg)
	require.Equal(t, koji.TaskCanceled, s.state(t, long))
	for _, id := range []int64{good, bad, long} {
		attempts := s.status(t, id).Attempts
		require.Len(t, attempts, 1)
		require.Equal(t, name, *attempts[0].Host)
	}
	require.NotRegexp(t, `\[ERROR\] .* koji\.build:`, stop(), "its main loop")
}

// The commands about repositories, of Koji's client and of ours, do the same.
func TestStockRepoCommands(t *testing.T) {
	t.Parallel()
	s := startStock(t)
	for name, client := range map[string]func(...string) *exec.Cmd{
		"koji": func(args ...string) *exec.Cmd {
			return s.command(t, "cli/koji", append([]string{"-c", filepath.Join(s.Dir, "koji.conf"), "-p", "toji"}, args...)...)
		},
		"toji": func(args ...string) *exec.Cmd {
			return exec.Command(s.toji, append([]string{"-c", filepath.Join(s.Dir, "koji.conf"), "-p", "toji"}, args...)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			tag := "commands-" + name
			call(t, s.lab, api.CreateTag, api.CreateTagParams{Name: tag, Arches: "x86_64"})
			event := s.count(t, `SELECT max(id) FROM events`)
			do := func(code int, want string, args ...string) string {
				t.Helper()
				cmd := client(args...)
				limit := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // it says then what it waits for
				defer limit.Stop()
				out, err := cmd.CombinedOutput()
				exit := 0
				if e, ok := err.(*exec.ExitError); ok {
					exit, err = e.ExitCode(), nil
				}
				require.NoError(t, err)
				require.Equal(t, code, exit, "%v: %s", args, out)
				require.Regexp(t, want, string(out))
				return string(out)
			}
			repo := func(out string) string {
				t.Helper()
				return regexp.MustCompile(`Got repo (\d+)`).FindStringSubmatch(out)[1]
			}
			const got = `Got repo \d+\n.*repoinfo\?repoID=\d+`
			do(2, `No such tag: nowhere`, "wait-repo", "nowhere")
			first := repo(do(0, got, "request-repo", "--wait", "--current", tag))
			require.Equal(t, first, repo(do(0, got, "request-repo", "--wait", "--min-event", fmt.Sprint(event), tag)), "it will do")
			require.Equal(t, first, repo(do(0, got, "regen-repo", "--wait", tag)), "it is current")
			do(0, `ID: `+first+`\n.*\nTag name: `+tag+`\nState: READY\n`, "repoinfo", first)

			call(t, s.lab, api.PackageListAdd, api.PackageListAddParams{TagInfo: tag, PkgInfo: "hello-noarch", Owner: "admin"})
			second := repo(do(0, got, "regen-repo", "--wait", tag))
			require.NotEqual(t, first, second)
			old := repo(do(0, got, "request-repo", "--wait", "--at-event", fmt.Sprint(event), tag))
			require.Equal(t, event, s.count(t, `SELECT create_event FROM repo WHERE id = $1`, old))
			call(t, s.lab, api.PackageListBlock, api.PackageListParams{TagInfo: tag, PkgInfo: "hello-noarch"})
			third := repo(do(0, `(?s)`+got, "wait-repo", "--request", "--verbose", tag))
			require.NotEqual(t, second, third)
			do(0, `State: EXPIRED`, "repoinfo", second)
			do(2, `Cannot specify both`, "request-repo", "--min-event=1", "--at-event=1", tag)
			do(0, `Created task: \d+`, "regen-repo", "--make-task", "--nowait", tag)
		})
	}
}
