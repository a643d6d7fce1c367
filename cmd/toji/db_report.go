package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/schema"
)

// errNotFit is the end of a check that found a database Toji cannot work with.
var errNotFit = errors.New("the database is not fit for Toji yet")

func check(ctx context.Context, db *database.DB, _ *slog.Logger, out io.Writer) error {
	r, err := schema.Inspect(ctx, db)
	if err != nil {
		return err
	}
	p := reportPrinter{out}
	p.state(r)
	p.differences("These differences stand in the way:", r.Blocking)
	p.differences("These differences do no harm:", r.Harmless)
	p.work(r)
	p.sizes(r)
	if r.Koji == schema.KojiNone || len(r.Blocking) > 0 {
		return errNotFit
	}
	return nil
}

// reportPrinter writes what a check found for people.
type reportPrinter struct{ out io.Writer }

func (p reportPrinter) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

func (p reportPrinter) state(r schema.Report) {
	switch {
	case r.Koji == schema.KojiNone:
		p.line("The database has no tables of Koji's; `toji db init` makes them.")
		return
	case r.Koji == schema.KojiOld:
		p.line("The tables are those of a Koji %s.", r.Koji)
	default:
		p.line("The tables are those of Koji %s.", r.Koji)
	}
	switch {
	case r.Applied == 0:
		p.line("Toji has added nothing to them yet.")
	case len(r.Pending) > 0:
		p.line("Toji is at home here, at migration %d.", r.Applied)
	default:
		p.line("Toji is at home here, at migration %d, the newest.", r.Applied)
	}
}

func (p reportPrinter) differences(title string, list []schema.Difference) {
	if len(list) == 0 {
		return
	}
	p.line("\n%s", title)
	ordered := map[string]bool{}
	for _, d := range list {
		switch {
		case d.Kind != schema.KindOrder:
			p.line("  %s", d)
		case !ordered[d.Table]:
			ordered[d.Table] = true
			p.line("  table %s: the columns are in the order in which Koji's releases brought them", d.Table)
		}
	}
}

// work says what there is to do, and how long it takes.
func (p reportPrinter) work(r schema.Report) {
	if len(r.Upgrades) > 0 {
		p.line("\nFirst upgrade Koji to 1.35 and run its own scripts, with the hub stopped; about %s:", rough(r.Upgrade))
		for _, name := range r.Upgrades {
			p.line("  %s", name)
		}
	}
	if r.Koji == schema.KojiNone || len(r.Pending) == 0 {
		return
	}
	command := "adopt"
	if r.Applied > 0 {
		command = "migrate"
	}
	p.line("\n`toji db %s` then applies %s; about %s, while writes to task, build, repo and the tag tables wait.",
		command, strings.Join(r.Pending, ", "), rough(r.Adopt))
	if r.Applied == 0 {
		p.line("No row is changed. Beside the schema toji it adds triggers and indexes to these tables:")
		p.touched(schema.Touched)
	}
}

func (p reportPrinter) touched(tables map[string][]string) {
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		p.line("  %-24s %s", table, strings.Join(tables[table], ", "))
	}
}

// largest is how many tables are listed with their sizes.
const largest = 10

func (p reportPrinter) sizes(r schema.Report) {
	if len(r.Tables) == 0 {
		return
	}
	p.line("\nThe largest tables (rows as PostgreSQL estimates them):")
	for _, t := range r.Tables[:min(largest, len(r.Tables))] {
		p.line("  %-24s %12d rows %8.1f MiB", t.Name, t.Rows, float64(t.Bytes)/(1<<20))
	}
}

// rough rounds a time that is a guess.
func rough(d time.Duration) string {
	if d < time.Minute {
		return max(d, time.Second).Round(time.Second).String()
	}
	return d.Round(time.Minute).String()
}

func adopt(ctx context.Context, db *database.DB, log *slog.Logger, out io.Writer) error {
	start := time.Now()
	if err := schema.Adopt(ctx, db, log); err != nil {
		return err
	}
	added, err := schema.Added(ctx, db)
	if err != nil {
		return err
	}
	p := reportPrinter{out}
	p.line("Adopted in %s. Beside the schema toji, these tables of Koji's have triggers and indexes now:", time.Since(start).Round(time.Millisecond))
	p.touched(added)
	return printVersion(ctx, db, out)
}
