package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// apply pushes the plan, large files first. Refs that are refused are noted and stop no other; its
// error is one that concerns them all.
func (a *attempt) apply(ctx context.Context) error {
	steps, err := a.upload(ctx)
	if err != nil {
		return err
	}
	a.anew = false
	retries := a.suspectRetries()
	for _, batch := range retries.shuffled(plan.Batches(steps, a.head, a.remote.RefsPerPush)) {
		if retries.postpones(batch) {
			continue
		}
		err := a.deliver(ctx, batch)
		if a.anew {
			a.seen, a.before.LFS, a.large.whole, a.large.unchecked = nil, "", "", nil
		}
		if err != nil || a.anew {
			return err
		}
		retries.note(batch)
	}
	return nil
}

// deliver pushes a batch. If it is declined as a whole, that is because of some refs only, most
// likely: the others are delivered without them.
func (a *attempt) deliver(ctx context.Context, batch plan.Batch) error {
	left, err := a.push(ctx, batch)
	if err != nil || len(left.steps) == 0 {
		return err
	}
	return a.findGuilty(ctx, left)
}

// declined are refs that the mirror's pre-receive hook refused, all together and
// maybe because of one of them.
type declined struct {
	steps    []*plan.Step
	reason   string
	text     string // what the mirror said
	passing  bool   // the reason may be over soon
	objected bool   // it is an object, or the size of them all, not what a hook makes of the refs
}

// push runs one git push for the batch, once more without push options if the mirror
// takes none, and again without the refs that cannot be read here. It notes what became of each
// ref and returns those that were declined.
func (a *attempt) push(ctx context.Context, batch plan.Batch) (declined, error) {
	outcomes, text, err := a.pushOnce(ctx, batch)
	if git.NoPushOptions(text) && !a.noPushOptions {
		a.noPushOptions = true
		outcomes, text, err = a.pushOnce(ctx, batch)
	}
	for {
		sound, found := a.withoutBroken(ctx, batch, outcomes, text, err)
		if !found {
			break
		}
		if len(sound) == 0 {
			return declined{}, nil
		}
		batch = sound
		outcomes, text, err = a.pushOnce(ctx, batch)
	}
	var failed *git.Error
	switch {
	case err == nil || len(outcomes) > 0:
		return a.noteOutcomes(batch, outcomes, text)
	case errors.As(err, &failed) && failed.Ambiguous():
		a.moved += len(batch) // a ref has turned up on the mirror whose name ends like one to delete
		return declined{}, nil
	}
	return declined{}, err
}

// pushOnce runs one git push. What it may drop from the mirror is in the log before.
func (a *attempt) pushOnce(ctx context.Context, batch plan.Batch) (git.Outcomes, string, error) {
	p := git.Push{Progress: a.Progress, Update: make(git.Refs, 0, len(batch)), First: len(a.seen.Mirror.Refs) == 0}
	if !a.noPushOptions {
		p.Options = a.remote.PushOptions
	}
	var dropping []*plan.Step
	for _, s := range batch {
		if s.Result == plan.Deleted {
			p.Delete = append(p.Delete, s.Name)
		} else {
			p.Update = append(p.Update, git.Ref{Name: s.Name, OID: s.New})
		}
		if s.Leased() {
			p.Expect = append(p.Expect, git.Ref{Name: s.Name, OID: s.Old})
			dropping = append(dropping, s)
		}
	}
	p.Update = git.Sort(p.Update)
	if err := a.dir.Append(a.entriesBefore(dropping)); err != nil {
		return nil, "", &git.Error{Kind: git.KindLocal, Err: err}
	}
	a.asked = true
	outcomes, text, err := a.scratch.Push(ctx, p)
	for _, s := range batch {
		o, ok := outcomes.Get(s.Name)
		switch {
		case s.New != "" && (!ok || o.Lost()):
			a.unanswered[s.Name] = s.New
		case !o.Refused(): // or else what was sent before may be there
			delete(a.unanswered, s.Name)
		}
	}
	if slices.ContainsFunc(outcomes, git.Outcome.RefusedThere) {
		a.refusing, a.said = true, cmp.Or(git.Said(text), a.said)
	}
	a.unlogged = errors.Join(a.unlogged, a.dir.Append(a.entriesAfter(batch, outcomes)))
	return outcomes, text, err
}

// noteOutcomes notes what became of the refs of a push. It returns those that were declined; its
// error tells of one whose outcome the mirror did not report.
func (a *attempt) noteOutcomes(batch plan.Batch, outcomes git.Outcomes, text string) (declined, error) {
	var left declined
	var took []*plan.Step
	var lost error
	for _, s := range batch {
		o, ok := outcomes.Get(s.Name)
		switch {
		case !ok:
			a.lookAgain(s, "git did not say what became of it")
		case !o.Refused():
			took = append(took, s)
			delete(a.refused, s.Name)
			if o.Flag == '*' && s.Old != "" {
				// The mirror lacked what it was known to hold: it is a new one.
				a.moved++
				a.anew = true
			} else if o.Old != "" && o.Old != s.Old {
				a.moved++
			}
		case o.CurrentBranch():
			a.refused[s.Name] = s.Becomes(plan.Kept, plan.NamedByHead)
			a.seen.Mirror.Head, a.seen.Mirror.Left[s.Name] = s.Name, true
		case o.Declined():
			left.steps = append(left.steps, s)
			left.reason, left.text, left.passing, left.objected = o.Reason, text, o.Passing(), o.Objected()
		case o.Changed():
			reason := o.Reason
			if reason == "non-fast-forward" && !o.RefusedThere() {
				reason = a.damage() // if it is as it was compared: git looks further back, and finds no answer
			}
			a.lookAgain(s, reason)
		case o.Lost() || o.UnpackFailed():
			lost = &git.Error{Args: []string{"push"}, Stderr: text, Kind: git.KindNetwork, Err: errors.New(o.Reason)}
		default:
			a.refuse(s, o.Reason).Passing = o.Passing()
		}
	}
	a.done = append(a.done, took...)
	a.seen.Mirror = a.seen.Mirror.After(took, a.upstream)
	return left, lost
}

// change is a ref that was not pushed since the mirror is said to hold something else than old.
type change struct {
	name     git.RefName
	old, new git.OID
}

// lookAgain notes a ref that was not pushed, mostly since the mirror calls it changed: the next
// round compares it anew. In two cases that would not help, and it is noted as refused instead:
// where a ref is in its way whose deletion the mirror has refused, and where a fresh listing showed
// it as it was, as something there has it locked.
func (a *attempt) lookAgain(s *plan.Step, reason string) {
	for name := range a.seen.Mirror.InTheWay(s.Name) {
		if a.refused[name] != nil {
			a.refuse(s, plan.Blocked(name))
			return
		}
	}
	a.changed = append(a.changed, change{s.Name, s.Old, s.New})
	if a.unchanged[s.Name] {
		a.refuse(s, reason).Passing = true
		return
	}
	a.moved++
}

// refuse notes that a ref is rejected, and returns what is noted: the step itself is shared.
func (a *attempt) refuse(s *plan.Step, reason string) *plan.Step {
	rejected := s.Becomes(plan.Rejected, reason)
	a.refused[s.Name] = rejected
	return rejected
}

// withoutBroken refuses the refs of a push whose objects are missing or damaged here, and returns
// the others, to be pushed again. It looks for them only after a push that went as if there were
// any: one such ref makes the whole push fail, or is left out of it without a word. Where there are
// none, found is false.
func (a *attempt) withoutBroken(ctx context.Context, batch plan.Batch, outcomes git.Outcomes, text string, err error) (sound plan.Batch, found bool) {
	suspicious := git.BrokenObject(err) || slices.ContainsFunc(outcomes, git.Outcome.UnpackFailed) ||
		err == nil && len(outcomes) < len(batch)
	if !suspicious {
		return nil, false
	}
	sends := slices.DeleteFunc(slices.Clone(batch), func(s *plan.Step) bool { return s.New == "" })
	check := a.repo.Complete
	if git.DamagedObject(text) {
		check = a.repo.Sound
	}
	broken := map[*plan.Step]bool{}
	for _, s := range incomplete(ctx, sends, a.shared(ctx), check) {
		broken[s] = true
		a.refuse(s, a.damage())
	}
	sound = slices.DeleteFunc(slices.Clone(batch), func(s *plan.Step) bool { return broken[s] })
	return sound, len(broken) > 0
}

// damage is why a ref is refused whose objects are missing or damaged here.
func (a *attempt) damage() string {
	return fmt.Sprintf("objects of it are missing or damaged here: run git -C %s fsck", git.ShellQuote(a.Dir()))
}

// incomplete picks the steps that fail a check of their objects, by Complete or Sound. Each check
// goes over all that the mirror lacks, so they are checked together, and by quarters only where
// something is wrong: mostly it is the mirror that is in trouble, and nothing is. Halves would find
// one of many no sooner, and take half as many checks again where all have what is wrong.
func incomplete(ctx context.Context, steps plan.Batch, known []git.OID, check func(context.Context, []git.OID, []git.OID) (bool, error)) plan.Batch {
	if len(steps) == 0 {
		return nil
	}
	complete, err := check(ctx, newValues(steps), known)
	switch {
	case err != nil || complete:
		return nil
	case len(steps) == 1:
		return steps
	}
	var broken plan.Batch
	for quarter := range slices.Chunk(steps, (len(steps)+3)/4) {
		broken = append(broken, incomplete(ctx, quarter, known, check)...)
	}
	return broken
}

// shared are the objects that the mirror's refs name and that are known here.
func (a *attempt) shared(ctx context.Context) []git.OID {
	var oids []git.OID
	for _, ref := range a.seen.Mirror.Refs {
		oids = append(oids, ref.OID)
	}
	objects, err := a.repo.Objects(ctx, oids)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(oids, func(oid git.OID) bool { return !objects.Known(oid) })
}

// refusal is what the record keeps of a step that was rejected.
func refusal(s *plan.Step) plan.Refusal {
	return plan.Refusal{Name: s.Name, Reason: s.Reason, New: s.New, Guilty: s.Guilty}
}
