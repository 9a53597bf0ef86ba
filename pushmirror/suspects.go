package pushmirror

import (
	"math/rand/v2"
	"slices"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// maxRetried is how many suspects the mirror may decline again in an update that nobody asked for:
// each takes a push of its own.
const maxRetried = 64

// suspectRetries bounds how many suspects, which go last and alone, are pushed with the value that
// the mirror declined before.
type suspectRetries struct {
	*attempt
	declined map[git.RefName]plan.Refusal // by earlier updates
	again    int                          // how many of them are declined by now
}

// suspectRetries recalls what the mirror has declined. A sync has no bound, and so recalls nothing:
// somebody may have allowed it all just now.
func (a *attempt) suspectRetries() *suspectRetries {
	r := &suspectRetries{attempt: a, declined: map[git.RefName]plan.Refusal{}}
	if a.Fresh {
		return r
	}
	for _, refusal := range a.before.Rejected {
		if refusal.Guilty {
			r.declined[refusal.Name] = refusal
		}
	}
	return r
}

// shuffled changes the order of the suspects each time, where they are more than the bound: so each
// has its turn some time. What makes room for others stays before them.
func (r *suspectRetries) shuffled(batches []plan.Batch) []plan.Batch {
	first := slices.IndexFunc(batches, func(b plan.Batch) bool { return b[0].Suspect })
	if first < 0 || len(r.declined) <= maxRetried {
		return batches
	}
	alone := batches[first:]
	rand.Shuffle(len(alone), func(i, j int) { alone[i], alone[j] = alone[j], alone[i] })
	deletions := map[git.RefName]plan.Batch{}
	for _, b := range alone {
		if b[0].Result == plan.Deleted {
			deletions[b[0].Name] = b
		}
	}
	ordered := slices.Clip(batches[:first])
	take := func(name git.RefName) {
		if b, ok := deletions[name]; ok {
			ordered = append(ordered, b)
			delete(deletions, name)
		}
	}
	for _, b := range alone {
		switch b[0].Result {
		case plan.Deleted:
			take(b[0].Name)
			continue
		case plan.Created:
			for name := range r.seen.Mirror.InTheWay(b[0].Name) {
				take(name)
			}
		}
		ordered = append(ordered, b)
	}
	return ordered
}

// postpones leaves a suspect refused as it was, once the mirror has declined as many as it may.
func (r *suspectRetries) postpones(batch plan.Batch) bool {
	was, ok := r.refusal(batch)
	if !ok || r.again < maxRetried {
		return false
	}
	r.refuse(batch[0], was.Reason).Guilty = true
	return true
}

// note counts a suspect that was declined again.
func (r *suspectRetries) note(batch plan.Batch) {
	if was, ok := r.refusal(batch); ok && r.refused[was.Name] != nil {
		r.again++
	}
}

// refusal is how the mirror declined a suspect before; ok is false if that was with another value.
func (r *suspectRetries) refusal(batch plan.Batch) (was plan.Refusal, ok bool) {
	step := batch[0]
	was, ok = r.declined[step.Name]
	return was, ok && step.New == was.New
}
