package step

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// killRetry is how long kill waits for the children to die before it looks for
// those that were born meanwhile.
const killRetry = 10 * time.Millisecond

// kill ends everything that the command has started and waits until it is
// reaped: the cgroup in one stroke where there is one, and all descendants,
// which covers a host without cgroups and whoever has left the cgroup.
func (sh *shim) kill() {
	if sh.self.Work != "" {
		// An error leaves it to the loop below; Step.Kill verifies the cgroup.
		_ = signalCgroup(sh.self.Work)
	}
	again := time.NewTicker(killRetry)
	defer again.Stop()
	for {
		// Mostly nothing is left, and looking through all of /proc is dear.
		select {
		case <-sh.empty:
			return
		case <-again.C:
		}
		for _, pid := range descendants(os.Getpid()) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func (sh *shim) removeCgroup() {
	if sh.self.Work != "" {
		_ = removeTree(sh.self.Work) // a leftover is found by Groups.Sweep
	}
}

// descendants lists the children of pid, their children and so on, as /proc
// shows them now.
func descendants(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		fields, err := statFields(child)
		if err != nil {
			continue // gone meanwhile
		}
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	var found []int
	for next := children[pid]; len(next) > 0; {
		child := next[0]
		found = append(found, child)
		next = append(next[1:], children[child]...)
	}
	return found
}
