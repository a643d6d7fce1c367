package xmlrpc_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// row is a build as listTagged returns thousands of.
type row struct {
	ID      int64   `rpc:"id"`
	Name    string  `rpc:"name"`
	Version string  `rpc:"version"`
	Release string  `rpc:"release"`
	Epoch   *int64  `rpc:"epoch"`
	NVR     string  `rpc:"nvr"`
	State   int     `rpc:"state"`
	Task    int64   `rpc:"task_id"`
	Owner   string  `rpc:"owner_name"`
	TS      float64 `rpc:"creation_ts"`
	Volume  string  `rpc:"volume_name"`
	Draft   bool    `rpc:"draft"`
}

func rows(n int) []row {
	list := make([]row, n)
	for i := range list {
		nvr := fmt.Sprintf("package%d-1.%d-2.fc40", i, i)
		list[i] = row{int64(i), fmt.Sprintf("package%d", i), "1", "2.fc40", nil, nvr, 1, int64(i) << 20, "someone", 1795424848.800918, "DEFAULT", false}
	}
	return list
}

func BenchmarkEncodeStructs(b *testing.B) { benchmarkEncode(b, rows(1000)) }

func BenchmarkEncodeMaps(b *testing.B) {
	v, err := xmlrpc.Plain(rows(1000))
	require.NoError(b, err)
	benchmarkEncode(b, v)
}

func benchmarkEncode(b *testing.B, v any) {
	var text bytes.Buffer
	require.NoError(b, xmlrpc.EncodeResponse(&text, v))
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := xmlrpc.EncodeResponse(io.Discard, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	var text bytes.Buffer
	require.NoError(b, xmlrpc.EncodeResponse(&text, rows(1000)))
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmlrpc.DecodeResponse(bytes.NewReader(text.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeSmall(b *testing.B) {
	text := []byte(callHead + "<value><string>f40-build</string></value>" + callTail)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := xmlrpc.DecodeRequest(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
