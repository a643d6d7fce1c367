package web

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// One address has but so many streams; others do not suffer from it, and there is
// room again when one ends.
func TestStreamsOfOneAddress(t *testing.T) {
	site, server := newSite(t, newFakeHub(), func(o *Options) {
		o.MaxStreams = 2
		o.Address = func(r *http.Request) string { return r.URL.Query().Get("from") }
	})
	listen(t, server, "/events?from=here", "")
	second := listen(t, server, "/tasks/7/events?from=here", "")
	for _, path := range []string{"/events?from=here", "/tasks/7/events?from=here"} {
		resp, err := http.Get(server.URL + path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
		require.Equal(t, "60", resp.Header.Get("Retry-After"))
	}
	listen(t, server, "/events?from=elsewhere", "")

	second.close()
	require.Eventually(t, func() bool { return site.streams.enter("here", 2) }, patience, patience/1000)
	require.False(t, site.streams.enter("here", 2))
}
