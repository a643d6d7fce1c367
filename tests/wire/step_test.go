package wire

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// step is one run of the stock command line.
type step struct {
	Step  int      `json:"step"`
	Argv  []string `json:"argv"`
	User  string   `json:"user"`
	Calls []call   `json:"calls"`
}

// name is the step's number as its file has it.
func (s step) name() string {
	text := strconv.Itoa(s.Step)
	return strings.Repeat("0", max(0, 4-len(text))) + text
}

// call is a request and the recorded answer.
type call struct {
	Request    string   `json:"request"` // "POST /kojihub HTTP/1.1"
	Headers    []string `json:"headers"`
	Method     string   `json:"method"`
	Body       string   `json:"body"`
	BodyBase64 string   `json:"body_base64"`
	Status     string   `json:"status"`
	Response   string   `json:"response"`
}

func (c call) body(t *testing.T) string {
	if c.BodyBase64 == "" {
		return c.Body
	}
	raw, err := base64.StdEncoding.DecodeString(c.BodyBase64)
	require.NoError(t, err)
	return string(raw)
}

func (c call) header(name string) string {
	for _, h := range c.Headers {
		if k, v, _ := strings.Cut(h, ": "); strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func readSteps(t *testing.T) []step {
	files, err := filepath.Glob("testdata/steps/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	steps := make([]step, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &steps[i]), file)
	}
	return steps
}

// readPending returns the reasons why steps differ, by the step's number.
func readPending(t *testing.T) map[string]string {
	text, err := os.ReadFile("testdata/pending.txt")
	require.NoError(t, err)
	pending := map[string]string{}
	for line := range strings.Lines(string(text)) {
		number, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if number == "" || strings.HasPrefix(number, "#") {
			continue
		}
		require.NotEmpty(t, reason, "pending.txt: %s has no reason", number)
		pending[number] = reason
	}
	return pending
}
