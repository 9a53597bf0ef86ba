package pushmirror

import (
	"iter"
	"slices"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// Log tells what happened to the refs of a remote, the oldest first.
func (u *Upstream) Log(remote string) ([]state.Entry, error) {
	dir, err := state.Of(u.Dir(), remote)
	if err != nil {
		return nil, err
	}
	return dir.Log()
}

// Logged gives the names, of those asked for or of all, of remotes that may have a log: those that
// are configured, and those that were and have one. A name of neither is an
// *UnknownRemoteError.
func (u *Upstream) Logged(names []string) ([]string, error) {
	var all []string
	for _, remote := range u.config.Remotes {
		all = append(all, remote.Name)
	}
	former, err := state.Logged(u.Dir())
	if err != nil {
		return nil, err
	}
	for _, name := range former {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, &UnknownRemoteError{Name: name, Known: all}
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(names, name) }), nil
}

// entriesBefore tell what a push is about to drop from the mirror.
func (a *attempt) entriesBefore(dropping []*plan.Step) iter.Seq[state.Entry] {
	return func(yield func(state.Entry) bool) {
		for _, s := range dropping {
			entry := a.entry(s)
			if entry.Announced = true; !yield(entry) {
				return
			}
		}
	}
}

// entriesAfter tell what a push has done, and which of the entries before it came to nothing. Of a
// ref without an outcome, or with one that was lost, nobody knows.
func (a *attempt) entriesAfter(batch plan.Batch, outcomes git.Outcomes) iter.Seq[state.Entry] {
	return func(yield func(state.Entry) bool) {
		for _, s := range batch {
			o, ok := outcomes.Get(s.Name)
			entry := a.entry(s)
			entry.Withdrawn = o.Refused()
			if ok && (!o.Refused() || s.Leased() && !o.Lost()) && !yield(entry) {
				return
			}
		}
	}
}

// entriesAtEnd tell what an update did not do: of refs that are in trouble, unless they were
// before, and of the beginning and end of an episode of failure.
func (a *attempt) entriesAtEnd(r state.Record) iter.Seq[state.Entry] {
	type trouble struct {
		name     git.RefName
		old, new git.OID
	}
	known := map[trouble]bool{}
	for _, d := range a.before.Divergent {
		known[trouble{d.Name, d.Old, d.New}] = true
	}
	for _, refusal := range a.before.Rejected {
		known[trouble{name: refusal.Name, new: refusal.New}] = true
	}
	return func(yield func(state.Entry) bool) {
		for _, d := range r.Divergent {
			s := plan.Step{Name: d.Name, Result: plan.Divergent, New: d.New, Reason: "the mirror has " + string(d.Old)}
			if !known[trouble{d.Name, d.Old, d.New}] && !yield(a.entry(&s)) {
				return
			}
		}
		for _, refusal := range r.Rejected {
			s := plan.Step{Name: refusal.Name, Result: plan.Rejected, New: refusal.New, Reason: refusal.Reason}
			if !known[trouble{name: refusal.Name, new: refusal.New}] && !yield(a.entry(&s)) {
				return
			}
		}
		if event := a.event(r); event != EventNone {
			yield(state.Entry{Time: state.At(a.clock()), Remote: a.remote.Name, Result: plan.Result(event), Reason: r.Error})
		}
	}
}

// entry begins the entry of a ref.
func (a *attempt) entry(s *plan.Step) state.Entry {
	return state.Entry{
		Time: state.At(a.clock()), Remote: a.remote.Name, Name: s.Name, Result: s.Result,
		Old: s.Old, New: s.New, Reason: s.Reason, Pusher: a.pushers.of(s.Name),
	}
}
