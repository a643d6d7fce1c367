package builder

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/toji-build/toji/activities/failure"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// outcome is how a job ended. It is kept for a while, because the SDK gives up
// to tell it after seconds: a job that ends while Temporal is away comes once
// more, and must not be done once more.
type outcome[R any] struct {
	Attempt attempt       `json:"attempt"`
	Result  R             `json:"result"`
	Failure *task.Failure `json:"failure,omitempty"` // the task's, not the host's
}

// outcomeAge is how long an outcome is kept: longer than outages last.
const outcomeAge = 24 * time.Hour

func (a *Activities) outcomeFile(id int64) string {
	return filepath.Join(a.cfg.WorkDir, "outcomes", strconv.FormatInt(id, 10)+".json")
}

// keep writes down how a job ended, if it did: with a result, or with a fault
// that is the task's own.
func keep[R any](j *job, result R, err error) {
	o := outcome[R]{Attempt: j.attempt, Result: result}
	if err != nil {
		var fault *koji.Error
		if errors.Is(err, step.ErrLost) || !errors.As(err, &fault) || fault.Kind == koji.KindInfrastructure {
			return
		}
		f := task.FailureOf(fault)
		o.Failure = &f
	}
	text, err := json.Marshal(o)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(j.outcomeFile(j.task.ID)), 0o700)
	}
	if err == nil {
		err = replaceFile(j.outcomeFile(j.task.ID), text)
	}
	if err != nil {
		j.log.Warn("outcome is not kept; should Temporal be away now, the task is done again", "error", err)
	}
}

// recall returns what keep wrote of the same activity.
func recall[R any](j *job) (result R, err error, ok bool) {
	var o outcome[R]
	text, err := os.ReadFile(j.outcomeFile(j.task.ID))
	if err != nil || json.Unmarshal(text, &o) != nil || o.Attempt != j.attempt {
		return result, nil, false
	}
	if o.Failure != nil {
		return result, failure.Error(*o.Failure), true
	}
	return o.Result, nil, true
}

// SweepOutcomes removes outcomes that are too old to be asked for.
func (c Control) SweepOutcomes(now time.Time) error {
	files, err := filepath.Glob(filepath.Join(c.activities.cfg.WorkDir, "outcomes", "*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && now.Sub(info.ModTime()) > outcomeAge {
			err = os.Remove(file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
