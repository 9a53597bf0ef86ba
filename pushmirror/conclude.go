package pushmirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// steps are all that an update did and did not do, by name.
func (a *attempt) steps() []*plan.Step {
	all := make([]*plan.Step, 0, len(a.done)+len(a.refused)+len(a.plan.Steps))
	all = slices.AppendSeq(append(all, a.done...), maps.Values(a.refused))
	for _, s := range a.plan.Steps {
		if !s.Sent() || a.DryRun {
			all = append(all, s)
		}
	}
	return git.LastOfEach(all, func(s *plan.Step) git.RefName { return s.Name })
}

// conclude makes the record of an attempt that ended with err or, when that is nil,
// was made to its end.
func (a *attempt) conclude(ctx context.Context, err error) state.Record {
	if err != nil {
		return a.failed(ctx, err)
	}
	r := a.record()
	passing := a.recordSteps(&r)
	r.Pushers = a.pushers.ofThose(r)
	if a.explain(&r); r.Error == "" {
		r.Status, r.SucceededAt = state.Finished, r.UpdatedAt
		return r
	}
	r.Status = state.Failed
	if passing || a.large.temporary() {
		r.Status = state.ToRetry
	}
	r.FailingSince = a.failingSince()
	a.schedule(&r)
	return r
}

// recordSteps notes what happened to the refs. It reports whether any was rejected for a reason
// that may be over soon.
func (a *attempt) recordSteps(r *state.Record) (passing bool) {
	steps := a.steps()
	diverged := 0
	for _, s := range steps {
		if s.Result == plan.Divergent {
			diverged++
		}
	}
	r.Divergent = slices.Grow(r.Divergent, diverged) // at once: it may be all of very many
	for i, s := range steps {
		if i < maxResults {
			r.Results = append(r.Results, state.RefResult{Name: s.Name, Result: s.Result, Old: s.Old, New: s.New, Reason: s.Why()})
		} else {
			r.More++
		}
		switch s.Result {
		case plan.Divergent:
			r.Divergent = append(r.Divergent, state.Divergence{Name: s.Name, Old: s.Old, New: s.New, Ours: s.Ours})
		case plan.Rejected:
			r.Rejected = append(r.Rejected, refusal(s))
			passing = passing || s.Passing
		}
	}
	return passing
}

// maxResults is how many results a record keeps: more than a pusher is shown.
const maxResults = 100

// maxUnanswered is how many unanswered refs a record keeps; if there are more, it keeps none.
const maxUnanswered = 1000

// record begins the record of this attempt.
func (a *attempt) record() state.Record {
	r := state.Record{
		URL: a.url, StartedAt: a.started, UpdatedAt: state.At(a.clock()), SucceededAt: a.before.SucceededAt,
		NoPushOptions: a.noPushOptions, LFS: a.before.LFS, LFSUnchecked: a.before.LFSUnchecked,
	}
	if a.large.decided {
		r.LFS, r.LFSUnchecked = a.large.whole, a.large.unchecked
	}
	if len(a.unanswered) <= maxUnanswered {
		r.Unanswered = a.unanswered
	}
	a.large.count(&r)
	return r
}

// failed makes the record of an attempt that did not come to its end. What is known
// of single refs stays as it was.
func (a *attempt) failed(ctx context.Context, err error) state.Record {
	r := a.record()
	done := map[git.RefName]bool{}
	for _, s := range a.done {
		done[s.Name] = true
	}
	r.Divergent = slices.DeleteFunc(slices.Clone(a.before.Divergent), func(d state.Divergence) bool { return done[d.Name] })
	r.Rejected = slices.DeleteFunc(slices.Clone(a.before.Rejected), func(d plan.Refusal) bool { return done[d.Name] })
	r.FailingSince = a.failingSince()
	r.Unreached, r.Loginless = true, a.loginless
	r.Pushers = a.pushers.all()
	r.PendingSince = a.before.PendingSince
	if r.PendingSince.IsZero() {
		r.PendingSince = a.started
	}
	r.Status, r.Kind, r.Error = state.Failed, git.KindLocal, err.Error()
	if login := loginOf(a.remote); a.loginless && login != hostOf(a.remote) {
		a.failedFor = login // as whoever has the same one will find
	}
	var failed *git.Error
	var open *config.Error
	switch {
	case errors.As(err, &open):
		r.Kind, r.Hint = state.KindConfig, open.Hint
	case errors.Is(err, context.Canceled):
		// That was us: nothing is known against the mirror, and the next worker goes on at once.
		r.Status, r.Error, r.NextAttemptAt = state.ToRetry, "interrupted", r.UpdatedAt
		r.Attempts, r.Told, r.ToldHost = a.before.Attempts, a.before.Told, a.before.ToldHost
		return r
	case errors.Is(err, context.DeadlineExceeded):
		r.Status, r.Kind = state.ToRetry, git.KindTimeout
		r.Error = fmt.Sprintf("it took longer than %s (timeout)", a.remote.Timeout)
	case errors.As(err, &failed):
		r.Kind, r.Hint = failed.Kind, a.cure(ctx, failed)
		switch {
		case failed.Host && failed.Kind == git.KindAuth:
			a.failedFor = loginOf(a.remote)
		case failed.Host:
			a.failedFor = hostOf(a.remote)
		}
		if failed.Kind.Temporary() {
			r.Status = state.ToRetry
		}
	default:
		r.Hint = HintOf(err)
	}
	a.schedule(&r)
	return r
}

func (a *attempt) failingSince() state.Time {
	if a.before.FailingSince.IsZero() {
		return a.started
	}
	return a.before.FailingSince
}
