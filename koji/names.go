package koji

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// NameRules are the limits on names that the hub's operator may set.
type NameRules struct {
	maxLength      int
	internal, user *regexp.Regexp
}

// The defaults of hub options MaxNameLengthInternal, RegexNameInternal and
// RegexUserName.
const (
	DefaultMaxNameLength = 256
	DefaultNamePattern   = `^[A-Za-z0-9/_.+-]+$`
	DefaultUserPattern   = `^[A-Za-z0-9/_.@-]+$`
)

// NewNameRules makes rules of a maximum length in characters (0: no limit) and
// of the patterns that names of things and of users have to match from their
// first character on; an empty pattern allows every name.
func NewNameRules(maxLength int, internal, user string) (NameRules, error) {
	r := NameRules{maxLength: maxLength}
	var err error
	if r.internal, err = compileName(internal); err != nil {
		return NameRules{}, fmt.Errorf("RegexNameInternal: %w", err)
	}
	if r.user, err = compileName(user); err != nil {
		return NameRules{}, fmt.Errorf("RegexUserName: %w", err)
	}
	return r, nil
}

func compileName(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	return regexp.Compile(`^(?:` + pattern + `)`)
}

// CheckName checks the name of a tag, target, package, channel and the like.
func (r NameRules) CheckName(name string) error {
	if r.tooLong(name) {
		return GenericErrorf("Name %s is too long. Max length is %d characters", name, r.maxLength)
	}
	if r.internal != nil && !r.internal.MatchString(name) {
		return GenericErrorf("Name %s does not match RegexNameInternal value", name)
	}
	return checkUpwards(name)
}

// CheckUser checks a user's name.
func (r NameRules) CheckUser(name string) error {
	if r.tooLong(name) {
		return GenericErrorf("Name %s is too long. Max length is %d characters", name, r.maxLength)
	}
	if r.user != nil && !r.user.MatchString(name) {
		return GenericErrorf("Name %s does not match RegexUserName value", name)
	}
	return checkUpwards(name)
}

// checkUpwards refuses what must not become part of a path, and Koji's patterns
// let through.
func checkUpwards(name string) error {
	if slices.Contains(strings.Split(name, "/"), "..") {
		return GenericErrorf("Name %s must not lead upwards", name)
	}
	return nil
}

// CheckPrincipal checks a Kerberos principal.
func (r NameRules) CheckPrincipal(principal string) error {
	if r.tooLong(principal) {
		return GenericErrorf("Kerberos principal %s is too long. Max length is %d characters",
			principal, r.maxLength)
	}
	if r.user != nil && !r.user.MatchString(principal) {
		return GenericErrorf("Kerberos principal %s does not match RegexUserName value", principal)
	}
	return nil
}

// CheckHost checks a host's name, which has to be good for a user as well.
func (r NameRules) CheckHost(name string) error {
	if err := r.CheckName(name); err != nil {
		return err
	}
	return r.CheckUser(name)
}

func (r NameRules) tooLong(name string) bool {
	return r.maxLength > 0 && utf8.RuneCountInString(name) > r.maxLength
}
