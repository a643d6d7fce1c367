package xmlrpc_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kolo/xmlrpc"
	"github.com/stretchr/testify/require"

	ours "github.com/toji-build/toji/koji/xmlrpc"
)

// A document arrives in pieces that end anywhere.
func TestDecodeInPieces(t *testing.T) {
	text := callHead + `<value a="'>'"><struct><member><name>n&amp;</name>` +
		"<value><string>ü☃𝄞\r\n<![CDATA[x]]>]]&gt;&#x2603;</string></value></member></struct></value><!-- c -->" + callTail
	want := []any{map[string]any{"n&": "ü☃𝄞\nx]]>☃"}}
	for name, r := range map[string]io.Reader{
		"one byte":      iotest.OneByteReader(strings.NewReader(text)),
		"half":          iotest.HalfReader(strings.NewReader(text)),
		"data with EOF": iotest.DataErrReader(strings.NewReader(text)),
	} {
		t.Run(name, func(t *testing.T) {
			_, params, err := ours.DecodeRequest(r)
			require.NoError(t, err)
			require.Equal(t, want, params)
		})
	}
}

func TestDecodeReaderErrors(t *testing.T) {
	text := callHead + "<value>x</value>" + callTail
	timeout := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text)))
	_, _, err := ours.DecodeRequest(timeout)
	require.ErrorIs(t, err, iotest.ErrTimeout)

	_, _, err = ours.DecodeRequest(ours.LimitReader(strings.NewReader(text), int64(len(text))))
	require.NoError(t, err)
	_, _, err = ours.DecodeRequest(ours.LimitReader(strings.NewReader(text), int64(len(text))-1))
	require.ErrorIs(t, err, ours.ErrTooLong)
	require.EqualError(t, err, "Request too long")
	_, _, err = ours.DecodeRequest(ours.LimitReader(strings.NewReader(text), 0))
	require.NoError(t, err, "no limit")
}

// What would cost more than its size is refused.
func TestDecodeLimits(t *testing.T) {
	nested := func(n int) string {
		return callHead + strings.Repeat("<value><array><data>", n) + strings.Repeat("</data></array></value>", n) + callTail
	}
	_, params, err := ours.DecodeRequest(strings.NewReader(nested(490)))
	require.NoError(t, err)
	require.NoError(t, ours.EncodeResponse(io.Discard, params[0]))

	for name, text := range map[string]string{
		"arrays":   nested(100_000),
		"elements": strings.Repeat("<x>", 100_000),
		"long tag": "<" + strings.Repeat("x", 1<<20) + ">",
		"laughs":   `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><methodCall>&b;</methodCall>`,
		"file":     `<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><methodCall>&a;</methodCall>`,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ours.DecodeRequest(strings.NewReader(text))
			require.Error(t, err)
			require.Less(t, len(err.Error()), 200)
		})
	}
}

func TestDecodeResponse(t *testing.T) {
	v, err := ours.DecodeResponse(strings.NewReader(respHead + "<value><int>1</int></value>\n" + respTail))
	require.NoError(t, err)
	require.Equal(t, int64(1), v)

	_, err = ours.DecodeResponse(strings.NewReader("<methodResponse><params></params></methodResponse>"))
	require.ErrorContains(t, err, "0 values")

	_, err = ours.DecodeResponse(strings.NewReader("<html><body>Bad Gateway</body></html>"))
	require.EqualError(t, err, "ResponseError()")
}

// kolo/xmlrpc is a client that we share no code with.
func TestForeignClient(t *testing.T) {
	type build struct {
		ID      int64    `xmlrpc:"id"`
		NVR     string   `xmlrpc:"nvr"`
		Weight  float64  `xmlrpc:"weight"`
		Scratch bool     `xmlrpc:"scratch"`
		Arches  []string `xmlrpc:"arches"`
	}
	text, err := ours.MarshalResult(map[string]any{
		"id": 1 << 40, "nvr": "bash-5.2-<1> & ü", "weight": 1.5, "scratch": true, "arches": []string{"x86_64", "noarch"},
	})
	require.NoError(t, err)
	var got build
	require.NoError(t, xmlrpc.Response([]byte(text)).Unmarshal(&got))
	require.Equal(t, build{1 << 40, "bash-5.2-<1> & ü", 1.5, true, []string{"x86_64", "noarch"}}, got)

	err = xmlrpc.Response(ours.MarshalFault(1002, "Not logged in")).Err()
	require.ErrorContains(t, err, "1002")
	require.ErrorContains(t, err, "Not logged in")

	request, err := xmlrpc.EncodeMethodCall("getBuild", "bash-5.2-1", map[string]any{"strict": true, "__starstar": true})
	require.NoError(t, err)
	method, params, err := ours.DecodeRequest(bytes.NewReader(request))
	require.NoError(t, err)
	require.Equal(t, "getBuild", method)
	args, kw := ours.SplitKeywords(params)
	require.Equal(t, []any{"bash-5.2-1"}, args)
	require.Equal(t, map[string]any{"strict": true}, kw)
}

// Whatever is accepted can be written, and reads as the same again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(callHead + "<value><string>a&amp;&#65;<![CDATA[x]]></string></value>" + callTail))
	f.Add([]byte(callHead + "<value><struct><member><name>a</name><value><array><data><value><i8>5</i8></value></data></array></value></member></struct></value>" + callTail))
	f.Add([]byte(callHead + "<value><base64>AAEC</base64></value><value><double>1e5</double></value><value><nil/></value>" + callTail))
	f.Add([]byte(callHead + "<value><dateTime.iso8601>20240102T03:04:05</dateTime.iso8601></value>" + callTail))
	f.Add([]byte(faultText))
	f.Add([]byte("<?xml version='1.0' encoding='iso-8859-1'?><!DOCTYPE x [ ]><params><value>\xe9</value></params>"))
	f.Fuzz(func(t *testing.T, document []byte) {
		_, params, err := ours.DecodeRequest(bytes.NewReader(document))
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := ours.EncodeRequest(&first, "m", params...); err != nil {
			require.ErrorContains(t, err, "nested")
			return
		}
		_, again, err := ours.DecodeRequest(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		require.NoError(t, ours.EncodeRequest(&second, "m", again...))
		require.Equal(t, first.String(), second.String())
		if errors.Is(err, io.EOF) {
			t.Fatal("the end of the input is not an error of its own")
		}
	})
}
