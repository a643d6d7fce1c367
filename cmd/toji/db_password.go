package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/password"
	"github.com/toji-build/toji/koji"
)

// passwordCommand returns the command that sets a user's password; file is
// where the configuration is.
func passwordCommand(file *string) *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:     "password [options] <user>",
		Short:   "Set a user's password, which is read from the standard input",
		Example: "  toji db password ann --config toji.toml < file",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hash := ""
			if !remove {
				given, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				if hash, err = password.Hash(given); err != nil {
					return err
				}
			}
			return withDatabase(cmd, *file, func(ctx context.Context, db *database.DB, _ *slog.Logger, _ io.Writer) error {
				return setPassword(ctx, store.New(db), args[0], hash)
			})
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the password away: no login by password")
	return cmd
}

func setPassword(ctx context.Context, s *store.Store, name, hash string) error {
	user, err := s.LoginByName(ctx, name)
	if errors.Is(err, database.ErrNotFound) || err == nil && user.Type == koji.UserGroup {
		return fmt.Errorf("no such user: %s", name)
	}
	if err != nil {
		return err
	}
	return s.SetPassword(ctx, user.UserID, hash)
}

// readPassword reads a line, which a terminal does not show.
func readPassword(in io.Reader, prompt io.Writer) (string, error) {
	if f, ok := in.(*os.File); ok {
		fd := int(f.Fd())
		if state, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			silent := *state
			silent.Lflag &^= unix.ECHO
			if err := unix.IoctlSetTermios(fd, unix.TCSETS, &silent); err != nil {
				return "", err
			}
			defer unix.IoctlSetTermios(fd, unix.TCSETS, state)
			fmt.Fprint(prompt, "New password: ")
			defer fmt.Fprintln(prompt)
		}
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
