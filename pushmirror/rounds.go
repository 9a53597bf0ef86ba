package pushmirror

import (
	"context"
	"errors"
	"maps"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// maxRounds is how often a mirror is listed and planned for in one update when it
// keeps changing.
const maxRounds = 4

// stale reports whether what was last seen cannot be built on: it is asked for, too
// old, or there were refs in trouble, which may have been mended on the mirror.
func (a *attempt) stale() bool {
	return a.Fresh || a.seen == nil || a.verifies ||
		len(a.before.Divergent) > 0 || len(a.before.Rejected) > 0
}

// old reports whether the mirror was listed too long ago, or at a time that is still to come.
func (u *Upstream) old(seen *state.Seen) bool {
	age := u.clock().Sub(seen.Listed.Time)
	return age > u.config.VerifyEvery || age < -state.Skew
}

// rounds looks, plans and pushes until the mirror has stood still while we did.
func (a *attempt) rounds(ctx context.Context) error {
	a.lists = a.stale()
	for round := range maxRounds {
		if err := a.look(ctx); err != nil {
			return err
		}
		left := a.seen.Mirror.Left
		if err := a.makePlan(ctx, round == 0); err != nil {
			return err
		}
		if !a.lists && a.doubtful(left) {
			a.lists = true
			continue
		}
		if a.DryRun {
			return nil
		}
		a.moved = 0
		if err := a.apply(ctx); err != nil {
			return err
		}
		if a.moved == 0 {
			return a.restore(ctx)
		}
		a.lists = true
		a.plan.Steps = slices.DeleteFunc(a.plan.Steps, (*plan.Step).Sent) // what became of them is noted
	}
	return &git.Error{Kind: git.KindNetwork, Err: errors.New("the mirror kept changing while it was updated")}
}

// restore brings back what a deletion has taken along: where a deleted ref was a symbolic one, the
// ref that it pointed to has gone. A listing by protocol version 0 does not show which are
// symbolic; where no other ref on the mirror has the value of one that was deleted, none can have
// been.
func (a *attempt) restore(ctx context.Context) error {
	values := map[git.OID]bool{}
	for _, s := range a.deleted() {
		values[s.Old] = true
	}
	if len(values) == 0 || !slices.ContainsFunc(a.seen.Mirror.Refs, func(ref git.Ref) bool { return ref.Symref == "" && values[ref.OID] }) {
		return nil
	}
	a.lists = true
	if err := a.look(ctx); err != nil {
		return err
	}
	if err := a.makePlan(ctx, false); err != nil {
		return err
	}
	a.plan.Steps = slices.DeleteFunc(a.plan.Steps, func(s *plan.Step) bool {
		return s.Sent() && (s.Result == plan.Deleted || a.refused[s.Name] != nil)
	})
	return a.apply(ctx)
}

// doubtful reports whether the plan may be wrong since the listing is old, in a way that no push
// would show. One is a branch that is kept, as the mirror's HEAD, and was not among those left
// before: whoever renames a default branch switches HEAD first, so it may be free by now, and no
// push tries, as hosts decline the whole of one that deletes the branch of HEAD. The other is a ref
// that is rejected since another is in its way, which may be gone by now.
func (a *attempt) doubtful(left map[git.RefName]bool) bool {
	return slices.ContainsFunc(a.plan.Steps, func(s *plan.Step) bool {
		return s.Result == plan.Kept && !left[s.Name] || s.Result == plan.Rejected && !s.Guilty
	})
}

// input gathers what the plan of a round is made from.
func (a *attempt) input(first bool) plan.Input {
	in := plan.Input{
		Remote: a.remote, Upstream: a.upstream, Default: a.head, Mirror: a.seen.Mirror,
		RetryGuilty: (a.Fresh || a.verifies) && first, Incomplete: a.broken != nil,
		PruneAnyway: a.PruneAnyway, Overwrite: map[git.RefName]git.OID{},
	}
	for _, r := range a.before.Rejected {
		if r.Guilty {
			in.Guilty = append(in.Guilty, r)
		}
	}
	for _, s := range a.refused {
		if s.Guilty {
			in.Guilty = append(in.Guilty, refusal(s))
		}
	}
	for _, name := range a.Overwrite {
		in.Overwrite[name] = ""
		for _, shown := range a.before.Divergent {
			if shown.Name == name {
				in.Overwrite[name] = shown.Old
			}
		}
	}
	return in
}

// makePlan has git compare what differs and decides about each ref.
func (a *attempt) makePlan(ctx context.Context, first bool) error {
	in := a.input(first)
	var facts plan.Facts
	var err error
	var unreadable map[git.OID]bool
	if facts.Ancestry, unreadable, err = a.compare(ctx, in); err != nil {
		return err
	}
	facts.Outside, err = a.outside(ctx, in)
	var broken *git.UnreadableError
	if errors.As(err, &broken) {
		a.cannotRead(broken.Names...)
	} else if err != nil {
		return err
	}
	var damaged []string
	for _, name := range in.Holding(unreadable) {
		damaged = append(damaged, string(name))
		facts.Outside[name] = true
	}
	a.cannotRead(damaged...)
	in.Incomplete = a.broken != nil
	a.plan = plan.Make(in, facts)
	a.seen.Mirror.Left = a.plan.Left
	maps.DeleteFunc(a.refused, func(name git.RefName, _ *plan.Step) bool {
		s := a.plan.Step(name)
		return s == nil || !s.Sent()
	})
	return nil
}

// maxPresumed is how many branches may be left to the push to compare. It saves a process, and
// costs a second connection when one of them has diverged: a good bargain until the process is no
// matter any more.
const maxPresumed = 1000

// cannotRead notes refs that cannot be read here.
func (a *attempt) cannotRead(names ...string) {
	if len(names) == 0 {
		return
	}
	if a.broken == nil {
		a.broken = &git.UnreadableError{Dir: a.Dir()}
	}
	a.broken.Names = append(a.broken.Names, names...)
	slices.Sort(a.broken.Names)
	a.broken.Names = slices.Compact(a.broken.Names)
}

// compare finds out which of the refs that differ have diverged. It also returns the values here
// of which nobody can tell, since their history is missing or damaged: told as diverged, they would
// be mended by giving up what the mirror holds, which may be all that is left. Without a fresh
// listing, branches are presumed not to have diverged: if one has, git does not push it, and it is
// compared in the next round. That does not do where large files are uploaded, which goes before
// the push.
func (a *attempt) compare(ctx context.Context, in plan.Input) (plan.Ancestry, map[git.OID]bool, error) {
	if !a.lists && !a.DryRun && in.Presumes(maxPresumed) && !a.usesLFS(a.remote) {
		return plan.Presumed{}, nil, nil
	}
	questions := in.Questions()
	answers, err := a.scratch.Compare(ctx, questions)
	unread := answers.Unread()
	if err != nil || len(unread) == 0 {
		return answers, nil, err
	}
	w := newWalk(a.repo, a.shared(ctx))
	if err := w.from(ctx, unread); err != nil {
		return nil, nil, err
	}
	// They have kept git from an answer about the others, too.
	questions = slices.DeleteFunc(questions, func(p git.Pair) bool { return w.broken[p.New] || !answers.Known(p.Old) })
	sound, err := a.scratch.Compare(ctx, questions)
	for _, oid := range sound.Undecided() {
		w.broken[oid] = true
	}
	base, _ := in.Upstream.Get(in.Default)
	if err != nil || in.Remote.Prune != config.PruneMerged || !w.broken[base.OID] && !slices.Contains(sound.Unread(), base.OID) {
		return sound, w.broken, err
	}
	// What it may contain is not deleted, and nothing else tells so if the mirror has the branch.
	whole := newWalk(a.repo, nil)
	if err = whole.from(ctx, []git.OID{base.OID}); whole.broken[base.OID] {
		a.cannotRead(string(in.Default))
	}
	return sound, w.broken, err
}
