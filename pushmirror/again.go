package pushmirror

import (
	"math/rand/v2"
	"slices"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// maxAgain is how many refs the mirror may decline again in an update that nobody asked for, each
// of which takes a push of its own.
const maxAgain = 64

// again are the refs that are tried again, alone, with the value that the mirror has declined.
type again struct {
	*attempt
	before   map[git.RefName]plan.Refusal
	declined int // by now
}

// inTurn recalls what the mirror has declined. A sync tries all of it: somebody may have allowed it
// just now.
func (a *attempt) inTurn() *again {
	t := &again{attempt: a, before: map[git.RefName]plan.Refusal{}}
	if a.Fresh {
		return t
	}
	for _, refusal := range a.before.Rejected {
		if refusal.Guilty {
			t.before[refusal.Name] = refusal
		}
	}
	return t
}

// shuffled brings those that go alone, at the end, into another order each time where they are too
// many: each has its turn some time. Where they are not, what makes room goes first.
func (t *again) shuffled(batches []plan.Batch) []plan.Batch {
	first := slices.IndexFunc(batches, func(b plan.Batch) bool { return b[0].Suspect })
	if first < 0 || len(t.before) <= maxAgain {
		return batches
	}
	alone := batches[first:]
	rand.Shuffle(len(alone), func(i, j int) { alone[i], alone[j] = alone[j], alone[i] })
	return batches
}

// passesOver leaves a ref for another time, once the mirror has declined enough.
func (t *again) passesOver(batch plan.Batch) bool {
	was, ok := t.was(batch)
	if !ok || t.declined < maxAgain {
		return false
	}
	t.refuse(batch[0], was.Reason)
	t.refused[was.Name].Guilty = true
	return true
}

// note counts what was declined.
func (t *again) note(batch plan.Batch) {
	if was, ok := t.was(batch); ok && t.refused[was.Name] != nil {
		t.declined++
	}
}

// was is how the ref of a batch was declined with the same value.
func (t *again) was(batch plan.Batch) (plan.Refusal, bool) {
	step := batch[0]
	was, ok := t.before[step.Name]
	return was, ok && step.Suspect && step.New == was.New
}
