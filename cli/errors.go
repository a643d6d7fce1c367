package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/koji"
)

// usageError is a command line that cannot be right: exit status 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// failure is an end of a command with a message of our own, or with none where
// the command has said already what is wrong: exit status 1.
type failure struct{ message string }

func (f failure) Error() string { return f.message }

func failuref(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// errFailed is the failure that has been reported.
var errFailed = failure{}

// unknownCommand is the error for a command that does not exist.
func unknownCommand(root *cobra.Command, name string) error {
	text := "Unknown command: " + name
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return failuref("%s\nDid you mean: %s?", text, strings.Join(near, ", "))
	}
	return failuref("%s\n`%s help` lists the commands.", text, program())
}

// report tells the user how cmd ended, on the standard error, and returns the
// exit status.
func (a *app) report(cmd *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		printf(a.Stderr, "Usage: %s\n(`%s --help` explains the options, `%s --help` the global ones)\n\n%s: error: %v\n",
			cmd.UseLine(), cmd.CommandPath(), cmd.Root().Name(), cmd.Root().Name(), usage)
		return 2
	}
	if errors.Is(err, context.Canceled) {
		return 1
	}
	if f, ok := errors.AsType[failure](err); ok {
		if f.message != "" {
			printf(a.Stderr, "%s\n", f.message)
		}
		return 1
	}
	printf(a.Stderr, "%s: %s\n", cmd.Root().Name(), describe(err))
	if next := a.advice(err); next != "" && !ofRole(cmd) {
		printf(a.Stderr, "hint: %s\n", next)
	}
	return 1
}

// ofRole tells whether cmd is a role's, which has to do with no hub of a profile.
func ofRole(cmd *cobra.Command) bool {
	for ; cmd != nil; cmd = cmd.Parent() {
		if cmd.GroupID == RolesGroup {
			return true
		}
	}
	return false
}

// describe returns an error's text. Faults of the hub go by the name of their
// class, as Koji's client shows them.
func describe(err error) string {
	if fault, ok := errors.AsType[*koji.Error](err); ok {
		return faultText(fault)
	}
	return err.Error()
}

// advice returns what the user may do about an error, or "".
func (a *app) advice(err error) string {
	switch {
	case koji.IsFault(err, koji.FaultConfiguration):
		return "name a configuration file with -c, a profile of it with -p, or just the hub with --server URL"
	case koji.IsFault(err, koji.FaultServerOffline):
		return "the hub is down for maintenance; try again later"
	case koji.IsFault(err, koji.FaultAuth):
		return "log in with --cert FILE, with --user and --password, or with kinit and --authtype=kerberos; `" + program() + " moshimoshi` tells who the hub takes you for"
	case koji.IsFault(err, koji.FaultActionNotAllowed):
		return "`" + program() + " call getPerms` lists your permissions; an admin grants more with grantPermission"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "set serverca in the profile to the file with the authority that signed the hub's certificate"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return "is a hub running there? Name another with --server URL or -p PROFILE"
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return "the hub was to be reached at " + a.global.server
	}
	return ""
}
