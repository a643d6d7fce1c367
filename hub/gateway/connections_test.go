package gateway

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/stats"
)

// A builder is gone when its last connection is.
func TestConnections(t *testing.T) {
	var gone []string
	c := &connections{left: func(user string) { gone = append(gone, user) }, open: map[string]int{}}
	first, second, other, silent := c.TagConn(t.Context(), nil), c.TagConn(t.Context(), nil), c.TagConn(t.Context(), nil), c.TagConn(t.Context(), nil)
	for range 2 { // each makes several calls
		c.belongs(first, "b1")
		c.belongs(second, "b1")
		c.belongs(other, "b2")
	}
	c.HandleConn(first, &stats.ConnBegin{})
	c.HandleConn(silent, &stats.ConnEnd{})
	c.HandleConn(first, &stats.ConnEnd{})
	require.Empty(t, gone)
	c.HandleConn(second, &stats.ConnEnd{})
	require.Equal(t, []string{"b1"}, gone)
	again := c.TagConn(t.Context(), nil)
	c.belongs(again, "b1")
	c.HandleConn(again, &stats.ConnEnd{})
	c.HandleConn(other, &stats.ConnEnd{})
	require.Equal(t, []string{"b1", "b1", "b2"}, gone)
}
