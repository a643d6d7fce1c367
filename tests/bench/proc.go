package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/tests/stack"
)

// The parts of a stack whose processes are told apart, by their command lines.
var (
	isHub      = mentions(" hub --config")
	isWorker   = mentions(" worker --config")
	isTemporal = mentions("temporal-server")
	isKojiDB   = mentions("postgres: toji koji ")
	isPostgres = mentions("postgres:")
)

func mentions(text string) func(stack.Process) bool {
	return func(p stack.Process) bool { return strings.Contains(p.Command, text) }
}

// processes lists those of the stack that which picks.
func (b *bench) processes(which func(stack.Process) bool) ([]stack.Process, error) {
	all, err := b.Processes()
	if err != nil {
		return nil, err
	}
	var some []stack.Process
	for _, p := range all {
		if which(p) {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("none of the %d processes is it", len(all))
	}
	return some, nil
}

// tick is the unit of times in /proc; Linux shows it to programs as 1/100 s on
// every machine.
const tick = 10 * time.Millisecond

// cpu is the processor time that processes have used.
func cpu(processes []stack.Process) (total time.Duration) {
	for _, p := range processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
		if err != nil {
			continue // it has ended
		}
		// The command's name, which may hold spaces, ends at the last parenthesis.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		for _, field := range fields[11:13] { // utime, stime
			n, _ := strconv.ParseInt(field, 10, 64)
			total += time.Duration(n) * tick
		}
	}
	return total
}
