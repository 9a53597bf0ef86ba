package pushmirror

import (
	"context"
	"math/bits"
	"slices"
	"strings"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// search looks for the refs because of which a mirror declines pushes. Each probe is
// a push that delivers what is accepted; since it sends the pack again, their number
// and time are bounded.
type search struct {
	*attempt
	probes   int // that are left
	deadline time.Time
	last     declined // what the mirror said last
}

// findGuilty divides refs that were declined together into those that the mirror
// takes and those that it does not. It first leaves out the refs that the mirror
// named, then asks whether the mirror takes anything at all, then halves. What the
// bound leaves undecided is tried by the next update.
func (a *attempt) findGuilty(ctx context.Context, d declined) error {
	s := &search{
		attempt: a, last: d,
		probes:   2*bits.Len(uint(len(d.steps))) + 8,
		deadline: a.started.Add(a.remote.Timeout / 2),
	}
	group := d.steps
	for !s.exhausted() {
		named, others := divide(group, s.last.text)
		if len(named) == 0 || len(others) == 0 {
			break
		}
		left, err := s.probe(ctx, others)
		if err != nil {
			return err
		}
		said := s.last
		if err := s.each(ctx, named); err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		// The mirror names one at a time: those named so far stay out.
		group, s.last = left, said
	}
	if i := indexOf(group, a.head); i >= 0 && len(group) > 1 {
		return s.fromDefault(ctx, group, i)
	}
	_, err := s.isolate(ctx, group, true)
	return err
}

// fromDefault tries the default branch alone. When it is declined, and so are the
// others without it and two of them alone, the mirror declines everything.
func (s *search) fromDefault(ctx context.Context, group []*plan.Step, i int) error {
	head := group[i : i+1]
	others := append(append([]*plan.Step(nil), group[:i]...), group[i+1:]...)
	left, err := s.probe(ctx, head)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		_, err := s.isolate(ctx, others, len(others) > 1)
		return err
	}
	left, err = s.probe(ctx, others)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		s.guilty(head[0])
		return nil
	}
	// Several may be protected, of which the default branch is one.
	for _, i := range []int{len(others) - 1, len(others) / 2} {
		if len(others) < 3 {
			break
		}
		left, err := s.probe(ctx, others[i:i+1])
		if err != nil {
			return err
		}
		if len(left) == 0 {
			s.guilty(head[0])
			_, err := s.isolate(ctx, slices.Delete(slices.Clone(others), i, i+1), true)
			return err
		}
	}
	for _, step := range group {
		s.refuse(step, s.last.reason)
	}
	return nil
}

// each tries every ref alone.
func (s *search) each(ctx context.Context, steps []*plan.Step) error {
	for i := range steps {
		if _, err := s.isolate(ctx, steps[i:i+1], false); err != nil {
			return err
		}
	}
	return nil
}

// isolate finds the guilty refs of a group. Known: the group is known to hold one. It
// reports whether the whole group was accepted.
func (s *search) isolate(ctx context.Context, group []*plan.Step, known bool) (clean bool, err error) {
	if s.exhausted() && !(known && len(group) == 1) {
		for _, step := range group {
			s.undecided(step)
		}
		return false, nil
	}
	if !known {
		left, err := s.probe(ctx, group)
		if err != nil || len(left) == 0 {
			return true, err
		}
		group = left
	}
	if len(group) == 1 {
		s.guilty(group[0])
		return false, nil
	}
	half := len(group) / 2
	clean, err = s.isolate(ctx, group[:half], false)
	if err != nil {
		return false, err
	}
	// One that is left is not condemned for that: mirrors decline for the number of refs, too.
	_, err = s.isolate(ctx, group[half:], clean && len(group[half:]) > 1)
	return false, err
}

// probe pushes a group and returns the refs that were declined.
func (s *search) probe(ctx context.Context, group []*plan.Step) ([]*plan.Step, error) {
	s.probes--
	d, err := s.push(ctx, group)
	if err == nil && len(d.steps) > 0 {
		s.last = d
	}
	return d.steps, err
}

func (s *search) exhausted() bool {
	return s.probes <= 0 || s.clock().After(s.deadline)
}

// guilty notes a ref that was declined alone.
func (s *search) guilty(step *plan.Step) {
	s.refuse(step, s.last.reason)
	s.refused[step.Name].Passing = s.last.passing
	s.refused[step.Name].Guilty = !s.last.passing
}

// undecided notes a ref that was declined with others and was not tried alone.
func (s *search) undecided(step *plan.Step) {
	s.refuse(step, "declined together with others; the next update goes on looking for the one that is refused")
	s.refused[step.Name].Passing = true
}

// divide separates the refs that a text names.
func divide(steps []*plan.Step, text string) (named, others []*plan.Step) {
	words := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`:,;()[]<>", r) }) {
		words[word] = true
		words[strings.TrimRight(word, ".!?")] = true
	}
	for _, s := range steps {
		if words[string(s.Name)] || words[s.Name.Short()] {
			named = append(named, s)
		} else {
			others = append(others, s)
		}
	}
	return named, others
}

func indexOf(steps []*plan.Step, name git.RefName) int {
	for i, s := range steps {
		if s.Name == name {
			return i
		}
	}
	return -1
}
