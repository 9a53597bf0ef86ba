package hook

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/state"
)

// A record of an update that began earlier tells of the push only where it tells that nothing will
// be tried for now.
func TestARecordAnswersAPushOrIsWaitedFor(t *testing.T) {
	pushed := state.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	before, after := state.At(pushed.Add(-time.Minute)), state.At(pushed.Add(time.Minute))
	for name, c := range map[string]struct {
		record state.Record
		want   bool
	}{
		"there is none":                          {state.Record{}, false},
		"an update that began with the push":     {state.Record{StartedAt: pushed}, true},
		"one that began later":                   {state.Record{StartedAt: after}, true},
		"one that began before":                  {state.Record{StartedAt: before}, false},
		"one that failed and waits":              {state.Record{StartedAt: before, Unreached: true, NextAttemptAt: after}, true},
		"one that failed and is tried again now": {state.Record{StartedAt: before, Unreached: true, NextAttemptAt: pushed}, false},
		"one that failed and will not be":        {state.Record{StartedAt: before, Unreached: true}, false},
		"one of which a few refs wait":           {state.Record{StartedAt: before, NextAttemptAt: after}, false},
	} {
		if got := answered(c.record, pushed); got != c.want {
			t.Errorf("%s answers the push: %t", name, got)
		}
	}
}

func TestWhatIsToldOfARemoteThatNobodyWaitsFor(t *testing.T) {
	trouble := state.Record{Status: state.Failed, Error: "no \x1broute"}
	for _, c := range []struct {
		record state.Record
		wait   time.Duration
		show   config.Show
		want   string
	}{
		{state.Record{}, time.Second, config.ShowAll, "on its way"},
		{state.Record{}, 0, config.ShowAll, ""}, // which the push does not concern
		{state.Record{}, time.Second, config.ShowProblems, ""},
		{state.Record{}, time.Second, config.ShowNothing, ""},
		{trouble, time.Second, config.ShowAll, "older trouble: no ?route"},
		{trouble, 0, config.ShowAll, "older trouble: no ?route"},
		{trouble, time.Second, config.ShowProblems, "older trouble: no ?route"},
		{trouble, 0, config.ShowNothing, ""},
	} {
		lines, bad := underWay(c.record, c.wait, c.show)
		if got := strings.Join(lines, "|"); got != c.want || bad != strings.HasPrefix(c.want, "older") {
			t.Errorf("of %q within %s where %v is shown: %q, trouble %t", c.record.Error, c.wait, c.show, got, bad)
		}
	}
}

// FuzzPushOptions has a pusher send options, one a line.
func FuzzPushOptions(f *testing.F) {
	for _, options := range []string{"", "mirror.wait", "ci.skip\nmirror.wait", "\nmirror.wait", "mirror.wait=no", "x=mirror.wait", "\x1b[2J\n--force"} {
		f.Add(options)
	}
	f.Fuzz(func(t *testing.T, text string) {
		options := strings.Split(text, "\n")
		h := Hook{Env: []string{"MIRROR=mirror.wait", fmt.Sprintf("GIT_PUSH_OPTION_COUNT=%d", len(options))}}
		for i, option := range options {
			h.Env = append(h.Env, fmt.Sprintf("GIT_PUSH_OPTION_%d=%s", i, option))
		}
		if got, want := h.asksToWait(), slices.Contains(options, "mirror.wait"); got != want {
			t.Errorf("with the options %q it is %t", options, got)
		}
	})
}
