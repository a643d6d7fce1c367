package obs

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
)

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, config.Log{Level: "warn", Format: "json"}, "hub")
	log.Info("quiet")
	require.Empty(t, out.String())
	log.Warn("loud", Method, "getTag")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "loud", line["msg"])
	require.Equal(t, "hub", line["role"])
	require.Equal(t, "getTag", line["method"])

	out.Reset()
	NewLogger(&out, config.Log{Level: "debug", Format: "text"}, "worker").Debug("plain")
	require.Contains(t, out.String(), "msg=plain role=worker")
}

func TestMetrics(t *testing.T) {
	families, err := NewMetrics().Gather()
	require.NoError(t, err)
	require.NotEmpty(t, families)
}
