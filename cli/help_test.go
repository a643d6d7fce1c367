package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestHelp compares the help of every command with the golden file: what users
// see changes on purpose only.
func TestHelp(t *testing.T) {
	var b strings.Builder
	for _, name := range append([]string{""}, commandNames()...) {
		help, exit := runHelp(t, name)
		require.Zero(t, exit, name)
		b.WriteString("=== " + strings.TrimSpace("toji "+name) + "\n" + help + "\n")
	}
	const golden = "testdata/help.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String(), "go test ./cli -run TestHelp -update writes it anew")
}

func runHelp(t *testing.T, name string) (string, int) {
	args := append(strings.Fields(name), "--help")
	var out bytes.Buffer
	exit := Run(context.Background(), Env{Args: args, Stdout: &out, Stderr: &out, Home: t.TempDir(), Etc: t.TempDir()})
	return out.String(), exit
}

func commandNames() []string {
	var names []string
	for _, cmd := range testRoot().Commands() {
		if !cmd.Hidden {
			names = append(names, cmd.Name())
		}
	}
	return names
}

func testRoot() *cobra.Command { return (&app{Env: Env{}.withDefaults()}).root() }

// TestCommandsAreExplained checks what a help text cannot do without.
func TestCommandsAreExplained(t *testing.T) {
	for _, cmd := range testRoot().Commands() {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		require.NotEmpty(t, cmd.Short, cmd.Name())
		require.Contains(t, cmd.Example, "toji ", cmd.Name())
		require.NotEmpty(t, cmd.GroupID, cmd.Name())
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			require.True(t, f.Usage != "" || f.Hidden, "%s --%s", cmd.Name(), f.Name)
		})
	}
}

// TestOptionsOfKoji checks that each command takes the arguments and options of
// Koji's command of that name.
func TestOptionsOfKoji(t *testing.T) {
	text, err := os.ReadFile("testdata/koji-options.json")
	require.NoError(t, err)
	var commands map[string]struct {
		Usage   string
		Options []string
	}
	require.NoError(t, json.Unmarshal(text, &commands))
	root := testRoot()
	for name, want := range commands {
		t.Run("toji "+name, func(t *testing.T) {
			cmd := root
			if name != "" {
				cmd, _, err = root.Find([]string{name})
				require.NoError(t, err)
			}
			if want.Usage != "" {
				require.Equal(t, strings.Replace(want.Usage, "koji", "toji", 1), cmd.Root().Name()+" "+cmd.Use)
			}
			cmd.InitDefaultHelpFlag()
			for _, option := range want.Options {
				checkOption(t, cmd, option)
			}
		})
	}
}

// checkOption checks that cmd takes an option as in "-t TAG, --tag=TAG".
func checkOption(t *testing.T, cmd *cobra.Command, option string) {
	shorthand := ""
	for _, spelling := range strings.Split(option, ", ") {
		name, _, takesValue := strings.Cut(spelling, "=")
		name, long := strings.CutPrefix(name, "--")
		if !long {
			shorthand = strings.Fields(spelling)[0][1:]
			continue
		}
		f := cmd.Flags().Lookup(name)
		require.NotNil(t, f, "%s %s", cmd.Name(), option)
		require.Equal(t, takesValue, f.NoOptDefVal == "", "%s %s", cmd.Name(), option)
		if shorthand != "" {
			require.Equal(t, shorthand, f.Shorthand, "%s %s", cmd.Name(), option)
		}
	}
}
