package pushmirror

import (
	"errors"
	"slices"
	"testing"
	"time"

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
		a := &attempt{access: access{Upstream: &Upstream{}}, seen: &state.Seen{}, refused: map[git.RefName]*plan.Step{}}
		left, err := a.noteOutcomes(plan.Batch{{Name: name, Result: plan.Updated, Old: "1", New: "2"}}, outcomes, "")
		var failed *git.Error
		again := a.moved == 1 && err == nil || errors.As(err, &failed) && failed.Kind.Temporary()
		if !again || len(left.steps)+len(a.done)+len(a.refused) > 0 {
			t.Errorf("%s: %v, %d done, %d refused", text, err, len(a.done), len(a.refused))
		}
	}
}

// An announcement is withdrawn only if it is known to have come to nothing.
func TestTheLogTellsOnlyWhatIsKnown(t *testing.T) {
	const name git.RefName = "refs/heads/main"
	for reason, want := range map[string]int{"stale info": 1, "pre-receive hook declined": 1, "remote failed to report status": 0} {
		a := &attempt{access: access{Upstream: &Upstream{clock: time.Now}}}
		batch := plan.Batch{{Name: name, Result: plan.Forced, Old: "1", New: "2"}}
		entries := slices.Collect(a.entriesAfter(batch, git.Outcomes{{Name: name, Flag: '!', Reason: reason}}))
		if len(entries) != want || want > 0 && !entries[0].Withdrawn {
			t.Errorf("%s: %+v", reason, entries)
		}
		if told := slices.Collect(a.entriesAfter(batch, nil)); len(told) > 0 {
			t.Errorf("of a ref without an outcome: %+v", told)
		}
	}
}
