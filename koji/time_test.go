package koji

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimeOnTheWire(t *testing.T) {
	cet := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		in   time.Time
		want any
		ts   float64
	}{
		{time.Time{}, nil, 0},
		{time.Date(2026, 11, 23, 16, 54, 53, 123456000, time.UTC), "2026-11-23 16:54:53.123456+00:00", 1795452893.123456},
		{time.Date(2026, 11, 23, 16, 54, 53, 0, time.UTC), "2026-11-23 16:54:53+00:00", 1795452893},
		{time.Date(2026, 11, 23, 17, 54, 53, 20000, cet), "2026-11-23 16:54:53.000020+00:00", 1795452893.00002},
		{time.Date(2026, 11, 23, 16, 54, 53, 999, time.UTC), "2026-11-23 16:54:53+00:00", 1795452893},
	} {
		got, err := Time{c.in}.MarshalXMLRPC()
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Equal(t, Time{c.in}.String(), string(Time{c.in}.AppendXMLRPC(nil)))
		require.Equal(t, c.ts, NewTime(c.in).TS())
		if c.want != nil {
			back, err := ParseTime(c.want.(string))
			require.NoError(t, err)
			require.Equal(t, NewTime(c.in), back)
			require.Equal(t, back, FromTS(c.ts))
		}
	}
}

func TestAppendTime(t *testing.T) {
	for _, in := range []time.Time{
		time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 1000, time.UTC),
	} {
		require.Equal(t, Time{in}.String(), string(Time{in}.AppendXMLRPC(nil)))
	}
}

func TestParseTime(t *testing.T) {
	want := NewTime(time.Date(2023, 11, 14, 22, 13, 20, 500000000, time.UTC))
	for _, s := range []string{
		"2023-11-14 22:13:20.5+00:00", "2023-11-14 22:13:20.500000", "2023-11-14 23:13:20.5+01",
		"2023-11-14T22:13:20.5Z", "2023-11-14T22:13:20.5", "20231114T22:13:20.5",
	} {
		got, err := ParseTime(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	_, err := ParseTime("yesterday")
	require.EqualError(t, err, `not a time: "yesterday"`)
}

func TestTimeInTheDatabase(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, src := range []any{now, "2026-01-02 03:04:05.000006+00", []byte("2026-01-02 03:04:05.000006+00")} {
		var got Time
		require.NoError(t, got.Scan(src))
		v, err := got.Value()
		require.NoError(t, err)
		require.Equal(t, now, v)
	}
	got := NewTime(now)
	require.NoError(t, got.Scan(nil))
	require.True(t, got.IsZero())
	v, err := got.Value()
	require.NoError(t, err)
	require.Nil(t, v)
	require.Error(t, got.Scan(12))
	require.Error(t, got.Scan("x"))
}
