package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
)

// messagesCommand returns the command that hands messages to a relay.
func messagesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "messages",
		Short:   "Read the messages about changes that a hub queues",
		Example: "  toji messages tail --config toji.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var file string
	var t tail
	follow := &cobra.Command{
		Use:   "tail",
		Short: "Print messages as they come, a JSON object a line",
		Long: `Prints the messages that a hub with messages.enabled queues: {"id": ..., "address":
"build.tag", "props": {...}, "body": {...}}, with what Koji's plugin protonmsg
would send. Messages come in the order of their ids, none is left out.

With --take messages are removed once they are printed; a relay that ends in
between gets the last ones again. Without it, --after tells where to go on.`,
		Example: "  toji messages tail --config toji.toml --take | relay-to-the-bus",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd, file, func(ctx context.Context, db *database.DB, _ *slog.Logger, out io.Writer) error {
				t.store, t.out = store.New(db), json.NewEncoder(out)
				return t.run(ctx)
			})
		},
	}
	follow.Flags().StringVar(&file, "config", "", "configuration `file` of the installation; its defaults if empty")
	follow.Flags().Int64Var(&t.after, "after", 0, "begin behind the message with this `id`")
	follow.Flags().BoolVar(&t.take, "take", false, "remove messages that were printed")
	follow.Flags().BoolVar(&t.once, "once", false, "end when there are no more, instead of waiting")
	cmd.AddCommand(follow)
	return cmd
}

// messageBatch is how many messages are read at once.
const messageBatch = 500

// messagePoll finds messages that waited for an older transaction to end, of
// which nobody tells.
const messagePoll = 2 * time.Second

// tail prints messages.
type tail struct {
	store      *store.Store
	out        *json.Encoder
	after      int64
	take, once bool
}

func (t *tail) run(ctx context.Context) error {
	if t.once {
		return t.rest(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	more := make(chan struct{}, 1)
	go func() {
		cancel(t.store.Listen(ctx, func(string, string) {
			select {
			case more <- struct{}{}:
			default:
			}
		}, "toji_messages"))
	}()
	poll := time.NewTicker(messagePoll)
	defer poll.Stop()
	for {
		if err := t.rest(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-more:
		case <-poll.C:
		}
	}
}

// rest prints all messages that there are.
func (t *tail) rest(ctx context.Context) error {
	for {
		list, err := t.store.MessagesAfter(ctx, t.after, messageBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, m := range list {
			line := struct {
				ID      int64           `json:"id"`
				Address string          `json:"address"`
				Props   json.RawMessage `json:"props"`
				Body    json.RawMessage `json:"body"`
			}{m.ID, m.Address, json.RawMessage(m.Props), json.RawMessage(m.Body)}
			if err := t.out.Encode(line); err != nil {
				return err
			}
			t.after = m.ID
		}
		if t.take {
			if err := t.store.DeleteMessages(ctx, t.after); err != nil {
				return err
			}
		}
	}
}
