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
	last     declined // by the probe that was declined last
}

// findGuilty divides refs that were declined together into those that the mirror takes and those
// that it does not. It first leaves out the refs that the mirror named, then asks whether the
// mirror takes anything at all, then halves. What the bound leaves undecided is tried by the next
// update.
func (a *attempt) findGuilty(ctx context.Context, d declined) error {
	s := &search{
		attempt: a, last: d,
		probes:   2*bits.Len(uint(len(d.steps))) + 8,
		deadline: a.started.Add(a.remote.Timeout / 2),
	}
	group, err := s.withoutNamed(ctx, d.steps)
	if err != nil || len(group) == 0 {
		return err
	}
	if head := slices.IndexFunc(group, func(step *plan.Step) bool { return step.Name == a.head }); head >= 0 && len(group) > 1 {
		return s.fromDefault(ctx, group, head)
	}
	return s.halve(ctx, group)
}

// withoutNamed tries the refs that the mirror named each alone, and the others of the group without
// them, for as long as it goes on naming some: mirrors name one at a time. It returns those that
// are still declined together.
func (s *search) withoutNamed(ctx context.Context, group []*plan.Step) ([]*plan.Step, error) {
	for !s.exhausted() {
		named, others := divide(group, s.last.text)
		if len(named) == 0 || len(others) == 0 {
			break
		}
		left, err := s.probe(ctx, others)
		if err != nil {
			return nil, err
		}
		said := s.last
		for i := range named {
			if _, err := s.try(ctx, named[i:i+1]); err != nil {
				return nil, err
			}
		}
		if len(left) == 0 {
			return nil, nil
		}
		group, s.last = left, said
	}
	return group, nil
}

// fromDefault tries the default branch, which stands at head, alone. When it is declined, and so
// are the others without it and two of them alone, the mirror declines everything. Not so over an
// object, or the size of them all: that is a matter of what each ref brings along.
func (s *search) fromDefault(ctx context.Context, group []*plan.Step, head int) error {
	others := without(group, head)
	clean, err := s.takes(ctx, group[head:head+1])
	if err != nil {
		return err
	}
	switch {
	case clean:
		return s.searchRest(ctx, others)
	case s.last.objected:
		return s.apart(ctx, group, group[head])
	}
	if clean, err = s.takes(ctx, others); err != nil {
		return err
	}
	if clean {
		s.guilty(group[head])
		return nil
	}
	// Several may be protected, of which the default branch is one.
	if len(others) >= 3 {
		for _, i := range []int{len(others) - 1, len(others) / 2} {
			if clean, err = s.takes(ctx, others[i:i+1]); err != nil {
				return err
			}
			if clean {
				s.guilty(group[head])
				return s.halve(ctx, without(others, i))
			}
		}
	}
	for _, step := range group {
		s.refuse(step, s.last.reason)
	}
	return nil
}

// apart refuses those of a group that bring along a ref in which there is what the mirror does not
// take, that ref too, and tries the others.
func (s *search) apart(ctx context.Context, group []*plan.Step, heavy *plan.Step) error {
	var pairs []git.Pair
	for _, step := range group {
		pairs = append(pairs, git.Pair{Old: heavy.New, New: step.New})
	}
	brings, err := s.scratch.Compare(ctx, pairs)
	if err != nil {
		return err
	}
	var others []*plan.Step
	for i, step := range group {
		if brings.IsAncestor(pairs[i]) {
			s.refuse(step, s.last.reason)
		} else {
			others = append(others, step)
		}
	}
	if len(others) > 0 {
		_, err = s.try(ctx, others)
	}
	return err
}

// try pushes a group and, if it is declined, finds the guilty refs in it. It reports whether there
// are none.
func (s *search) try(ctx context.Context, group []*plan.Step) (clean bool, err error) {
	if s.exhausted() {
		s.undecided(group)
		return false, nil
	}
	left, err := s.probe(ctx, group)
	if err != nil || len(left) == 0 {
		return true, err
	}
	return false, s.halve(ctx, left)
}

// halve finds the guilty refs of a group that is known to hold one.
func (s *search) halve(ctx context.Context, group []*plan.Step) error {
	if len(group) == 1 {
		s.guilty(group[0])
		return nil
	}
	half := len(group) / 2
	clean, err := s.try(ctx, group[:half])
	if err != nil {
		return err
	}
	if clean {
		return s.searchRest(ctx, group[half:])
	}
	_, err = s.try(ctx, group[half:])
	return err
}

// searchRest finds the guilty refs in the rest of a group whose other refs were taken. A single one
// is not condemned for being the rest: mirrors decline for the number of refs, too.
func (s *search) searchRest(ctx context.Context, rest []*plan.Step) error {
	if len(rest) > 1 {
		return s.halve(ctx, rest)
	}
	_, err := s.try(ctx, rest)
	return err
}

// takes pushes a group and reports whether the mirror took all of it.
func (s *search) takes(ctx context.Context, group []*plan.Step) (bool, error) {
	left, err := s.probe(ctx, group)
	return len(left) == 0, err
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
	rejected := s.refuse(step, s.last.reason)
	rejected.Passing, rejected.Guilty = s.last.passing, !s.last.passing
}

// undecided notes refs that were declined together and not tried alone.
func (s *search) undecided(group []*plan.Step) {
	for _, step := range group {
		s.refuse(step, "declined together with others; the next update goes on looking for the one that is refused").Passing = true
	}
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

// without is a group but for its step at i.
func without(group []*plan.Step, i int) []*plan.Step {
	return slices.Concat(group[:i], group[i+1:])
}
