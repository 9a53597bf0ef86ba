package pushmirror

import (
	"testing"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// Of many repositories on a host that fails, each has its first failure when it is its turn to try.
func TestAHostThatFailsForLongHasFailedForAllThatTryIt(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		shared map[string]Trouble
		want   state.Status
	}{
		"it is the first": {nil, state.ToRetry},
		"others for a while": {
			map[string]Trouble{"ssh://h": {git.KindNetwork, state.At(now.Add(-time.Minute)), 5}}, state.ToRetry,
		},
		"others for long": {
			map[string]Trouble{"ssh://h": {git.KindNetwork, state.At(now.Add(-2 * time.Hour)), 20}}, state.Failed,
		},
		"others on another host": {
			map[string]Trouble{"ssh://other": {git.KindNetwork, state.At(now.Add(-2 * time.Hour)), 20}}, state.ToRetry,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &attempt{
				access: access{
					Upstream: &Upstream{clock: func() time.Time { return now }},
					remote:   config.Remote{FailAfter: time.Hour, RetryMin: time.Second, RetryMax: time.Hour},
				},
				Options: Options{Shared: c.shared}, started: state.At(now), failedFor: "ssh://h",
			}
			r := state.Record{Status: state.ToRetry, Kind: git.KindNetwork, Attempts: 1, FailingSince: state.At(now)}
			if a.schedule(&r); r.Status != c.want {
				t.Errorf("it is %s", r.Status)
			}
			if pause := r.NextAttemptAt.Sub(now); len(c.shared) > 0 && c.shared["ssh://h"].Attempts > 0 && pause < 10*time.Second {
				t.Errorf("the next attempt is %s away, as if it were the first", pause)
			}
		})
	}
}

func TestATemporaryFailureIsTriedAgainAsOftenAsTheConfigSays(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		least, most      time.Duration
		attempts         int // before
		wantFrom, wantTo time.Duration
	}{
		"at first":                   {5 * time.Second, time.Hour, 0, 4 * time.Second, 6 * time.Second},
		"after many":                 {5 * time.Second, time.Hour, 50, 4 * time.Minute, 6 * time.Minute},
		"after many, and more often": {5 * time.Second, time.Minute, 50, 48 * time.Second, 72 * time.Second},
		"more seldom at first":       {30 * time.Minute, time.Hour, 0, 24 * time.Minute, 36 * time.Minute},
		"more seldom after many":     {30 * time.Minute, time.Hour, 50, 24 * time.Minute, 36 * time.Minute},
		"never as often as at first": {2 * time.Hour, time.Hour, 0, 48 * time.Minute, 72 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a := &attempt{
				access: access{
					Upstream: &Upstream{clock: func() time.Time { return now }},
					remote:   config.Remote{FailAfter: time.Hour, RetryMin: c.least, RetryMax: c.most},
				},
				before: state.Record{Attempts: c.attempts, TroubleSince: state.At(now)}, started: state.At(now),
			}
			r := state.Record{Status: state.ToRetry, Kind: git.KindNetwork}
			if a.schedule(&r); r.NextAttemptAt.Sub(now) < c.wantFrom || r.NextAttemptAt.Sub(now) > c.wantTo {
				t.Errorf("the next attempt is %s away", r.NextAttemptAt.Sub(now))
			}
		})
	}
}
