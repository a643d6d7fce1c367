package main

import (
	"io"
	"os"
)

// dieWithParent ends the process as soon as lifeline reaches its end: the other end of the
// pipe is held by the supervisor and by nobody else, so the kernel closes it however the
// supervisor dies, kill -9 included. Nothing is tidied up; PostgreSQL makes that safe.
func dieWithParent(lifeline *os.File) {
	_, _ = io.Copy(io.Discard, lifeline)
	os.Exit(1)
}
