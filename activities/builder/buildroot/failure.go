package buildroot

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// Exit statuses of mock, which the native driver has, too. Only the ones that
// mean something here; mock's documentation has more.
const (
	exitError   = 1  // anything, most often a failed %build
	exitBuild   = 10 // rpmbuild failed
	exitTimeout = 11 // rpmbuild took longer than Root.Timeout
	exitRoot    = 20 // the root could not be set up
	exitDeps    = 30 // the package manager failed, most often: unknown dependency
	exitExtDeps = 31
	exitSource  = 40 // the source package is broken
	exitCommand = 50
	exitUnshare = 80 // no namespaces
	exitWeak    = 120
)

// failed makes the error of a job: fault, Koji's sentence about what was being
// done, and what the exit and the logs in the result directory say.
func failed(fault int, doing, tool string, exit step.Exit, resultDir string) error {
	kind, log := judge(exit, resultDir)
	return koji.Errorf(fault, "%s, %s %v; see %s for more information", doing, tool, exit, log).WithKind(kind)
}

// judge tells whose failure an exit is, and which log shows it.
//
// Koji: it names the log by the exit status alone: build.log for 10, "build.log
// or root.log" for 1, else root.log. Here an exit of 1, which is what mock has
// for a failed %build, is looked at more closely.
func judge(exit step.Exit, resultDir string) (koji.Kind, string) {
	build, root := tail(resultDir, "build.log"), tail(resultDir, "root.log")
	switch {
	case exit.Signal != 0:
		return koji.KindInfrastructure, "root.log"
	case noSpace.MatchString(build):
		return koji.KindInfrastructure, "build.log"
	case exit.Code == exitBuild:
		return koji.KindPackage, "build.log"
	case exit.Code == exitError && rpmbuildFailed(resultDir, build):
		return koji.KindPackage, "build.log"
	case noSpace.MatchString(root), downloadTrouble.MatchString(root):
		return koji.KindInfrastructure, "root.log"
	}
	switch exit.Code {
	case exitError:
		if strings.Contains(lastRun(tail(resultDir, "state.log")), "Start: build ") {
			return koji.KindPackage, "build.log or root.log"
		}
		return koji.KindInfrastructure, "build.log or root.log"
	case exitTimeout, exitDeps, exitExtDeps, exitSource, exitCommand, exitWeak:
		return koji.KindPackage, "root.log"
	}
	return koji.KindInfrastructure, "root.log"
}

var (
	noSpace = regexp.MustCompile(`No space left on device|needs \d+[KMGT]?B more space on the .* filesystem`)
	// What dnf says when it does not get what it asked for, as opposed to when
	// there is no such thing.
	downloadTrouble = regexp.MustCompile(`Failed to download metadata|Errors? during downloading|Error downloading packages|` +
		`Cannot download|Curl error|Could not resolve host|All mirrors were (already )?tried|Status code: 5\d\d`)
	childExit = regexp.MustCompile(`Child return code was: (\d+)`)
)

// rpmbuildFailed tells an ordinary build failure: mock has begun to build, or
// the last command in build.log, as rpmbuild -bs, has failed.
func rpmbuildFailed(resultDir, buildLog string) bool {
	if strings.Contains(lastRun(tail(resultDir, "state.log")), "Start: rpmbuild ") {
		return true
	}
	codes := childExit.FindAllStringSubmatch(lastRun(buildLog), -1)
	return len(codes) > 0 && codes[len(codes)-1][1] != "0"
}

// lastRun cuts a log, which several runs of mock append to, down to the last one.
func lastRun(log string) string {
	if i := strings.LastIndex(log, "Mock Version:"); i >= 0 {
		return log[i:]
	}
	return log
}

// tailSize is how much of a log's end is looked at for the reason of a failure.
const tailSize = 16 << 10

// tail returns the end of a log, "" if there is none.
func tail(dir, name string) string {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailSize {
		f.Seek(-tailSize, io.SeekEnd)
	}
	b, _ := io.ReadAll(io.LimitReader(f, tailSize))
	return string(b)
}
