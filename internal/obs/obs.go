// Package obs sets up what a process lets others see of it: its log and its
// metrics.
package obs

import (
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/toji-build/toji/internal/config"
)

// Names of log attributes. The same thing has the same name in every line.
const (
	Method   = "method"   // XML-RPC method or task type
	User     = "user"     // name of the user
	Session  = "session"  // id
	Duration = "duration" // how long something took
	Error    = "error"
	Panic    = "panic"
	Stack    = "stack"
	Task     = "task"  // id
	Host     = "host"  // name of the build host
	Build    = "build" // NVR
	Tag      = "tag"   // name
	Remote   = "remote"
	Path     = "path"
)

// NewLogger returns a logger that writes to w as the configuration says. The
// role of the process ("hub", "worker") goes with every line.
func NewLogger(w io.Writer, c config.Log, role string) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration was validated; a zero one has no level
	}
	opts := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(w, opts)
	if c.Format == "json" {
		handler = slog.NewJSONHandler(w, opts)
	}
	return slog.New(handler).With("role", role)
}

// NewMetrics returns a registry that has Go's and the process's own metrics.
func NewMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return r
}
