package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPlainValue(t *testing.T) {
	for text, want := range map[string]any{
		"5": int64(5), "-5": int64(-5), "2.5": 2.5, "1e3": 1000.0, "None": nil, "True": true, "False": false,
		"f40": "f40", "0x10": "0x10", "": "", "[1]": "[1]", "0x1p-2": "0x1p-2",
	} {
		require.Equal(t, want, plainValue(text), text)
	}
}

func TestParsePython(t *testing.T) {
	for text, want := range map[string]any{
		"[1, None, {'a': 1.5, 'b': [True, False]}]": []any{int64(1), nil, map[string]any{"a": 1.5, "b": []any{true, false}}},
		`"it's"`:             "it's",
		`'a\'b\n\x41\u00fc'`: "a'b\nAü",
		`b'x'`:               []byte("x"),
		"( 1 , 2, )":         []any{int64(1), int64(2)},
		"('x',)":             []any{"x"},
		"(5)":                int64(5),
		"()":                 []any{},
		"{}":                 map[string]any{},
		" -3 ":               int64(-3),
	} {
		got, err := parsePython(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "f40", "[1", "[1 2]", "{'a' 1}", "{1: 2}", "'x", `'\x4'`, "1 2", "{'a': }", `'\`} {
		_, err := parsePython(text)
		require.Error(t, err, text)
	}
}

// TestPprint has what Python's pprint writes.
func TestPprint(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string
	}{
		{map[string]any{"a": []any{int64(1), 2.5, nil, true, "x"}, "b": map[string]any{}, "c": []any{}}, "{'a': [1, 2.5, None, True, 'x'], 'b': {}, 'c': []}"},
		{
			[]any{
				map[string]any{"name": "a rather long name for a thing", "id": int64(12345), "description": "some text that is long"},
				map[string]any{"name": "b", "id": int64(1)},
			},
			"[{'description': 'some text that is long',\n  'id': 12345,\n  'name': 'a rather long name for a thing'},\n {'id': 1, 'name': 'b'}]",
		},
		{strings.Repeat("word ", 30), "('word word word word word word word word word word word word word word word '\n 'word word word word word word word word word word word word word word word ')"},
		{
			map[string]any{"doc": "A line of text that goes on for quite a while, and then some more, until it is over.\nSecond line.\n", "n": int64(1)},
			"{'doc': 'A line of text that goes on for quite a while, and then some more, '\n        'until it is over.\\n'\n        'Second line.\\n',\n 'n': 1}",
		},
		{strings.Repeat("x", 100), "'" + strings.Repeat("x", 100) + "'"},
		{"", "''"},
	} {
		require.Equal(t, test.want, pformat(test.value))
	}
}

func TestWriteJSON(t *testing.T) {
	var b strings.Builder
	require.NoError(t, writeJSON(&b, map[string]any{"n": 1, "f": 2.0, "s": "ü\"\n😀\x7f", "l": []any{}, "m": map[string]any{}, "x": []any{nil, true}}))
	require.Equal(t, `{
  "f": 2.0,
  "l": [],
  "m": {},
  "n": 1,
  "s": "\u00fc\"\n\ud83d\ude00\u007f",
  "x": [
    null,
    true
  ]
}
`, b.String())
}

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("lab", 3600)
	a := &app{Env: Env{Zone: zone, Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, zone) }}}
	for text, want := range map[string]time.Time{
		"1700000000":           time.Unix(1700000000, 0),
		"2020-12-31":           time.Date(2020, 12, 31, 0, 0, 0, 0, zone),
		"2020-12-31 12:35":     time.Date(2020, 12, 31, 12, 35, 0, 0, zone),
		"December 31st 12:35":  time.Date(2026, 12, 31, 12, 35, 0, 0, zone),
		"Dec 31 2020":          time.Date(2020, 12, 31, 0, 0, 0, 0, zone),
		"08:15":                time.Date(2026, 11, 23, 8, 15, 0, 0, zone),
		"2020-12-31T12:35:00Z": time.Date(2020, 12, 31, 12, 35, 0, 0, time.UTC),
	} {
		ts, err := a.parseTime(text)
		require.NoError(t, err, text)
		require.Equal(t, float64(want.Unix()), ts, text)
	}
	_, err := a.parseTime("tomorrow week")
	require.Error(t, err)
}
