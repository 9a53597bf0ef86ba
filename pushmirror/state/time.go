package state

import (
	"encoding/json"
	"fmt"
	"time"
)

// timeFormat is RFC 3339 in UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Time is a moment as the state and all JSON output write it: UTC, RFC 3339 with
// milliseconds. The zero Time is "never": null in JSON.
type Time struct{ time.Time }

// Now is the current moment.
func Now() Time { return At(time.Now()) }

// At is t in UTC, cut to milliseconds.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// parseTime reads what String writes.
func parseTime(s string) (Time, error) {
	t, err := time.Parse(timeFormat, s)
	if err != nil {
		return Time{}, fmt.Errorf("reading a time: %w", err)
	}
	return Time{t}, nil
}

// String is the moment in RFC 3339, or "never".
func (t Time) String() string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(timeFormat)
}

// MarshalJSON writes the moment, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(text []byte) error {
	var s *string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if s == nil {
		*t = Time{}
		return nil
	}
	parsed, err := parseTime(*s)
	*t = parsed
	return err
}
