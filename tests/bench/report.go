package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is a line of the report: one or more values of one unit.
type figure struct {
	Measure string    `json:"measure"`
	What    string    `json:"what"` // of each value, separated by " / "
	Unit    string    `json:"unit"`
	Toji    []float64 `json:"toji"`
	Koji    []float64 `json:"koji,omitempty"` // nil where there is none
	// Wanted is how many times better than Koji we want to be, 0 where nothing is
	// said.
	Wanted float64 `json:"wanted,omitempty"`
}

type report struct {
	Machine string   `json:"machine"`
	Date    string   `json:"date"`
	Figures []figure `json:"figures"`
}

func newReport() report {
	return report{Machine: machine(), Date: time.Now().Format(time.DateOnly)}
}

// add appends a line with our values.
func (r *report) add(measure, what, unit string, values ...float64) {
	r.beside(measure, what, unit, values)
}

// beside appends a line with the values of each side: ours and, if it was measured
// too, Koji's. Otherwise those are looked up by measure and unit.
func (r *report) beside(measure, what, unit string, sides ...[]float64) {
	f := figure{Measure: measure, What: what, Unit: unit, Toji: sides[0], Koji: recorded[measure][unit], Wanted: wanted[measure][unit]}
	if len(sides) > 1 {
		f.Koji = sides[1]
	}
	r.Figures = append(r.Figures, f)
}

func (r *report) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s\n\n", r.Machine, r.Date)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MEASURE\tOF\tUNIT\tTOJI\tKOJI\tBETTER BY\tWANTED")
	last := ""
	for _, f := range r.Figures {
		name := f.Measure
		if name == last {
			name = ""
		}
		last = f.Measure
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, f.What, f.Unit, joined(f.Toji), joined(f.Koji), f.better(), f.verdict())
	}
	return t.Flush()
}

// better is the ratio in words, "" where there is nothing to compare.
func (f figure) better() string {
	if by := f.ratio(); by > 0 {
		return "x" + number(by)
	}
	return ""
}

// verdict says whether the figure is as good as wanted.
func (f figure) verdict() string {
	switch {
	case f.Wanted == 0:
		return ""
	case f.ratio() >= f.Wanted:
		return "x" + number(f.Wanted) + " met"
	}
	return "x" + number(f.Wanted) + " MISSED"
}

// ratio tells how many times better we are: by the first values, but for
// processor time, whose values are parts, by their sums. It is 0 where there is
// nothing to compare.
func (f figure) ratio() float64 {
	if len(f.Koji) == 0 {
		return 0
	}
	ours, theirs := f.Toji[0], f.Koji[0]
	if f.Unit == cpuTime {
		ours, theirs = sum(f.Toji), sum(f.Koji)
	}
	if strings.HasSuffix(f.Unit, "/s") {
		ours, theirs = theirs, ours
	}
	if ours == 0 {
		return 0
	}
	return theirs / ours
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

func joined(values []float64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = number(v)
	}
	return strings.Join(texts, " / ")
}

// number writes a value with three digits that mean something.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// percentile returns the value below which p of the values lie; it sorts them.
func percentile(values []float64, p float64) float64 {
	slices.Sort(values)
	return values[min(int(p*float64(len(values))), len(values)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func machine() string {
	model := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo") // the arch will do without it
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d x %s, load %s at the start", runtime.NumCPU(), model, first)
}
