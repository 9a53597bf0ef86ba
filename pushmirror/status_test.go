package pushmirror

import (
	"testing"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

func TestWhoHasToLook(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	trouble := "1 ref has diverged"
	pending := []git.RefName{"refs/heads/main"}
	ago := func(d time.Duration) state.Time { return state.At(now.Add(-d)) }
	for name, c := range map[string]struct {
		status Status
		ok     bool
	}{
		"all is there":                        {Status{Enabled: true, Status: state.Finished}, true},
		"it failed":                           {Status{Enabled: true, Status: state.Failed, Error: &trouble}, false},
		"it failed and is switched off":       {Status{Status: state.Failed, Error: &trouble}, true},
		"it is to be tried again":             {Status{Enabled: true, Status: state.ToRetry, Error: &trouble}, false},
		"it failed and is being tried again":  {Status{Enabled: true, Status: state.Started, Error: &trouble}, false},
		"an update runs":                      {Status{Enabled: true, Status: state.Started, Pending: pending, PendingSince: ago(time.Minute)}, true},
		"what is pending is young":            {Status{Enabled: true, Status: state.Scheduled, Pending: pending, PendingSince: ago(time.Minute)}, true},
		"what is pending has been for long":   {Status{Enabled: true, Status: state.Scheduled, Pending: pending, PendingSince: ago(time.Hour)}, false},
		"an update has been running for long": {Status{Enabled: true, Status: state.Started, Pending: pending, PendingSince: ago(time.Hour)}, false},
	} {
		if got := c.status.OK(now); got != c.ok {
			t.Errorf("%s: nobody needs to look: %t", name, got)
		}
	}
}
