package cli

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// nargs returns a check of the number of arguments; max is -1 for any number.
func nargs(least, most int, message string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usagef("%s", message)
		}
		return nil
	}
}

// noArgs is the check of commands that take options only.
var noArgs = nargs(0, 0, "This command takes no arguments")

// optional is a flag that may be left out: its variable stays nil then.
type optional[T any] struct {
	p     **T
	parse func(string) (T, error)
	kind  string
}

func (o optional[T]) String() string { return "" }
func (o optional[T]) Type() string   { return o.kind }

func (o optional[T]) Set(s string) error {
	v, err := o.parse(s)
	if err == nil {
		*o.p = &v
	}
	return err
}

func parseInt(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func optionalInt(fs *pflag.FlagSet, p **int64, name, usage string) {
	fs.Var(optional[int64]{p, parseInt, "N"}, name, usage)
}

func optionalText(fs *pflag.FlagSet, p **string, name, usage string) {
	fs.Var(optional[string]{p, func(s string) (string, error) { return s, nil }, "string"}, name, usage)
}

// choice is a flag that sets a variable, nil without it, to its value.
func choice(fs *pflag.FlagSet, p **bool, value bool, name, usage string) {
	fs.BoolFunc(name, usage, func(s string) error {
		on, err := strconv.ParseBool(s)
		if err == nil {
			on = on == value
			*p = &on
		}
		return err
	})
}

// quietFlag gives cmd an option --quiet of its own, with the meaning of the
// global one.
func (a *app) quietFlag(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&a.global.quiet, "quiet", false, usage)
}

// timeFlag is a flag for a point in time, in seconds since the epoch.
func (a *app) timeFlag(fs *pflag.FlagSet, p **float64, name, usage string) {
	fs.Var(optional[float64]{p, a.parseTime, "time"}, name, usage)
}

const timeHelp = `time is specified as timestamp or date/time, e.g. "2020-12-31 12:35" or "December 31 12:35"`

// timeLayouts are the spellings of dates and times, in the zone of the user. A
// layout without a year or a date means this one.
var timeLayouts = []string{
	time.DateTime, "2006-01-02 15:04", time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02", "20060102",
	time.RFC1123, time.RFC1123Z, time.ANSIC, time.UnixDate,
	"2 January 2006 15:04", "2 January 2006", "January 2 2006 15:04", "January 2 2006", "January 2, 2006",
	"2 Jan 2006 15:04", "2 Jan 2006", "Jan 2 2006 15:04", "Jan 2 2006", "Jan 2, 2006",
	"January 2 15:04", "January 2", "Jan 2 15:04", "Jan 2", "15:04:05", "15:04",
}

// ordinal finds the day in "December 31st".
var ordinal = regexp.MustCompile(`\b(\d{1,2})(st|nd|rd|th)\b`)

// parseTime reads a point in time.
func (a *app) parseTime(s string) (float64, error) {
	if ts, err := strconv.ParseFloat(s, 64); err == nil {
		return ts, nil
	}
	s = ordinal.ReplaceAllString(strings.TrimSpace(s), "$1")
	for _, layout := range timeLayouts {
		t, err := time.ParseInLocation(layout, s, a.Zone)
		if err != nil {
			continue
		}
		now := a.Now().In(a.Zone)
		switch {
		case t.Year() == 0 && !strings.Contains(layout, "Jan"):
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, a.Zone)
		case t.Year() == 0:
			t = time.Date(now.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, a.Zone)
		}
		return float64(t.Unix()), nil
	}
	return 0, fmt.Errorf("invalid time specification: %q", s)
}

// abbreviate lets options be shortened as long as they are told apart, which
// scripts for Koji's client rely on.
func abbreviate(fs *pflag.FlagSet) {
	known := []string{"help"} // which is added later
	fs.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		var found []string
		for _, full := range known {
			if full == name {
				return pflag.NormalizedName(name)
			}
			if strings.HasPrefix(full, name) {
				found = append(found, full)
			}
		}
		if len(found) == 1 {
			name = found[0]
		}
		return pflag.NormalizedName(name)
	})
}

// when are the options that ask for the past.
type when struct{ event, ts, repo *int64 }

func (w *when) register(fs *pflag.FlagSet) {
	optionalInt(fs, &w.event, "event", "query at event")
	optionalInt(fs, &w.ts, "ts", "query at last event before timestamp")
	optionalInt(fs, &w.repo, "repo", "query at event for a repo")
}

// find returns the event that the options mean, nil for the present.
func (w *when) find(ctx context.Context, c rpc.Caller) (*api.Event, error) {
	switch {
	case deref(w.event) != 0:
		return rpc.Invoke(ctx, c, api.GetEvent, api.GetEventParams{ID: *w.event, Strict: true})
	case w.ts != nil:
		return rpc.Invoke(ctx, c, api.GetLastEvent, api.GetLastEventParams{Before: *w.ts, Strict: true})
	case w.repo != nil:
		repo, err := rpc.Invoke(ctx, c, api.RepoInfo, api.RepoInfoParams{RepoID: *w.repo, Strict: true})
		if err != nil {
			return nil, err
		}
		return &api.Event{ID: repo.CreateEvent, TS: repo.CreateTS}, nil
	}
	return nil, nil
}

// eventID returns the id of an event, nil for the present.
func eventID(e *api.Event) *int64 {
	if e == nil {
		return nil
	}
	return &e.ID
}

// sayEvent prints which event a listing shows.
func (a *app) sayEvent(w io.Writer, e *api.Event) {
	if e != nil {
		printf(w, "Querying at event %d (%s)\n", e.ID, a.asctime(e.TS))
	}
}

// ref returns how an argument names something: by its id if it is a number.
func ref(arg string) any {
	if id, err := strconv.ParseInt(arg, 10, 64); err == nil && id >= 0 {
		return id
	}
	return arg
}

// ptr returns a pointer to v, or nil for the zero value.
func ptr[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
