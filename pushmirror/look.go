package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// look finds out what both sides hold.
func (a *attempt) look(ctx context.Context) error {
	var before plan.Mirror
	if a.seen != nil {
		before = a.seen.Mirror
	}
	if !a.lists {
		if err := a.lookHere(ctx, before.Refs); err != nil {
			return err
		}
		a.seen.Mirror = before.After(nil, a.upstream)
		a.distrust(before)
		return nil
	}
	// Both are read at once, and upstream once more if it has changed since: were it older than the
	// listing, a ref that somebody pushed to both meanwhile would look as if it were ahead there.
	here := make(chan error, 1)
	go func() { here <- a.lookHere(ctx, before.Refs) }()
	a.asked = true
	refs, head, err := a.scratch.List(ctx, a.remote.Prune != config.PruneNever)
	if err := cmp.Or(err, <-here); err != nil {
		return err
	}
	if len(refs) > 0 && slices.ContainsFunc(a.upstream, func(ref git.Ref) bool { return ref.OID != "" && len(ref.OID) != len(refs[0].OID) }) {
		return git.ErrOtherFormat
	}
	if a.fingerprint == "" || a.fingerprint != a.repo.Fingerprint() { // "" also where it cannot be told
		if err := a.lookHere(ctx, refs); err != nil {
			return err
		}
	}
	listed := plan.Listed(refs, head, before, a.upstream).WithSymbolic(before, a.deleted())
	a.seen = &state.Seen{URL: a.url, Listed: state.At(a.clock()), Mirror: listed}
	a.settleUnanswered()
	a.noteUnchanged()
	a.distrust(before)
	return nil
}

// deleted are the refs that this update has deleted there.
func (a *attempt) deleted() (steps []*plan.Step) {
	for _, s := range a.done {
		if s.Result == plan.Deleted {
			steps = append(steps, s)
		}
	}
	return steps
}

// settleUnanswered finds out from a listing what became of values that were pushed and not answered
// for. Those that arrived are ours.
func (a *attempt) settleUnanswered() {
	for name, sent := range a.unanswered {
		if there, _ := a.seen.Mirror.Refs.Get(name); there.OID == sent {
			delete(a.seen.Mirror.Foreign, name)
		}
	}
	clear(a.unanswered)
}

// noteUnchanged notes which of the refs that were called changed a listing shows as they were.
func (a *attempt) noteUnchanged() {
	a.unchanged = map[git.RefName]bool{}
	for _, was := range a.changed {
		up, _ := a.upstream.Get(was.name)
		there, _ := a.seen.Mirror.Refs.Get(was.name)
		if there.OID == was.old && up.OID == was.new {
			a.unchanged[was.name] = true
		}
	}
	a.changed = nil
}

// lookHere finds out what upstream holds.
func (a *attempt) lookHere(ctx context.Context, known git.Refs) (err error) {
	a.fingerprint = a.repo.Fingerprint()
	if a.upstream != nil {
		known = a.upstream // most of it is as it was a moment ago
	}
	a.broken = nil
	a.upstream, a.head, err = a.repo.Refs(ctx, known)
	a.empty = len(a.upstream) == 0
	if a.fingerprint != a.repo.Fingerprint() {
		a.fingerprint = "" // what was read may be of neither
	}
	if errors.As(err, &a.broken) {
		return nil // the others need not wait
	}
	return err
}
