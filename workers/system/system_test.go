package system

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestNeedsItsParts(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "needs a hub and a Temporal client")
}

// A Temporal that is not there is waited for, and not any longer than the hub lives.
func TestWaitsForTemporal(t *testing.T) {
	knocks := make(chan struct{}, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() { // hangs up on everyone
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
			select {
			case knocks <- struct{}{}:
			default:
			}
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	c, err := client.NewLazyClient(client.Options{HostPort: l.Addr().String(), Namespace: "toji", Logger: sdklog.NewStructuredLogger(quiet)})
	require.NoError(t, err)
	defer c.Close()
	h, err := hub.New(hub.Options{DB: testenv.Database(t), Log: quiet})
	require.NoError(t, err)
	w, err := New(Options{Hub: h, Temporal: c, Log: quiet})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for range 2 {
		<-knocks
	}
	cancel()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(20 * time.Second):
		t.Fatal("the worker does not end")
	}
}
