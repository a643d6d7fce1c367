package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// printf writes to a stream of the process, where nothing is to be done about
// an error.
func printf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// jsonFlag gives cmd the option --json.
func jsonFlag(cmd *cobra.Command) { cmd.Flags().Bool("json", false, "print the data as JSON") }

// wantsJSON reports whether cmd was called with --json.
func wantsJSON(cmd *cobra.Command) bool {
	on, err := cmd.Flags().GetBool("json")
	return err == nil && on
}

// show prints data: as JSON if the user wants that, else as text writes it.
func (a *app) show(cmd *cobra.Command, data any, text func(w io.Writer)) error {
	if wantsJSON(cmd) {
		return writeJSON(a.Stdout, data)
	}
	var b bytes.Buffer
	text(&b)
	_, err := a.Stdout.Write(b.Bytes())
	return err
}

// asctime returns a time in the format of C's asctime.
func (a *app) asctime(ts float64) string {
	return a.at(ts).Format("Mon Jan _2 15:04:05 2006")
}

// longTime returns a time as Koji writes it in full; "" for none.
func (a *app) longTime(ts *float64) string {
	if ts == nil {
		return ""
	}
	return a.at(*ts).Format("Mon, 02 Jan 2006 15:04:05 MST")
}

func (a *app) at(ts float64) time.Time {
	return time.UnixMicro(int64(ts * 1e6)).In(a.Zone)
}

// deref returns what p points to; the zero value for nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// orNone returns a text as Python prints it, in which nothing is "None".
func orNone[T any](p *T) string {
	if p == nil {
		return "None"
	}
	return fmt.Sprint(*p)
}

// truncated returns s on one line of at most n characters.
func truncated(s string, n int) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "..."
	}
	return s
}

// rule returns a line under headings of the given widths.
func rule(gap string, widths ...int) string {
	parts := make([]string, len(widths))
	for i, w := range widths {
		parts[i] = strings.Repeat("-", w)
	}
	return strings.Join(parts, gap)
}

// columns joins cells, each but the last followed by its width.
func columns(cells ...any) string {
	var b strings.Builder
	for i := 0; i+1 < len(cells); i += 2 {
		fmt.Fprintf(&b, "%-*s  ", cells[i+1], cells[i])
	}
	fmt.Fprint(&b, cells[len(cells)-1])
	return b.String()
}
