package pushmirror

import (
	"math/rand/v2"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// backOffMax is how long the back-off of temporary failures grows.
const backOffMax = 5 * time.Minute

// schedule decides when a failed update is tried again by itself. Temporary failures back
// off, and count as failed when they last; what somebody has to mend is looked at now and
// then; refs that diverged or are refused wait for a push, a sync or the next listing, as
// nothing that happens here would change them.
func (a *attempt) schedule(r *state.Record) {
	now := a.clock()
	defer func() {
		if r.Told = a.before.Told || r.Status == state.Failed; !r.Told || a.failedFor == "" {
			return
		}
		if !a.before.Told || a.before.ToldHost != "" {
			r.ToldHost = a.failedFor
		}
	}()
	switch r.Status {
	case state.ToRetry:
		if now.Sub(r.FailingSince.Time) < a.remote.FailAfter {
			r.NextAttemptAt = state.At(now.Add(jitter(backOff(r.Attempts, a.remote.RetryMin, min(backOffMax, a.remote.RetryMax)))))
			return
		}
		r.Status = state.Failed
	case state.Failed:
		if r.Kind == state.KindDivergent || r.Kind == state.KindRejected || r.Kind == state.KindPruneLimit {
			return
		}
	default:
		return
	}
	pause := a.remote.RetryMax
	if r.Kind == git.KindLocal {
		pause = min(pause, backOffMax) // it costs no mirror anything
	}
	r.NextAttemptAt = state.At(now.Add(jitter(pause)))
}

// backOff doubles the time between attempts, from least to most.
func backOff(attempts int, least, most time.Duration) time.Duration {
	d := least
	for range attempts - 1 {
		if d >= most {
			break
		}
		d *= 2
	}
	return min(d, most)
}

// jitter spreads a time by a fifth to either side, so that those who failed together do
// not come back together.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}
