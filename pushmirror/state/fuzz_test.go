package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"
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
	for _, text := range []string{
		`{"version": 1, "update_status": "failed", "last_update_at": "2026-11-20T10:00:00.123Z"}`,
		`{"version": 1, "update_status": "finished", "last_update_at": null, "pushers": {"": "ada"}, "settled": "0"}`,
		`{"version": 1, "update_status": "failed", "divergent": [{"ref": "refs/heads/\\xff", "mirror": "1", "upstream": "2"}, {}], "rejected": [{"reason": "no"}]}`,
		`{"version": 1, "update_status": "started"}`, `{"version": 2}`, `{"version": 1, "update_status": "to_retry", "attempts": -1}`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRecord(text)
		if err != nil {
			return
		}
		r.Version = recordVersion
		var written bytes.Buffer
		w := bufio.NewWriter(&written)
		if err := errors.Join(writeRecord(w, r), w.Flush()); err != nil {
			t.Fatal(err)
		}
		again, err := parseRecord(written.Bytes())
		if err != nil || asJSON(t, again) != asJSON(t, r) {
			t.Errorf("%q became %q: %v", text, &written, err)
		}
	})
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzMark(f *testing.F) {
	for _, text := range []string{
		`{"since":"2026-11-20T10:00:00.123Z","pusher":"ada","refs":["refs/heads/main"]}` + "\n",
		`{"since":"2026-11-20T10:00:00.123Z"}` + "\n" + `{"since":"2026-11-2`, "\x00\n\n{}\n", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pushes := slices.Collect(parseMark(string(text)))
		var again []byte
		for _, p := range pushes {
			if p.Time.IsZero() {
				t.Errorf("%q has a push at no time", text)
			}
			line, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			again = append(append(again, line...), '\n')
		}
		if got := slices.Collect(parseMark(string(again))); len(got) != len(pushes) {
			t.Errorf("%q became %q", text, again)
		}
	})
}

func FuzzEntry(f *testing.F) {
	for _, text := range []string{
		`{"time":"2026-11-20T10:00:00.123Z","remote":"m","ref":"refs/heads/x","result":"forced","old":"` + string(oidA) + `","new":"","announced":true}` + "\n",
		`{"time":"2026-11-20T10:00:00.123Z","remote":"m","result":"failed","old":"","new":"","reason":"\u001b[2J"}` + "\n", `{"time":null}` + "\n", `{"time"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, ok := parseEntry(line)
		if !ok {
			return
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, ok := parseEntry(append(text, '\n'))
		if !ok || again != e && utf8.Valid(line) {
			t.Errorf("%q became %+v", line, again)
		}
	})
}
