package devstack

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// console is what the user of `toji dev` sees.
type console struct {
	mu    sync.Mutex
	w     io.Writer
	shown map[string]time.Time // when a warning was last shown
	quiet bool                 // warnings are not shown any more
}

func newConsole(w io.Writer) *console {
	return &console{w: w, shown: make(map[string]time.Time)}
}

// say prints a line.
func (c *console) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Nobody is left to tell when the terminal is gone.
	_, _ = fmt.Fprintf(c.w, format+"\n", args...)
}

// row prints a line of the table of services.
func (c *console) row(name string, took time.Duration, text string) {
	c.say("  %-9s ready  %5.1f s  %s", name, took.Seconds(), text)
}

// quietTime is for how long the same warning is not shown again. All of them
// are in the logs.
const quietTime = 30 * time.Second

// warn shows a warning of a service. topic is what of it tells a new warning
// from a repeated one.
func (c *console) warn(service, topic, text string) {
	key := service + " " + topic
	c.mu.Lock()
	repeated := c.quiet || time.Since(c.shown[key]) < quietTime
	if !repeated {
		c.shown[key] = time.Now()
	}
	c.mu.Unlock()
	if !repeated {
		c.say("%s: %s", service, text)
	}
}

// hush ends the warnings: what goes down together complains about the others.
func (c *console) hush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = true
}

// warning returns what a line of a log in slog's text format warns of: its
// message as topic, and the message with its attributes. ok is false for other
// lines.
func warning(line string) (topic, text string, ok bool) {
	_, rest, found := strings.Cut(" "+line, " level=")
	level, rest, more := strings.Cut(rest, " msg=")
	if !found || !more || !strings.HasPrefix(level, "WARN") && !strings.HasPrefix(level, "ERROR") {
		return "", "", false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		topic, rest, _ = strings.Cut(rest, " ")
		return topic, strings.TrimRight(topic+" "+rest, " "), true
	}
	if topic, err = strconv.Unquote(quoted); err != nil {
		return "", "", false
	}
	return topic, topic + rest[len(quoted):], true
}
