package devstack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary play the programs that the tests start: with the
// environment variable below it is one of them.
func TestMain(m *testing.M) {
	switch os.Getenv(playEnv) {
	case "":
		os.Exit(m.Run())
	case "child":
		playChild()
	case "deaf":
		playDeaf()
	case "supervisor":
		playSupervisor()
	case "failing":
		fmt.Fprintln(os.Stderr, `time=now level=INFO msg="going well"`)
		fmt.Fprintln(os.Stderr, `time=now level=ERROR msg="cannot go on" reason="no luck"`)
		fmt.Fprintln(os.Stderr, "goroutine 1 [running]:")
		os.Exit(3)
	}
}

const playEnv = "DEVSTACK_TEST_PLAYS"

// playChild ends with its lifeline, as every child does.
func playChild() {
	fmt.Println("child", os.Getpid())
	_, _ = io.Copy(io.Discard, os.NewFile(lifelineFD, "lifeline"))
	os.Exit(1)
}

// playDeaf ends neither with its lifeline nor when it is asked to.
func playDeaf() {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("deaf")
	time.Sleep(time.Minute)
}

// playSupervisor starts two children: one that listens to its lifeline and one
// that the kernel has to kill.
func playSupervisor() {
	lifeline, hold, err := os.Pipe()
	if err != nil {
		os.Exit(1)
	}
	defer hold.Close()
	for _, part := range []string{"child", "deaf"} {
		os.Setenv(playEnv, part)
		p := program{name: part, argv: []string{os.Args[0]}, lifeline: lifeline,
			logFile: filepath.Join(os.Getenv("DEVSTACK_TEST_DIR"), part+".log"), console: newConsole(os.Stderr)}
		c, err := p.start(context.Background())
		if err != nil {
			os.Exit(1)
		}
		fmt.Println(c.(*process).os.Pid)
	}
	time.Sleep(time.Minute)
}
