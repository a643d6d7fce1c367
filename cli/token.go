package cli

import (
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func token(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke API tokens",
		Long: "API tokens let programs act as you, within limits: which methods, which of your\n" +
			"permissions, and for how long. See docs/howto/login.md.",
		Example: "  toji token create ci --method build --method uploadFile --days 30",
		GroupID: misc,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, sub := range []*cobra.Command{createToken(a), listTokens(a), revokeToken(a)} {
		sub.DisableFlagsInUseLine = true
		cmd.AddCommand(sub)
	}
	return cmd
}

func createToken(a *app) *cobra.Command {
	var p api.CreateTokenParams
	var days *int64
	cmd := &cobra.Command{
		Use:     "create [options] <name>",
		Short:   "Make a token and print it, once",
		Example: "  toji token create backup --read-only --days 365 > token",
		Args:    nargs(1, 1, "Please specify a name for the token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			p.Name = args[0]
			if days != nil {
				seconds := *days * 24 * 60 * 60
				p.Lifetime = &seconds
			}
			created, err := rpc.Invoke(cmd.Context(), h, api.CreateToken, p)
			if err != nil {
				return err
			}
			return a.show(cmd, created, func(w io.Writer) {
				printf(w, "%s\n", created.Secret)
				printf(a.Stderr, "Keep it: it is not shown again. It expires %s.\n", a.orNever(created.Expires))
			})
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&p.Methods, "method", nil, "`pattern` of methods that the token is good for, such as build or 'repo.*'; may be repeated (default all)")
	f.StringArrayVar(&p.Permissions, "permission", nil, "a `permission` of yours that counts with the token, * for all; may be repeated (default none)")
	f.BoolVar(&p.ReadOnly, "read-only", false, "only methods that change nothing")
	optionalInt(f, &days, "days", "how long the token lives (default as long as the hub allows)")
	jsonFlag(cmd)
	return cmd
}

func listTokens(a *app) *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List tokens that are not revoked",
		Example: "  toji token list",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			tokens, err := rpc.Invoke(cmd.Context(), h, api.ListTokens, api.ListTokensParams{User: orNil(user)})
			if err != nil {
				return err
			}
			return a.show(cmd, tokens, func(w io.Writer) {
				line := func(id, name, expires, used, scope string) {
					printf(w, "%s\n", columns(id, 5, name, 20, expires, 24, used, 24, scope))
				}
				line("ID", "Name", "Expires", "Used", "Good for")
				for _, t := range tokens {
					line(strconv.FormatInt(t.ID, 10), t.Name, a.orNever(t.Expires), a.orNever(t.Used), tokenScope(t))
				}
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "another `user`, for admins")
	jsonFlag(cmd)
	return cmd
}

func revokeToken(a *app) *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:     "revoke [options] <name or id>",
		Short:   "End a token",
		Example: "  toji token revoke ci",
		Args:    nargs(1, 1, "Please specify a token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			_, err = rpc.Invoke(cmd.Context(), h, api.RevokeToken, api.RevokeTokenParams{Token: ref(args[0]), User: orNil(user)})
			return err
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "another `user`, for admins")
	return cmd
}

// tokenScope says in a line what a token is good for.
func tokenScope(t api.Token) string {
	scope := strings.Join(t.Methods, " ")
	if t.ReadOnly {
		scope += ", read-only"
	}
	if len(t.Permissions) > 0 {
		scope += ", with " + strings.Join(t.Permissions, " ")
	}
	return scope
}

// orNever returns a point in time that may not be.
func (a *app) orNever(t *koji.Time) string {
	if t == nil {
		return "never"
	}
	return a.asctime(t.TS())
}

// orNil returns nil for an option that was not given.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
