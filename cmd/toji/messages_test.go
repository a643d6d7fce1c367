package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/testenv"
)

func TestMessagesTail(t *testing.T) {
	s := store.New(testenv.Database(t))
	add := func(address string) {
		require.NoError(t, s.AddMessage(t.Context(), address, `{"type":"Tag"}`, `{"x":1}`))
	}
	add("a")
	add("b")
	var out bytes.Buffer
	once := tail{store: s, out: json.NewEncoder(&out), once: true}
	require.NoError(t, once.run(t.Context()))
	require.Equal(t, `{"id":1,"address":"a","props":{"type":"Tag"},"body":{"x":1}}`+"\n"+
		`{"id":2,"address":"b","props":{"type":"Tag"},"body":{"x":1}}`+"\n", out.String())

	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	follow := tail{store: s, out: json.NewEncoder(w), after: 1, take: true}
	done := make(chan error, 1)
	go func() { done <- follow.run(ctx) }()
	lines := json.NewDecoder(r)
	next := func() string {
		var m struct{ Address string }
		require.NoError(t, lines.Decode(&m))
		return m.Address
	}
	require.Equal(t, "b", next())
	add("c")
	require.Equal(t, "c", next())
	add(strings.Repeat("d", 3)) // by now c and all before it are removed
	require.Equal(t, "ddd", next())
	rest, err := s.MessagesAfter(t.Context(), 0, 10)
	require.NoError(t, err)
	require.LessOrEqual(t, len(rest), 1)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}
