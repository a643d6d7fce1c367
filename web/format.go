package web

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/toji-build/toji/koji"
)

// instant is a point in time as pages show it.
type instant struct {
	ISO  string // for programs
	Full string // with date and zone
	Ago  string // in a few words
}

// instant takes a koji.Time or a pointer to one; none is nil.
func (s *Site) instant(v any) *instant {
	t := timeOf(v)
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &instant{t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), ago(s.opts.Now().Sub(t))}
}

func timeOf(v any) time.Time {
	switch v := v.(type) {
	case koji.Time:
		return v.Time
	case *koji.Time:
		if v != nil {
			return v.Time
		}
	case time.Time:
		return v
	}
	return time.Time{}
}

// ago says how long something is past.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// span is how long something took, or takes so far.
type span struct {
	Text  string
	Since string // when it began, if it has not ended
}

// lasted is the span between two times; without the second it is still going on.
func (s *Site) lasted(from, to any) *span {
	begin, end := timeOf(from), timeOf(to)
	if begin.IsZero() {
		return nil
	}
	if end.IsZero() {
		return &span{duration(s.opts.Now().Sub(begin)), begin.UTC().Format(time.RFC3339)}
	}
	return &span{Text: duration(end.Sub(begin))}
}

// duration is d as text, such as "3:05" or "1:02:03".
func duration(d time.Duration) string {
	n := max(0, int(d.Seconds()))
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}

// size is a number of bytes as text.
func size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	v, unit := float64(bytes), 0
	for v >= 999.5 && unit < 4 {
		v, unit = v/1000, unit+1
	}
	if v < 9.95 {
		return fmt.Sprintf("%.1f %cB", v, " kMGT"[unit])
	}
	return fmt.Sprintf("%.0f %cB", v, " kMGT"[unit])
}

// plural is a number of things.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// mark is a state: a word, and the class that colours it.
type mark struct{ Text, Class string }

// Classes of states, each a colour.
const (
	markIdle = "idle" // waits
	markBusy = "busy" // under way
	markGood = "good"
	markBad  = "bad"
	markDone = "done" // over, and nothing to care about
)

func taskState(state int) mark {
	s := koji.TaskState(state)
	class := map[koji.TaskState]string{
		koji.TaskFree: markIdle, koji.TaskAssigned: markBusy, koji.TaskOpen: markBusy,
		koji.TaskClosed: markGood, koji.TaskFailed: markBad, koji.TaskCanceled: markDone,
	}[s]
	return mark{strings.ToLower(s.String()), class}
}

func buildState(s koji.BuildState) mark {
	class := map[koji.BuildState]string{
		koji.BuildBuilding: markBusy, koji.BuildComplete: markGood, koji.BuildFailed: markBad,
		koji.BuildCanceled: markDone, koji.BuildDeleted: markDone,
	}[s]
	return mark{strings.ToLower(s.String()), class}
}

// filesURL returns where a file of the top directory is served.
func (s *Site) filesURL(rel string) string {
	return s.opts.FilesURL + (&url.URL{Path: path.Clean("/" + rel)}).EscapedPath()
}

func tagURL(name string) string { return (&url.URL{Path: "/tags/" + name}).EscapedPath() }

// deref is what p points to, or the zero value.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
