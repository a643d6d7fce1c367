package xmlrpc_test

import (
	"errors"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

type base struct {
	ID int `rpc:"id"`
}

type pkg struct {
	base
	Name    string  `rpc:"name"`
	Owner   *string `rpc:"owner"`
	Extra   any     `rpc:"extra,omitempty"`
	Weights []int   `rpc:"weights"`
	Param   bool    `rpc:"strict,optional=False"`
	private string
	Skipped int
}

type stamp int

func (s stamp) MarshalXMLRPC() (any, error) {
	if s < 0 {
		return nil, errors.New("before time")
	}
	return "at " + strings.Repeat("i", int(s)), nil
}

func TestEncodeValues(t *testing.T) {
	name := "x"
	type text string
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"nil", nil, "<value><nil/></value>"},
		{"nil pointer", (*string)(nil), "<value><nil/></value>"},
		{"nil pointer to marshaler", (*stamp)(nil), "<value><nil/></value>"},
		{"pointer", &name, "<value><string>x</string></value>\n"},
		{"named string", text("x"), "<value><string>x</string></value>\n"},
		{"uint8", uint8(7), "<value><int>7</int></value>\n"},
		{"beyond 32 bit", int64(math.MinInt32) - 1, "<value><i8>-2147483649</i8></value>\n"},
		{"false", false, "<value><boolean>0</boolean></value>\n"},
		{"float", 0.1, "<value><double>0.1</double></value>\n"},
		{"float32", float32(0.5), "<value><double>0.5</double></value>\n"},
		{"whole float", 1e15, "<value><double>1000000000000000.0</double></value>\n"},
		{"large float", 1e16, "<value><double>1e+16</double></value>\n"},
		{"small float", 0.00001, "<value><double>1e-05</double></value>\n"},
		{"timestamp", 1795424848.800918, "<value><double>1795424848.800918</double></value>\n"},
		{"infinity", math.Inf(-1), "<value><double>-inf</double></value>\n"},
		{"negative zero", math.Copysign(0, -1), "<value><double>-0.0</double></value>\n"},
		{"invalid text", "a\x00\xff\uFFFEb", "<value><string>a\uFFFD\uFFFD\uFFFDb</string></value>\n"},
		{"bytes in lines", make([]byte, 58),
			"<value><base64>\n" + strings.Repeat("A", 76) + "\nAA==\n</base64></value>\n"},
		{"no bytes", []byte{}, "<value><base64>\n</base64></value>\n"},
		{"time", time.Date(2024, 1, 2, 5, 4, 5, 0, time.FixedZone("", 7200)),
			"<value><dateTime.iso8601>20240102T03:04:05</dateTime.iso8601></value>\n"},
		{"nil slice", []int(nil), "<value><array><data>\n</data></array></value>\n"},
		{"nil map", map[string]int(nil), "<value><struct>\n</struct></value>\n"},
		{"strings", []string{"a", "b"},
			"<value><array><data>\n<value><string>a</string></value>\n<value><string>b</string></value>\n</data></array></value>\n"},
		{"sorted map", map[text]int{"b": 2, "a": 1},
			"<value><struct>\n<member>\n<name>a</name>\n<value><int>1</int></value>\n</member>\n" +
				"<member>\n<name>b</name>\n<value><int>2</int></value>\n</member>\n</struct></value>\n"},
		{"struct", pkg{base: base{3}, Name: "bash", private: "p"},
			"<value><struct>\n<member>\n<name>id</name>\n<value><int>3</int></value>\n</member>\n" +
				"<member>\n<name>name</name>\n<value><string>bash</string></value>\n</member>\n" +
				"<member>\n<name>owner</name>\n<value><nil/></value></member>\n" +
				"<member>\n<name>weights</name>\n<value><array><data>\n</data></array></value>\n</member>\n" +
				"<member>\n<name>strict</name>\n<value><boolean>0</boolean></value>\n</member>\n</struct></value>\n"},
		{"marshaler", stamp(2), "<value><string>at ii</string></value>\n"},
		{"marshalers", []stamp{0}, "<value><array><data>\n<value><string>at </string></value>\n</data></array></value>\n"},
		{"array", [2]bool{true}, "<value><array><data>\n<value><boolean>1</boolean></value>\n<value><boolean>0</boolean></value>\n</data></array></value>\n"},
		{"sequence", count(2), "<value><array><data>\n<value><int>0</int></value>\n<value><int>1</int></value>\n</data></array></value>\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := xmlrpc.MarshalResult(c.value)
			require.NoError(t, err)
			require.Equal(t, respHead+c.want+respTail, got)

			// Plain is what comes out of the other end.
			plain, err := xmlrpc.Plain(c.value)
			require.NoError(t, err)
			decoded, err := xmlrpc.UnmarshalResult(got)
			require.NoError(t, err)
			if c.name != "invalid text" && c.name != "time" {
				require.Equal(t, decoded, plain)
			}
		})
	}
}

// count yields 0 to n-1.
func count(n int) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	type loop struct {
		Next *loop `rpc:"next"`
	}
	circle := &loop{}
	circle.Next = circle
	list := []any{nil}
	list[0] = list
	broken := iter.Seq2[any, error](func(yield func(any, error) bool) { yield(nil, errors.New("connection lost")) })
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"channel", map[string]any{"a": make(chan int)}, "a: cannot marshal chan int objects"},
		{"int keys", map[int]int{}, "cannot marshal map[int]int objects"},
		{"uint64", uint64(math.MaxUint64), "long int exceeds XML-RPC limits"},
		{"circle of pointers", circle, "values are nested too deeply"},
		{"circle of lists", list, "values are nested too deeply"},
		{"marshaler", stamp(-1), "before time"},
		{"sequence", broken, "connection lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			require.ErrorContains(t, xmlrpc.EncodeResponse(&b, c.value), c.want)
			require.Empty(t, b.String(), "a fault can still be written")
			_, err := xmlrpc.Plain(c.value)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// A long answer reaches the writer while it is being made.
func TestEncodeStreams(t *testing.T) {
	var w writes
	seen := 0
	rows := iter.Seq2[any, error](func(yield func(any, error) bool) {
		for range 100 {
			seen = max(seen, len(w))
			if !yield(strings.Repeat("ü", 10_000), nil) {
				return
			}
		}
	})
	require.NoError(t, xmlrpc.EncodeResponse(&w, rows))
	require.Greater(t, seen, 20)
	for _, n := range w {
		require.Less(t, n, 128<<10)
	}
	require.ErrorContains(t, xmlrpc.EncodeResponse(fullDisk{}, rows), "no space")
}

type writes []int

func (w *writes) Write(p []byte) (int, error) { *w = append(*w, len(p)); return len(p), nil }

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestRequestAndFaultTexts(t *testing.T) {
	text, err := xmlrpc.MarshalRequest("sleep", 5, xmlrpc.Keywords(map[string]any{"a": nil}))
	require.NoError(t, err)
	require.Equal(t, `<?xml version='1.0'?>
<methodCall>
<methodName>sleep</methodName>
<params>
<param>
<value><int>5</int></value>
</param>
<param>
<value><struct>
<member>
<name>__starstar</name>
<value><boolean>1</boolean></value>
</member>
<member>
<name>a</name>
<value><nil/></value></member>
</struct></value>
</param>
</params>
</methodCall>
`, text)
	require.Equal(t, faultText, xmlrpc.MarshalFault(1000, "no"))

	_, err = xmlrpc.UnmarshalResult(faultText)
	fault, ok := errors.AsType[*xmlrpc.Fault](err)
	require.True(t, ok)
	require.Equal(t, &xmlrpc.Fault{Code: 1000, String: "no"}, fault)
	require.EqualError(t, fault, "<Fault 1000: 'no'>")
}

func TestStoredTexts(t *testing.T) {
	want := []any{int64(5)}
	for name, text := range map[string]string{
		"xml":    "<?xml version='1.0'?>\n<methodCall>\n<methodName>sleep</methodName>\n<params>\n<param>\n<value><int>5</int></value>\n</param>\n</params>\n</methodCall>\n",
		"base64": "PG1ldGhvZENhbGw+PG1ldGhvZE5hbWU+c2xlZXA8L21ldGhvZE5hbWU+PHBhcmFtcz48cGFyYW0+PHZhbHVlPjxpbnQ+NTwv\naW50PjwvdmFsdWU+PC9wYXJhbT48L3BhcmFtcz48L21ldGhvZENhbGw+\n",
	} {
		t.Run(name, func(t *testing.T) {
			method, params, err := xmlrpc.UnmarshalRequest(text)
			require.NoError(t, err)
			require.Equal(t, "sleep", method)
			require.Equal(t, want, params)
		})
	}
	_, _, err := xmlrpc.UnmarshalRequest("%%%")
	require.ErrorContains(t, err, "neither XML nor base64")
}

func TestSplitKeywords(t *testing.T) {
	kw := map[string]any{"strict": true}
	last := xmlrpc.Keywords(kw)
	require.Equal(t, map[string]any{"strict": true}, kw)

	args, got := xmlrpc.SplitKeywords([]any{"f40", last})
	require.Equal(t, []any{"f40"}, args)
	require.Equal(t, kw, got)
	require.Contains(t, last, "__starstar")

	for name, params := range map[string][]any{
		"none":     {},
		"false":    {map[string]any{"__starstar": false}},
		"not last": {last, int64(1)},
	} {
		args, got := xmlrpc.SplitKeywords(params)
		require.Equal(t, params, args, name)
		require.Nil(t, got, name)
	}
}

func TestRepr(t *testing.T) {
	for want, v := range map[string]any{
		"None": nil, "True": true, "-5": int64(-5), "1.0": 1.0, `'a\n\\b'`: "a\n\\b", `"it's"`: "it's", `'it\'s "x"'`: `it's "x"`,
		"[1, 'ü']": []any{int64(1), "ü"}, "{'a': None, 'b': []}": map[string]any{"b": []any{}, "a": nil}, `b'x'`: []byte("x"),
	} {
		require.Equal(t, want, xmlrpc.Repr(v))
	}
}
