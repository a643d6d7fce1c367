package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc/client"
)

func TestToken(t *testing.T) {
	var calls atomic.Int64
	var authorization, session atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization.Store(r.Header.Get("Authorization"))
		session.Store(r.Header.Get("Koji-Session-Id"))
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler) // the connection breaks, and who knows what was done
		}
		_, _ = w.Write([]byte(`<?xml version="1.0"?><methodResponse><params><param><value><string>x</string></value></param></params></methodResponse>`))
	}))
	defer server.Close()
	c, err := client.New(client.Options{Server: server.URL})
	require.NoError(t, err)
	require.ErrorContains(t, c.LoginToken(""), "the token is empty")
	require.False(t, c.LoggedIn())
	require.NoError(t, c.LoginToken("toji_secret"))
	require.True(t, c.LoggedIn())
	sub, err := c.Subsession(t.Context())
	require.NoError(t, err)
	_, err = sub.Call(t.Context(), "echo", nil)
	require.NoError(t, err)
	require.Equal(t, "Bearer toji_secret", authorization.Load())
	require.Empty(t, session.Load())

	_, err = c.Call(t.Context(), "build", nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "toji_secret")
	require.Equal(t, int64(2), calls.Load(), "a call that may have been done was repeated")
	require.NoError(t, c.Logout(t.Context()))

	remote, err := client.New(client.Options{Server: "http://koji.example.org/kojihub"})
	require.NoError(t, err)
	require.ErrorContains(t, remote.LoginToken("toji_secret"), "a token is not sent to koji.example.org without TLS")
	remote, err = client.New(client.Options{Server: "https://koji.example.org/kojihub"})
	require.NoError(t, err)
	require.NoError(t, remote.LoginToken("toji_secret"))
}

// Who cannot get a ticket is told so at once.
func TestNoTicket(t *testing.T) {
	c, err := client.New(client.Options{Server: "https://127.0.0.1:1/kojihub", AnonRetry: true})
	require.NoError(t, err)
	hosts := []string{}
	token := func(_ context.Context, host string) ([]byte, error) {
		hosts = append(hosts, host)
		return nil, errors.New("no ticket")
	}
	require.ErrorContains(t, c.LoginKerberosAs(t.Context(), token, ""), "no ticket")
	require.Equal(t, []string{"127.0.0.1"}, hosts)
}
