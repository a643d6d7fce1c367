// Package policy decides by rules that the operator writes.
//
// A policy is a text of rules, tried from the top. The first whose tests all
// hold gives the policy's action:
//
//	user alice bob && tag f42-* :: allow
//	has_perm admin :: {
//	    operation untag !! allow        # !! acts when the tests do not hold
//	}
//	all :: deny only alice and bob may do that
//
// What follows :: is the action, or { for rules of their own, which are tried
// when the tests hold; if none of those applies either, the next rule is tried.
// A ! before a test, with a blank, turns it round. Everything after # is a
// comment. Three actions direct the policy itself:
//
//	break [N]   leave the block, or N of them, and go on after it
//	stop        leave the policy, as if no rule had applied
//	flag NAME   note the name, for the test "flagged NAME", and go on
//
// The language, the tests, the names and the defaults of policies are those of
// Koji's hub, with what Koji 1.36 added: !, break, stop, flag and flagged.
//
// A [Set] holds the policies of a hub. A caller puts what it knows of its
// question into [Data]; what a test has to know beyond that is looked up only
// then, by the functions in [Lookups].
package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji"
)

// Data is what a caller knows about its question, under Koji's names: user_id,
// tag, fromtag, build, package, operation, target, source and so on.
type Data map[string]any

// Options say how a Set decides.
type Options struct {
	MissingOK bool // a policy that does not exist allows everything
	Verbose   bool // refusals name the rule
	Lookups   Lookups
	Log       *slog.Logger // told of broken policies and of admins' overrides; slog.Default if nil

	// Place says where in a file a line of a policy's text stands, "" if
	// nowhere; nil for policies that are in no file.
	Place func(policy string, line int) string
}

// Set holds policies by name. It does not change; to reload, make a new one.
type Set struct {
	opts  Options
	rules map[string]*RuleSet
}

// NewSet parses policies given by name. Those of Koji's defaults that are not
// named keep their default. The error names each faulty policy and line, and
// the place in the file.
func NewSet(texts map[string]string, opts Options) (*Set, error) {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	s := &Set{opts: opts, rules: map[string]*RuleSet{}}
	all := maps.Clone(defaults)
	maps.Copy(all, texts)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rs, err := Parse(name, all[name])
		errs = append(errs, placed(err, opts.Place))
		s.rules[name] = rs
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// placed puts the places in files before the errors of a policy.
func placed(err error, place func(string, int) string) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || place == nil {
		return err
	}
	var errs []error
	for _, err := range joined.Unwrap() {
		if e, ok := errors.AsType[*Error](err); ok {
			if at := place(e.Policy, e.Line); at != "" {
				err = fmt.Errorf("%s: %w", at, err)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Names returns the names of the policies in the set, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.rules)) }

// Result is what a policy says.
type Result struct {
	Action string // the action's text; "" if no rule applied
	Rule   string // the rules that led to it, for messages
}

// Matched reports whether a rule applied.
func (r Result) Matched() bool { return r.Action != "" }

// Eval asks the policy for its action. A policy that does not exist is a
// GenericError.
func (s *Set) Eval(ctx context.Context, name string, data Data) (Result, error) {
	return s.newEval(data).policy(ctx, name)
}

// EvalAll asks the policy for the actions of every rule that applies, as far as
// break and stop let it go on.
func (s *Set) EvalAll(ctx context.Context, name string, data Data) ([]Result, error) {
	var all []Result
	err := s.newEval(data).actions(ctx, name, func(r Result) bool {
		all = append(all, r)
		return true
	})
	return all, err
}

// CheckOptions modify Check.
type CheckOptions struct {
	Default string // the action if no rule applies; "deny" if empty
	Force   bool   // an admin wants to override a refusal, which is logged
}

// Check returns nil if the policy allows what data describes, else an
// ActionNotAllowed error with the policy's reason. The policy's actions are to
// be allow and deny.
func (s *Set) Check(ctx context.Context, name string, data Data, opts CheckOptions) error {
	v, err := s.verdict(ctx, name, data, opts)
	if err != nil || v.allowed {
		return err
	}
	msg := fmt.Sprintf("policy violation (%s)", name)
	if v.reason != "" {
		msg += ": " + v.reason
	}
	if s.opts.Verbose {
		msg += fmt.Sprintf(" [rule: %s]", v.rule)
	}
	return koji.ActionNotAllowedf("%s", msg)
}

// Allows is Check for callers that go another way when the policy refuses. It
// returns the policy's reason in either case.
func (s *Set) Allows(ctx context.Context, name string, data Data, opts CheckOptions) (ok bool, reason string, err error) {
	v, err := s.verdict(ctx, name, data, opts)
	return v.allowed, v.reason, err
}

type verdict struct {
	allowed      bool
	reason, rule string
}

func (s *Set) verdict(ctx context.Context, name string, data Data, opts CheckOptions) (verdict, error) {
	if _, ok := s.rules[name]; !ok {
		v := verdict{allowed: s.opts.MissingOK, reason: "missing policy"}
		return s.overridden(ctx, name, data, opts, v)
	}
	result, err := s.Eval(ctx, name, data)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{rule: result.Rule}
	action, reason := result.Action, ""
	if i := strings.IndexFunc(action, unicode.IsSpace); i >= 0 {
		action, reason = action[:i], action[i:]
	}
	action, v.reason = strings.ToLower(action), strings.TrimSpace(reason)
	if !result.Matched() {
		action, v.reason = opts.Default, "not covered by policy"
	}
	switch action {
	case "allow":
		v.allowed = true
	case "deny", "":
	default:
		v.reason = "error in policy"
		s.opts.Log.ErrorContext(ctx, "policy gave an action other than allow and deny", "policy", name, "rule", result.Rule)
	}
	return s.overridden(ctx, name, data, opts, v)
}

// overridden lets an admin's force win over a refusal.
func (s *Set) overridden(ctx context.Context, name string, data Data, opts CheckOptions, v verdict) (verdict, error) {
	if v.allowed || !opts.Force {
		return v, nil
	}
	perms, err := s.newEval(data).perms(ctx)
	if err != nil || !slices.Contains(perms, "admin") {
		return v, err
	}
	s.opts.Log.InfoContext(ctx, "policy overridden by force", "policy", name, "user", session.From(ctx).UserName, "reason", v.reason)
	return verdict{allowed: true, reason: "overriden by force", rule: v.rule}, nil
}
