package main

import (
	"context"
	"log/slog"
	"os"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
	"go.temporal.io/server/common/quotas"
)

// errorsPerSecond bounds Temporal's error messages: with PostgreSQL away its retries write
// a hundred lines per second, all saying that.
const errorsPerSecond = 5

// temporalLogger lets Temporal's services write to a slog.Logger, so that the process has
// one log in one format. Messages below min are dropped, and so are errors above
// errorsPerSecond.
type temporalLogger struct {
	out    *slog.Logger
	min    slog.Level
	errors quotas.RateLimiter
}

func newTemporalLogger(out *slog.Logger, min slog.Level) temporalLogger {
	limiter := quotas.NewDefaultOutgoingRateLimiter(func() float64 { return errorsPerSecond })
	return temporalLogger{out: out, min: min, errors: limiter}
}

var (
	_ log.Logger     = temporalLogger{}
	_ log.WithLogger = temporalLogger{}
)

func (l temporalLogger) Debug(msg string, tags ...tag.Tag) { l.write(slog.LevelDebug, msg, tags) }
func (l temporalLogger) Info(msg string, tags ...tag.Tag)  { l.write(slog.LevelInfo, msg, tags) }
func (l temporalLogger) Warn(msg string, tags ...tag.Tag)  { l.write(slog.LevelWarn, msg, tags) }

// Error writes msg unless there were too many errors in the last second.
func (l temporalLogger) Error(msg string, tags ...tag.Tag) {
	if l.errors.Allow() {
		l.write(slog.LevelError, msg, tags)
	}
}

// DPanic is for a broken invariant that a development build would panic on.
func (l temporalLogger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// Panic writes msg and panics with it, as Temporal's own logger does.
func (l temporalLogger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal writes msg and exits, as Temporal's own logger does.
func (l temporalLogger) Fatal(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	os.Exit(1)
}

// With returns a logger that adds tags to every message.
func (l temporalLogger) With(tags ...tag.Tag) log.Logger {
	l.out = slog.New(l.out.Handler().WithAttrs(attributes(tags)))
	return l
}

func (l temporalLogger) write(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background()
	if level < l.min || !l.out.Enabled(ctx, level) {
		return
	}
	l.out.LogAttrs(ctx, level, "temporal: "+msg, attributes(tags)...)
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(t.Key(), t.Value())
	}
	return attrs
}
