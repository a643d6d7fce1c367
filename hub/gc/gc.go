// Package gc decides what becomes of builds: which leave their tags, which go to
// the trashcan, and which stay because of their signatures. It only decides; the
// hub asks it and does the work. Koji has this in koji-gc.
//
//	tagged --prune--> untagged --trash--> trashcan --delete--> deleted
//	   ^   by policy           after delay    |    after grace_period
//	   +------------- salvage: tagged again, or signed
package gc

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji"
)

// The actions of the prune policy.
const (
	Keep  = "keep"  // the build stays
	Untag = "untag" // it leaves the tag
	Skip  = "skip"  // it stays, and the order of older ones does not count it
)

// Rules are the rules of one configuration.
type Rules struct {
	config config.GC
	prune  *policy.RuleSet // nil: no policy, nothing is pruned
}

// New reads the rules. The errors are those of the policy.
func New(c config.GC) (*Rules, error) {
	r := &Rules{config: c}
	if strings.TrimSpace(c.Policy) == "" {
		return r, nil
	}
	var err error
	if r.prune, err = r.language().Parse("gc.policy", c.Policy); err != nil {
		return nil, err
	}
	for _, action := range r.prune.Actions() {
		if !slices.Contains([]string{Keep, Untag, Skip}, action) {
			return nil, fmt.Errorf("gc.policy: action %q is none of keep, untag, skip", action)
		}
	}
	return r, nil
}

// Prunes tells whether there is a policy for it.
func (r *Rules) Prunes() bool { return r.prune != nil }

// PrunesTag tells whether the tag is to be looked at. Koji: ignore_tags counts
// more than tag_filter, and the trashcan is not pruned.
func (r *Rules) PrunesTag(name string, locked bool) bool {
	switch {
	case name == r.config.TrashcanTag, matches(r.config.IgnoreTags, name):
		return false
	case len(r.config.TagFilter) > 0 && !matches(r.config.TagFilter, name):
		return false
	}
	return !locked || matches(r.config.BypassLocks, name)
}

// HasPackage tells whether builds of the package are looked at.
func (r *Rules) HasPackage(name string) bool {
	return len(r.config.PackageFilter) == 0 || matches(r.config.PackageFilter, name)
}

// Protected returns the keys that protect a build signed with them: all that are
// not known as unprotected.
func (r *Rules) Protected(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		return key == "" || r.keyMatches(r.config.UnprotectedKeys, key)
	})
}

// keyMatches tells whether one of the patterns stands for a key or its alias.
func (r *Rules) keyMatches(patterns []string, key string) bool {
	if matches(patterns, key) {
		return true
	}
	for id, alias := range r.config.KeyAliases {
		if strings.EqualFold(id, key) && matches(patterns, alias) {
			return true
		}
	}
	return false
}

func matches(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return koji.Glob(p, s) })
}

// Untagged is a build in no tag.
type Untagged struct {
	Package  string
	Since    time.Time  // when it left its last tag, or was made if it never was in one
	LastUsed *time.Time // when something of it was last put into a buildroot
	Uses     string     // what refers to it, in words; "" for nothing
	Keys     []string   // of its signatures
}

// Trash decides about an untagged build: whether it goes to the trashcan, and why,
// or why not. Builds of packages that are not looked at have no reason.
func (r *Rules) Trash(b Untagged, now time.Time) (trash bool, why string) {
	delay := r.config.Delay.Std()
	switch keys := r.Protected(b.Keys); {
	case !r.HasPackage(b.Package):
		return false, ""
	case b.Uses != "":
		return false, b.Uses
	case b.LastUsed != nil && now.Sub(*b.LastUsed) < delay:
		return false, "in a buildroot " + minute(*b.LastUsed)
	case now.Sub(b.Since) < delay:
		return false, "untagged only since " + minute(b.Since)
	case len(keys) > 0:
		return false, "signed with " + strings.Join(keys, ", ")
	}
	return true, "untagged since " + minute(b.Since)
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
