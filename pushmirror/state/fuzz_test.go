package state

import (
	"encoding/json"
	"testing"
)

func FuzzSeen(f *testing.F) {
	f.Add(string(formatSeen(exampleSeen(), `1 "/x"`)))
	f.Fuzz(func(t *testing.T, text string) {
		seen, where, err := parseSeen(text)
		if err != nil {
			return
		}
		again, where2, err := parseSeen(string(formatSeen(seen, where)))
		if err != nil || where2 != where || !sameSeen(seen, again) {
			t.Errorf("%q became %+v, %v", text, again, err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"version": 1, "update_status": "failed", "last_update_at": "2026-11-20T10:00:00.123Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRecord(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseRecord(again); err != nil {
			t.Errorf("%q became %q: %v", text, again, err)
		}
	})
}
