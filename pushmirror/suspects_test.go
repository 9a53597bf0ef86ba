package pushmirror

import (
	"testing"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// A push that changes such a ref is to be tried, however many others the mirror has just declined.
func TestOnlyASuspectWithTheValueThatWasDeclinedIsPostponed(t *testing.T) {
	const name = "refs/heads/main"
	for _, c := range []struct {
		value git.OID
		again int
		want  bool
	}{
		{"declined", maxRetried, true}, {"declined", maxRetried - 1, false}, {"changed", maxRetried, false},
	} {
		r := &suspectRetries{
			attempt:  &attempt{refused: map[git.RefName]*plan.Step{}},
			declined: map[git.RefName]plan.Refusal{name: {Name: name, New: "declined", Reason: "no"}},
			again:    c.again,
		}
		if got := r.postpones(plan.Batch{{Name: name, New: c.value, Suspect: true}}); got != c.want {
			t.Errorf("%s, after %d: %t", c.value, c.again, got)
		}
		// It goes last and alone the next time, too.
		if s := r.refused[name]; (s != nil) != c.want || s != nil && (s.Reason != "no" || !s.Guilty) {
			t.Errorf("%s, after %d: refused as %+v", c.value, c.again, s)
		}
	}
}
