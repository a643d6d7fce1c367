package cli

import (
	"io"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// greetings greet, and each is a name of the command.
var greetings = []string{
	"hello", "hi", "yo", "what's up", "g'day", "back to work", "bonjour", "hallo", "ciao", "hola", "olá", "dobrý den",
	"zdravstvuite", "góðan daginn", "hej", "tervehdys", "grüezi", "céad míle fáilte", "hylô", "bună ziua", "jó napot",
	"dobre dan", "你好", "こんにちは", "नमस्कार", "안녕하세요",
}

func moshimoshi(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "moshimoshi [options]",
		Short:   "Introduce yourself",
		Long:    "Introduce yourself to the hub, which answers who it takes you for.",
		Example: "  toji moshimoshi\n  toji --cert ~/.koji/client.crt hello",
		Aliases: greetings,
		GroupID: misc,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			user, err := rpc.Invoke(cmd.Context(), h, api.GetLoggedInUser, api.NoParams{})
			if err != nil {
				return err
			}
			return a.show(cmd, user, func(w io.Writer) { h.greet(w, user) })
		},
	}
	jsonFlag(cmd)
	return cmd
}

func (h *hub) greet(w io.Writer, user *api.LoggedInUser) {
	name := "anonymous user"
	if user == nil {
		printf(w, "Not authenticated\n")
	} else {
		name = user.Name
	}
	printf(w, "%s, %s!\n\n", greetings[rand.IntN(len(greetings))], name)
	printf(w, "You are using the hub at %s (Koji %s)\n", h.Server(), h.HubVersion())
	if user == nil {
		return
	}
	switch user.AuthType {
	case koji.AuthNormal:
		printf(w, "Authenticated via password\n")
	case koji.AuthGSSAPI:
		printf(w, "Authenticated via GSSAPI\n")
	case koji.AuthKerberos:
		printf(w, "Authenticated via Kerberos principal %s\n", deref(user.KrbPrincipal))
	case koji.AuthSSL:
		printf(w, "Authenticated via client certificate %s\n", h.profile.Cert)
	}
}
