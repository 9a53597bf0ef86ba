package pushmirror

import (
	"errors"
	"testing"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// What nobody knows to be done, or refused, is neither: it is looked at again, or tried again.
func TestARefThatIsNotAnsweredForIsNotForgotten(t *testing.T) {
	const name git.RefName = "refs/heads/main"
	for text, outcomes := range map[string]git.Outcomes{
		"git says nothing of it":              nil,
		"the mirror holds something else":     {{Name: name, Flag: '!', Reason: "stale info"}},
		"the mirror breaks off":               {{Name: name, Flag: '!', Reason: "remote failed to report status"}},
		"the mirror cannot unpack the others": {{Name: name, Flag: '!', Reason: "unpacker error"}},
	} {
		a := &attempt{Upstream: &Upstream{}, seen: &state.Seen{}, refused: map[git.RefName]*plan.Step{}}
		left, err := a.noteOutcomes(plan.Batch{{Name: name, Result: plan.Updated, Old: "1", New: "2"}}, outcomes, "")
		var failed *git.Error
		again := a.moved == 1 && err == nil || errors.As(err, &failed) && failed.Kind.Temporary()
		if !again || len(left.steps)+len(a.done)+len(a.refused) > 0 {
			t.Errorf("%s: %v, %d done, %d refused", text, err, len(a.done), len(a.refused))
		}
	}
}
