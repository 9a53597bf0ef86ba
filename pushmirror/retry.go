package pushmirror

import (
	"math/rand/v2"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// backOffMax is how long the back-off of temporary failures grows, unless it begins beyond.
const backOffMax = 5 * time.Minute

// schedule decides when a failed update is tried again by itself, whether its owners are told by
// now that somebody has to look, and whether they are told of this remote or of its host or login.
func (a *attempt) schedule(r *state.Record) {
	if pause, again := a.pause(r); again {
		r.NextAttemptAt = state.At(a.clock().Add(jitter(pause)))
	}
	r.Told = a.before.Told || r.Status == state.Failed
	if r.Told && a.failedFor != "" && (!a.before.Told || a.before.ToldHost != "") {
		r.ToldHost = a.failedFor
	}
}

// pause is how long a failed update waits to be tried again; again is false where that waits for a
// push, a sync or the next listing. Temporary failures back off, and count as failed when they
// last; what somebody has to mend is looked at now and then; refs that diverged or are refused
// wait, as nothing that happens here would change them.
func (a *attempt) pause(r *state.Record) (pause time.Duration, again bool) {
	switch {
	case r.Status == state.ToRetry:
		since, attempts := a.trouble(r)
		if a.clock().Sub(since.Time) < a.remote.FailAfter {
			least := min(a.remote.RetryMin, a.remote.RetryMax)
			return backOff(attempts, least, max(least, min(backOffMax, a.remote.RetryMax))), true
		}
		r.Status = state.Failed
	case r.Kind == state.KindDivergent || r.Kind == state.KindRejected || r.Kind == state.KindPruneLimit:
		return 0, false
	}
	if r.Kind == git.KindLocal {
		return min(a.remote.RetryMax, backOffMax), true // it costs no mirror anything
	}
	return a.remote.RetryMax, true
}

// trouble notes, and tells, since when and how often updates have failed in a row for a temporary
// reason: a divergence of long standing is none. It tells of those of the others on a host that
// fails, too, since each of them may have been the one to find out.
func (a *attempt) trouble(r *state.Record) (since state.Time, attempts int) {
	r.Attempts, r.TroubleSince = a.before.Attempts+1, a.before.TroubleSince
	if a.before.Attempts == 0 || r.TroubleSince.IsZero() {
		r.TroubleSince = a.started
	}
	since, attempts = r.TroubleSince, r.Attempts
	if shared, ok := a.Shared[a.failedFor]; ok {
		attempts = max(attempts, shared.Attempts+1)
		if shared.Since.Before(since.Time) {
			since = shared.Since
		}
	}
	return since, attempts
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
