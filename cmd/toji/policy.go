package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/hubconf"
)

// policyCommand returns the command that looks at policies.
func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		Short:   "Look at a hub's policies",
		Example: "  toji policy check /etc/toji/toji.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with policies, and what they lack",
		Long: `Reads the section [policy] of Toji's configuration, or of Koji's hub.conf and
the files in hub.conf.d beside it, and says what is wrong with each policy and
what it lacks. No hub and no database are asked.

It ends with 1 if a policy cannot work; warnings do not count.`,
		Example: "  toji policy check /etc/toji/toji.toml\n  toji policy check /etc/koji-hub/hub.conf",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return checkPolicies(cmd.OutOrStdout(), args[0]) },
	})
	return cmd
}

var errBadPolicies = errors.New("there are policies that cannot work")

func checkPolicies(out io.Writer, file string) error {
	p, err := readPolicies(file)
	if err != nil {
		return err
	}
	set, err := policy.NewSet(p.Texts, policy.Options{Place: p.Place})
	if err != nil {
		fmt.Fprintln(out, err)
		return errBadPolicies
	}
	names := slices.Sorted(maps.Keys(p.Texts))
	bad := false
	for _, f := range set.Lint(names) {
		at := p.Place(f.Policy, max(f.Line, 1))
		kind := "warning"
		if f.Wrong {
			kind, bad = "error", true
		}
		fmt.Fprintf(out, "%s: policy %s: %s: %s\n", at, f.Policy, kind, f.Text)
	}
	fmt.Fprintf(out, "%d policies read: %s\n", len(names), orNone(names))
	defaults := slices.DeleteFunc(set.Names(), func(name string) bool { return slices.Contains(names, name) })
	fmt.Fprintf(out, "By Koji's default: %s\n", orNone(defaults))
	missing := slices.DeleteFunc(policy.Asked(), func(name string) bool { return slices.Contains(set.Names(), name) })
	fmt.Fprintf(out, "Without a policy, and allowed if missing_policy_ok is set: %s\n", orNone(missing))
	if bad {
		return errBadPolicies
	}
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// readPolicies tells the two formats apart by the file's name.
func readPolicies(file string) (config.Policies, error) {
	if filepath.Ext(file) == ".conf" {
		conf, err := hubconf.Load(file)
		return conf.Policies(), err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return config.Policies{}, err
	}
	return config.ParsePolicies(file, text)
}
