package hub

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
)

// oddArguments fit hardly any parameter, or fit it and mean nothing.
var oddArguments = []any{
	nil, true, int64(-1), int64(1) << 62, 1.5, math.NaN(), "", "no such'; --", "../../x", []byte("bytes"), time.Unix(0, 0),
	[]any{}, []any{[]any{nil}}, map[string]any{}, map[string]any{"id": []any{"x"}, "name": int64(7)},
}

// Whatever a client sends, it gets a result or a fault that was meant: no method
// panics, and none passes on an error of the database or of a library.
func TestOddArguments(t *testing.T) {
	h := newTestHub(t)
	ctx := session.With(t.Context(), oddCaller(t, h))
	undo := errors.New("undo")
	for _, name := range h.Methods.Names() {
		e, err := h.Methods.Lookup(name)
		require.NoError(t, err)
		for _, odd := range oddArguments {
			for n := range len(e.Params) + 1 {
				args := make([]any, n)
				for i := range args {
					args[i] = odd
				}
				undone := h.Store.InTx(ctx, func(ctx context.Context) error {
					_, err = h.call(ctx, e, args, nil)
					return undo
				})
				require.ErrorIs(t, undone, undo)
				if errors.Is(err, errInternal) || unforeseen(err) {
					t.Errorf("%s(%s): %v", name, fmt.Sprint(args...), err)
				}
			}
		}
	}
}

// oddCaller is an admin who is a build host at once, so that every method lets
// it in.
func oddCaller(t *testing.T, h *Hub) *session.Session {
	_, err := h.Store.Exec(t.Context(), `INSERT INTO host (user_id, name) VALUES (1, 'odd')`)
	require.NoError(t, err)
	id, err := h.Store.CreateSession(t.Context(), store.NewSession{UserID: 1, Key: "key", HostIP: "-", AuthType: koji.AuthNormal})
	require.NoError(t, err)
	host := int64(1)
	return &session.Session{ID: id, UserID: 1, UserName: "kojiadmin", HostID: &host, HostIP: "-", Exclusive: true, Perms: []string{"admin"}}
}
