package koji

import (
	"database/sql/driver"
	"fmt"
	"math"
	"time"
)

// Time is a point in time as Koji's database and protocol have it: with a
// resolution of one microsecond, and as text in UTC. The zero Time stands for
// NULL.
type Time struct{ time.Time }

// The formats of Python's str(datetime), which leaves out a fraction of zero.
const (
	timeLayout  = "2006-01-02 15:04:05-07:00"
	timeLayoutU = "2006-01-02 15:04:05.000000-07:00"
)

// parseLayouts are the spellings ParseTime accepts. Go's parser takes a
// fraction after the seconds whether or not the layout has one.
var parseLayouts = []string{
	timeLayout,
	"2006-01-02 15:04:05-07", // PostgreSQL
	"2006-01-02 15:04:05",
	time.RFC3339,
	"2006-01-02T15:04:05",
	"20060102T15:04:05", // XML-RPC's dateTime.iso8601
	time.DateOnly,
}

// NewTime returns t in UTC, cut to microseconds.
func NewTime(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Microsecond)}
}

// FromTS returns the time that lies ts seconds after the epoch, the inverse of
// Time.TS.
func FromTS(ts float64) Time {
	return Time{time.UnixMicro(int64(math.Round(ts * 1e6))).UTC()}
}

// ParseTime reads a time from the wire: Python's str(datetime), PostgreSQL's
// text, ISO 8601 or a bare date. Without an offset it is UTC. The empty string
// is the zero Time.
func ParseTime(s string) (Time, error) {
	if s == "" {
		return Time{}, nil
	}
	for _, layout := range parseLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return NewTime(t), nil
		}
	}
	return Time{}, fmt.Errorf("not a time: %q", s)
}

// String returns the text that goes over the wire, such as
// "2026-11-23 16:54:53.123456+00:00", or "" for the zero Time.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	u := t.UTC().Truncate(time.Microsecond)
	if u.Nanosecond() == 0 {
		return u.Format(timeLayout)
	}
	return u.Format(timeLayoutU)
}

// TS returns the seconds since the epoch with microseconds, as Koji's *_ts
// fields have them; 0 for the zero Time.
func (t Time) TS() float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}

// MarshalXMLRPC returns the time as a string, nil for the zero Time.
//
// Koji: times never travel as dateTime.iso8601 but as Python prints them.
func (t Time) MarshalXMLRPC() (any, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.String(), nil
}

// AppendXMLRPC appends the text of MarshalXMLRPC, nothing for the zero Time. It
// is String without Format, which takes four times as long.
func (t Time) AppendXMLRPC(dst []byte) []byte {
	if t.IsZero() {
		return dst
	}
	u := t.UTC()
	year, month, day := u.Date()
	if year < 0 || year > 9999 {
		return append(dst, t.String()...)
	}
	hour, minute, second := u.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, ' '), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	if micro := u.Nanosecond() / 1000; micro != 0 {
		dst = appendDigits(append(dst, '.'), micro, 6)
	}
	return append(dst, "+00:00"...)
}

// appendDigits appends n with leading zeros, which make it as wide as width.
func appendDigits(dst []byte, n, width int) []byte {
	dst = append(dst, "000000"[:width]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// UnmarshalXMLRPC takes what MarshalXMLRPC returns.
func (t *Time) UnmarshalXMLRPC(v any) error { return t.Scan(v) }

// Scan implements sql.Scanner for timestamps, their text and NULL.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Time{}
	case time.Time:
		*t = NewTime(v)
	case string:
		return t.parse(v)
	case []byte:
		return t.parse(string(v))
	default:
		return fmt.Errorf("scan a time from %T", src)
	}
	return nil
}

func (t *Time) parse(s string) error {
	p, err := ParseTime(s)
	if err != nil {
		return err
	}
	*t = p
	return nil
}

// Value implements driver.Valuer; the zero Time is NULL.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UTC(), nil
}
