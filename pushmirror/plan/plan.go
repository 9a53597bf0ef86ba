package plan

import (
	"cmp"
	"fmt"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// Result is what happens, or has happened, to a ref.
type Result string

// The results. The first four are sent to the mirror, the others are not.
const (
	Created   Result = "created"
	Updated   Result = "updated"
	Forced    Result = "forced"
	Deleted   Result = "deleted"
	Divergent Result = "divergent" // skipped: the mirror has something that upstream's value does not contain
	Rejected  Result = "rejected"  // the mirror does not take it
	Kept      Result = "kept"      // not deleted, since the mirror's HEAD names it
)

// NamedByHead is why a ref is Kept.
const NamedByHead = "the mirror's HEAD names it"

// Step is what happens to one ref. All lists share the steps, of which there may be a hundred
// thousand: once a plan is made, they are not changed.
type Step struct {
	Name   git.RefName
	Result Result
	Old    git.OID // what the mirror holds; "" when it lacks the ref
	New    git.OID // what upstream holds; "" when it lacks the ref
	// Reason says why, if Why cannot derive that from the other fields.
	Reason string
	// Ours: the mirror's value is what we put there ourselves, so a divergence
	// comes from upstream having been rewritten.
	Ours bool
	// Suspect: the ref made the mirror decline a push before. It goes last and
	// alone.
	Suspect bool
	// Guilty: see Refusal.
	Guilty bool
	// Passing: the refusal may pass without a change on either side. The ref was declined together
	// with others, perhaps because of them; or the mirror could not lock it, or is in trouble.
	Passing bool
}

// Sent reports whether the step is pushed.
func (s *Step) Sent() bool {
	switch s.Result {
	case Created, Updated, Forced, Deleted:
		return true
	}
	return false
}

// Leased reports whether the step is pushed with a lease: git would refuse it, or would not check
// it itself. All else is pushed unforced.
func (s *Step) Leased() bool {
	return s.Result == Forced || s.Result == Deleted || (s.Result == Updated && s.Name.IsTag())
}

// Why is the reason for Divergent, Rejected and Kept; "" for the others. It is not stored, since of
// a hundred thousand divergent refs only the first few are asked for it.
func (s *Step) Why() string {
	switch {
	case s.Reason != "" || s.Result != Divergent:
		return s.Reason
	case s.Ours:
		return fmt.Sprintf("it was rewritten here, the mirror keeps %s", s.Old.Short())
	default:
		return fmt.Sprintf("the mirror has work that is not here (%s)", s.Old.Short())
	}
}

// Becomes is a copy of the step with another result.
func (s *Step) Becomes(result Result, reason string) *Step {
	other := *s
	other.Result, other.Reason = result, reason
	return &other
}

// Plan is what an update does.
type Plan struct {
	// Steps, by name.
	Steps []*Step
	// Left are the refs that only the mirror has and that stay there.
	Left map[git.RefName]bool
	// Withheld are the deletions that are not done, and why.
	Withheld Withheld
}

// Step finds the step of a ref; nil if there is none.
func (p Plan) Step(name git.RefName) *Step {
	i, ok := slices.BinarySearchFunc(p.Steps, name, func(s *Step, name git.RefName) int { return cmp.Compare(s.Name, name) })
	if !ok {
		return nil
	}
	return p.Steps[i]
}

// Withheld tells of deletions that the config asks for and that were not
// planned. The zero value means none.
type Withheld struct {
	Count int
	// Limit is the prune_limit that they exceed; 0 when it is upstream's missing
	// default branch that forbids them, or that Input is Incomplete.
	Limit int
}

// Make decides about every ref inside the filter that differs.
func Make(in Input, facts Facts) Plan {
	p := Plan{Left: map[git.RefName]bool{}}
	m := maker{Input: in, facts: facts}
	for up, there := range in.differences() {
		name := cmp.Or(up.Name, there.Name)
		switch {
		case facts.Outside[name] || (up.OID == "" && there.Symref != ""):
		case up.OID == "":
			m.prune(&p, there)
		default:
			p.Steps = append(p.Steps, m.step(up, there))
		}
	}
	m.limit(&p)
	m.recall(&p)
	m.clearWay(&p)
	return p
}

// maker holds what the decisions share.
type maker struct {
	Input
	facts Facts
}

// step decides about a ref that upstream has.
func (m maker) step(up, there git.Ref) *Step {
	s := &Step{Name: up.Name, Old: there.OID, New: up.OID, Ours: there.OID != "" && !m.Mirror.Foreign[up.Name]}
	shown, overwrite := m.Overwrite[up.Name]
	switch {
	case there.Symref != "":
		s.Result = Rejected
		s.Reason = fmt.Sprintf("it is a symbolic ref on the mirror, to %s", there.Symref)
	case there.OID == "":
		s.Result = Created
	case m.facts.Ancestry.IsAncestor(git.Pair{Old: there.OID, New: up.OID}):
		s.Result = Updated
	case !m.Remote.KeepDivergentRefs, m.Remote.FollowRewrites && s.Ours, overwrite && shown == there.OID:
		s.Result = Forced
	default:
		s.Result = Divergent
		if overwrite && shown == "" {
			s.Reason = fmt.Sprintf("what the mirror holds was not shown before (%s)", there.OID.Short())
		} else if overwrite {
			s.Reason = fmt.Sprintf("the mirror has moved to %s since it was shown", there.OID.Short())
		}
	}
	return s
}

// prune decides about a ref that only the mirror has.
func (m maker) prune(p *Plan, there git.Ref) {
	s := &Step{Name: there.Name, Result: Deleted, Old: there.OID, Ours: !m.Mirror.Foreign[there.Name]}
	base, _ := m.Upstream.Get(m.Default)
	merged := m.facts.Ancestry.IsAncestor(git.Pair{Old: there.OID, New: base.OID})
	switch {
	case m.Remote.Prune == config.PruneNever,
		m.Remote.Prune == config.PruneMerged && !merged && (base.OID != "" || !m.facts.Ancestry.Known(there.OID)):
		p.Left[there.Name] = true
		return
	case base.OID == "" || m.Incomplete:
		p.Left[there.Name] = true
		p.Withheld.Count++
		return
	case there.Name == m.Mirror.Head:
		p.Left[there.Name] = true
		s.Result = Kept
		s.Reason = NamedByHead
	case m.ambiguous(there.Name):
		s.Result = Rejected
		s.Reason = "git cannot tell it from another ref of the mirror whose name ends alike"
	}
	p.Steps = append(p.Steps, s)
}

// ambiguous reports whether ":name" in a push would match another ref of the
// mirror too: git matches the right side of such a refspec as people write
// refs, so refs/heads/x is found in refs/heads/refs/heads/x as well.
func (m maker) ambiguous(name git.RefName) bool {
	for _, prefix := range suffixed {
		if _, ok := m.Mirror.Refs.Get(prefix + name); ok {
			return true
		}
	}
	return false
}

// suffixed are the places below which git finds a full name again.
var suffixed = []git.RefName{"refs/heads/", "refs/tags/"}

// limit takes all deletions back when there are too many.
func (m maker) limit(p *Plan) {
	count := 0
	for _, s := range p.Steps {
		if s.Result == Deleted {
			count++
		}
	}
	if m.Remote.PruneLimit == 0 || count <= m.Remote.PruneLimit || m.PruneAnyway {
		return
	}
	p.Withheld = Withheld{Count: count, Limit: m.Remote.PruneLimit}
	p.Steps = slices.DeleteFunc(p.Steps, func(s *Step) bool { return s.Result == Deleted })
}

// recall keeps refs that made the mirror decline a push from doing so again.
func (m maker) recall(p *Plan) {
	guilty := map[git.RefName]Refusal{}
	for _, refusal := range m.Guilty {
		guilty[refusal.Name] = refusal
	}
	for _, s := range p.Steps {
		refusal, ok := guilty[s.Name]
		if !ok || !s.Sent() {
			continue
		}
		if s.New == refusal.New && !m.RetryGuilty {
			s.Result, s.Reason, s.Guilty = Rejected, refusal.Reason, true
		} else {
			s.Suspect = true
		}
	}
}

// clearWay rejects what cannot be created since a ref that stays on the mirror is
// in its way, as refs/heads/a is for refs/heads/a/b. The mirror would say only
// "failed to update ref".
func (m maker) clearWay(p *Plan) {
	deleted := map[git.RefName]bool{}
	for _, s := range p.Steps {
		if s.Result == Deleted {
			deleted[s.Name] = true
		}
	}
	for _, s := range p.Steps {
		if s.Result != Created {
			continue
		}
		for name := range m.Mirror.InTheWay(s.Name) {
			if !deleted[name] {
				s.Result, s.Reason = Rejected, Blocked(name)
				break
			}
		}
	}
}

// Blocked is the reason of a ref that is Rejected because another one is in its way.
func Blocked(by git.RefName) string { return fmt.Sprintf("%s is in its way on the mirror", by) }
