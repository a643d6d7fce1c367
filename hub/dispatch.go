package hub

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// handle runs one request: a method, or many by multiCall. Errors are as they
// came from the method; faultOf translates them.
func (h *Hub) handle(ctx context.Context, creds *credentials, method string, params []any) (any, error) {
	many := method == "multiCall" || method == "system.multicall"
	if !many {
		if _, err := h.Methods.Lookup(method); err != nil {
			return nil, err
		}
	}
	s, err := h.openSession(ctx, creds, method)
	if err != nil {
		return nil, err
	}
	ctx = session.With(ctx, s)
	args, kw := xmlrpc.SplitKeywords(params)
	if many {
		return h.multiCall(ctx, args, kw)
	}
	entry, err := h.Methods.Lookup(method)
	if err != nil {
		return nil, err
	}
	return h.call(ctx, entry, args, kw)
}

// call runs a method for the context's session: in a transaction of its own if
// it writes, or in the context's if there is one. It is an rpc.Dispatch.
func (h *Hub) call(ctx context.Context, e *rpc.Entry, args []any, kw map[string]any) (result any, err error) {
	start := h.Now()
	defer func() {
		if p := recover(); p != nil {
			h.Log.ErrorContext(ctx, "method panicked", obs.Method, e.Name, obs.Panic, p, obs.Stack, string(debug.Stack()))
			result, err = nil, errInternal
		}
		h.finished(ctx, e.Name, h.Now().Sub(start), err)
	}()
	if err := h.admit(ctx, e); err != nil {
		return nil, err
	}
	if !e.Writes || h.Store.InTransaction(ctx) {
		return e.Call(ctx, args, kw)
	}
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		if err := h.claimCall(ctx, e.Name); err != nil {
			return err
		}
		result, err = e.Call(ctx, args, kw)
		return err
	})
	return result, err
}

// admit checks what the hub's state and the method's declaration demand of the
// caller. What depends on arguments the method checks itself.
func (h *Hub) admit(ctx context.Context, e *rpc.Entry) error {
	s := session.From(ctx)
	if h.Config.LockOut && !s.HasPerm("admin") && !slices.Contains([]string{"login", "sslLogin", "logout"}, e.Name) {
		return koji.ServerOfflinef("Server disabled for maintenance")
	}
	if err := checkToken(s, e.Name, e.Writes || e.Name == api.UploadFile.Name); err != nil {
		return err
	}
	a := e.Access
	switch {
	case a.Host:
		_, err := s.Host()
		return err
	case len(a.Perms) > 0:
		return s.AssertPerm(a.Perms...)
	case a.Login:
		return s.AssertLogin()
	}
	return nil
}

// finished counts a call and logs it if it was slow or failed unforeseen.
func (h *Hub) finished(ctx context.Context, method string, took time.Duration, err error) {
	fault := ""
	if err != nil {
		fault = koji.FaultName(faultOf(err).Code)
	}
	h.metrics.called(method, took, fault)
	level, text := slog.LevelDebug, "call"
	switch {
	case unforeseen(err) && ctx.Err() == nil:
		level, text = slog.LevelError, "call failed"
	case took > h.Config.SlowCall.Std() && h.Config.SlowCall > 0:
		level, text, err = slog.LevelWarn, "slow call", nil
	}
	if !h.Log.Enabled(ctx, level) {
		return
	}
	s := session.From(ctx)
	attrs := []slog.Attr{slog.String(obs.Method, method), slog.String(obs.User, s.UserName), slog.Int64(obs.Session, s.ID), slog.Duration(obs.Duration, took)}
	if err != nil {
		attrs = append(attrs, slog.Any(obs.Error, err))
	}
	h.Log.LogAttrs(ctx, level, text, attrs...)
}

// unforeseen says that err is neither a fault of ours nor one that a task ended
// with, and was not logged where it happened.
func unforeseen(err error) bool {
	var fault *xmlrpc.Fault
	_, bad := database.IsBadValue(err)
	return err != nil && !errors.Is(err, errInternal) && koji.FaultOf(err) == 0 && !errors.As(err, &fault) && !bad
}

// multiCall runs a list of calls and returns, for each, a list with its result
// or a struct with its fault. If one of them writes, they share a transaction
// in which each has a savepoint: a call that fails takes back what it did alone.
// Otherwise the answer is a sequence, and each call is made when its turn comes to
// be written, so that there is but one result in memory.
func (h *Hub) multiCall(ctx context.Context, args []any, kw map[string]any) (any, error) {
	calls, err := multiCallArgs(args, kw)
	if err != nil {
		return nil, err
	}
	if limit := h.Config.MaxCalls; limit > 0 && len(calls) > limit {
		return nil, koji.ParameterErrorf("multiCall takes %d calls at most, not %d", limit, len(calls))
	}
	if !slices.ContainsFunc(calls, h.writes) {
		return h.eachCall(ctx, calls), nil
	}
	var results []any
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		if err := h.claimCall(ctx, "multiCall"); err != nil {
			return err
		}
		results, err = collected(h.eachCall(ctx, calls))
		return err
	})
	return results, err
}

// subCall is a call in a multiCall.
type subCall struct {
	method string
	params []any
	err    error // why it cannot be called
}

func multiCallArgs(args []any, kw map[string]any) ([]subCall, error) {
	list, ok := kw["calls"]
	if !ok && len(args) == 1 {
		list, ok = args[0], true
	}
	items, isList := list.([]any)
	if !ok || !isList {
		return nil, koji.ParameterErrorf("multiCall takes one list of calls")
	}
	calls := make([]subCall, len(items))
	for i, item := range items {
		calls[i] = newSubCall(item)
	}
	return calls, nil
}

func newSubCall(item any) subCall {
	// Koji: what is wrong with a call is its own fault, in Python's words.
	m, ok := item.(map[string]any)
	if !ok {
		return subCall{err: &koji.Error{Fault: faultUnforeseen, Msg: "'" + xmlrpc.TypeName(item) + "' object is not subscriptable"}}
	}
	for _, name := range []string{"methodName", "params"} {
		if _, ok := m[name]; !ok {
			return subCall{err: &koji.Error{Fault: faultUnforeseen, Msg: name}}
		}
	}
	method, _ := m["methodName"].(string)
	params, _ := m["params"].([]any)
	return subCall{method: method, params: params}
}

func (h *Hub) writes(c subCall) bool {
	if c.method == "multiCall" || c.method == "system.multicall" {
		return true
	}
	e, err := h.Methods.Lookup(c.method)
	return err == nil && e.Writes
}

// eachCall makes the calls while it is read. Its error is that nobody waits for
// the rest.
func (h *Hub) eachCall(ctx context.Context, calls []subCall) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, c := range calls {
			result, err := h.subCall(ctx, c)
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			if err == nil {
				result = []any{result}
			} else {
				f := faultOf(err)
				// Koji: within a multiCall the class of an unforeseen error is left out.
				result = map[string]any{"faultCode": f.Code, "faultString": withoutClass(f.String)}
			}
			if !yield(result, nil) {
				return
			}
		}
	}
}

// collected reads a sequence into a list.
func collected(sequence iter.Seq2[any, error]) ([]any, error) {
	list := []any{}
	for v, err := range sequence {
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (h *Hub) subCall(ctx context.Context, c subCall) (result any, err error) {
	run := func(ctx context.Context) error {
		result, err = h.oneOfMany(ctx, c)
		return err
	}
	if h.Store.InTransaction(ctx) {
		err = h.Store.Savepoint(ctx, run)
	} else {
		err = run(ctx)
	}
	return result, err
}

func (h *Hub) oneOfMany(ctx context.Context, c subCall) (any, error) {
	if c.err != nil {
		return nil, c.err
	}
	args, kw := xmlrpc.SplitKeywords(c.params)
	if c.method == "multiCall" || c.method == "system.multicall" {
		return h.multiCall(ctx, args, kw)
	}
	e, err := h.Methods.Lookup(c.method)
	if err != nil {
		return nil, err
	}
	result, err := h.call(ctx, e, args, kw)
	if err != nil {
		return nil, err
	}
	// Its fault is to stand in its own place.
	return rpc.Loaded(result)
}
