package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/tests/stack"
)

// side is a hub under measurement: ours, or a real Koji beside it.
type side struct {
	name      string
	url       string // of the hub
	processes func() (hub, db []stack.Process, err error)
}

// The processes of a real Koji on this machine: web servers with mod_wsgi, and
// connections to its database by a user with the name that Koji's packages give him.
var (
	isPeerHub = regexp.MustCompile(`apache2|httpd|wsgi:`)
	isPeerDB  = regexp.MustCompile(`postgres: koji `)
)

// sides are ours and, if there is one, a real Koji's.
func (b *bench) sides() []side {
	ours := side{"Toji", b.Env["TOJI_URL"] + "/kojihub", b.processesOfCalls}
	if b.peer == "" {
		return []side{ours}
	}
	return []side{ours, {"Koji", b.peer, processesOfPeer}}
}

func (b *bench) processesOfCalls() (hub, db []stack.Process, err error) {
	if hub, err = b.processes(isHub); err == nil {
		db, err = b.processes(isKojiDB)
	}
	return hub, db, err
}

func processesOfPeer() (hub, db []stack.Process, err error) {
	all, err := stack.Mentioning("")
	for _, p := range all {
		switch {
		case isPeerHub.MatchString(p.Command):
			hub = append(hub, p)
		case isPeerDB.MatchString(p.Command):
			db = append(db, p)
		}
	}
	return hub, db, err
}

// callers opens n connections, each with a session of its own if the calls want
// one, and warms up what serves them.
func (s side) callers(ctx context.Context, n int, session bool, body func(int) string) ([]*caller, error) {
	callers := make([]*caller, n)
	for i := range callers {
		one, err := dial(s.url)
		if err != nil {
			return nil, err
		}
		if session {
			c, err := client.New(client.Options{Server: s.url, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return nil, err
			}
			if err := c.Login(ctx, benchUser, benchPassword); err != nil {
				return nil, err
			}
			one.login(c.Session())
		}
		// Of the hub's database connections each prepares a statement when it sees it twice.
		if err := one.call(body(i)); err != nil {
			return nil, err
		}
		callers[i] = one
	}
	for range 2 {
		if _, err := hammer(callers, 50*time.Millisecond, body); err != nil {
			return nil, err
		}
	}
	return callers, nil
}

func hangUp(callers []*caller) {
	for _, c := range callers {
		c.conn.Close()
	}
}

// hammer is the function hammer, with the processor time of the hub and the
// database meanwhile.
func (s side) hammer(callers []*caller, dur time.Duration, body func(i int) string) (load, error) {
	hub, db, err := s.processes()
	if err != nil {
		return load{}, err
	}
	hubBefore, dbBefore := cpu(hub), cpu(db)
	l, err := hammer(callers, dur, body)
	if err != nil {
		return l, fmt.Errorf("%s: %w", s.name, err)
	}
	l.hub, l.db = cpu(hub)-hubBefore, cpu(db)-dbBefore
	return l, nil
}
