// Package hub is the server side of Koji's protocol: it finds out who calls,
// runs the method and answers.
//
//	HTTP request           server.go    listeners, limits, files, uploads
//	  -> dispatch.go       session, access, transaction, multiCall, faults
//	    -> <noun>.go       a function per method: arguments, rules, answer
//	      -> store/        SQL
//
// A noun's file has a function bindX, listed in bind.go, that ties the methods
// declared in koji/api to functions of Hub. Such a function takes the decoded
// parameters and returns the answer; who is calling it asks of session.From.
// By then the dispatcher has checked the declared access, and if the method is
// declared to write, the context carries a transaction, which is committed when
// the function returns without an error.
package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/toji-build/toji/hub/gc"
	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/scheduler"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/kerberos"
	"github.com/toji-build/toji/internal/mail"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Options are what a hub is made of.
type Options struct {
	DB      *database.DB         // needed
	Config  *config.Config       // config.Default if nil
	Log     *slog.Logger         // slog.Default if nil
	Metrics *prometheus.Registry // a new one if nil
	Now     func() time.Time     // the clock; time.Now if nil
}

func (o Options) withDefaults() (Options, error) {
	if o.DB == nil {
		return o, errors.New("hub: no database")
	}
	o.Config = cmp.Or(o.Config, config.Default())
	o.Log = cmp.Or(o.Log, slog.Default())
	o.Metrics = cmp.Or(o.Metrics, prometheus.NewRegistry())
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// Hub serves the API. It keeps nothing between calls but its configuration, so
// that any number of hubs may share a database.
type Hub struct {
	Store      *store.Store
	Sched      *scheduler.Scheduler
	Config     config.Hub
	Repo       config.Repo
	SideTags   config.SideTag
	SavedTrees config.SaveFailedTree
	Messages   config.Messages
	Retention  config.Retention
	GC         config.GC
	Relay      *mail.Relay // nil: this hub sends no mail
	Paths      koji.PathInfo
	Names      koji.NameRules
	Log        *slog.Logger
	Now        func() time.Time
	Methods    *rpc.Registry
	Registry   *prometheus.Registry // the metrics

	// Lookups answer what policies ask. New fills them in; who replaces one does
	// it before LoadPolicy.
	Lookups policy.Lookups

	policies atomic.Pointer[policy.Set]
	metrics  *metrics
	schedule config.Scheduler
	gc       *gc.Rules

	kerberos *kerberos.Acceptor // nil without a keytab
	proxies  proxies
	proxyDNs []dn
	guesses  chan struct{} // held while a password is checked
}

// New returns a hub with all methods bound. It asks the database nothing yet.
func New(o Options) (*Hub, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := o.Config.Hub
	names, err := koji.NewNameRules(c.MaxNameLength, c.RegexName, c.RegexUserName)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	h := &Hub{
		Store:      store.New(o.DB),
		Config:     c,
		Repo:       o.Config.Repo,
		SideTags:   o.Config.SideTag,
		SavedTrees: o.Config.SaveFailedTree,
		Messages:   o.Config.Messages,
		Retention:  o.Config.Retention,
		GC:         o.Config.GC,
		Paths:      koji.PathInfo{TopDir: c.TopDir},
		Names:      names,
		Log:        o.Log,
		Now:        o.Now,
		Methods:    new(rpc.Registry),
		Registry:   o.Metrics,
	}
	h.Store.Quarantine = quarantine(o.Config.Scheduler)
	h.schedule = o.Config.Scheduler
	if h.gc, err = gc.New(o.Config.GC); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	h.Sched = scheduler.New(h.Store, h.Log, schedulerOptions(o.Config.Scheduler))
	if err := h.setUpLogin(); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	if err := h.setUpMail(o.Config.Mail); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	h.metrics = newMetrics(h.Registry)
	h.Lookups = h.policyLookups()
	for _, bind := range bindings {
		bind(h.Methods, h)
	}
	return h, h.LoadPolicy(o.Config.Policies())
}

// Policy returns the policies in force.
func (h *Hub) Policy() *policy.Set { return h.policies.Load() }

// LoadPolicy puts other policies in force, unless they have errors. Calls under
// way end with those that they began with.
func (h *Hub) LoadPolicy(p config.Policies) error {
	set, err := policy.NewSet(p.Texts, policy.Options{
		MissingOK: h.Config.MissingPolicyOK,
		Verbose:   h.Config.VerbosePolicy,
		Lookups:   h.Lookups,
		Log:       h.Log,
		Place:     p.Place,
	})
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	h.policies.Store(set)
	return nil
}

// Caller returns a way to call the hub's methods in this process, as whoever
// the context's session is. Access, transactions and faults are those of a call
// over the wire.
func (h *Hub) Caller() rpc.Caller { return localCaller{h, h.Methods.Local(h.call)} }

// localCaller is a registry's, with multiCall besides.
type localCaller struct {
	hub *Hub
	rpc.Caller
}

// Call implements rpc.Caller.
func (c localCaller) Call(ctx context.Context, method string, args []any) (any, error) {
	if method != "multiCall" {
		return c.Caller.Call(ctx, method, args)
	}
	args, kw := xmlrpc.SplitKeywords(args)
	v, err := c.hub.multiCall(ctx, args, kw)
	if sequence, ok := v.(iter.Seq2[any, error]); ok {
		return collected(sequence)
	}
	return v, err
}

// assertPolicy returns an ActionNotAllowed error unless the policy allows it.
func (h *Hub) assertPolicy(ctx context.Context, name string, data policy.Data) error {
	return h.Policy().Check(ctx, name, data, policy.CheckOptions{})
}
