package hook

import (
	"fmt"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// maxLines is how many lines about refs a pusher is shown.
const maxLines = 10

// report says what became of a push on one remote, first what concerns it as a whole,
// then the refs, the troubles first, in at most limit lines and one that counts the rest
// of the refs; and whether there is trouble.
func report(u pushmirror.Update, changes []change, limit int) (lines []string, trouble bool) {
	steps := make(map[git.RefName]plan.Step, len(u.Steps))
	for _, s := range u.Steps {
		steps[s.Name] = s
	}
	var whole, good, bad []string
	older := len(u.Record.Divergent) + len(u.Record.Rejected)
	for _, c := range changes {
		s, ok := steps[c.name]
		switch {
		case !ok:
		case s.Sent() || s.Result == plan.Kept:
			good = append(good, describe(s))
		default:
			bad = append(bad, describe(s))
			older--
		}
	}
	r := u.Record
	switch {
	case r.Status == state.Finished:
		if len(good) == 0 {
			whole = append(whole, "up to date")
		}
	case len(r.Divergent)+len(r.Rejected) == 0 || r.Kind != state.KindDivergent && r.Kind != state.KindRejected:
		whole = append(whole, verdict(r))
	case older > 0:
		whole = append(whole, "older trouble: "+git.Printable(r.Error))
	}
	refs := shorten(append(bad, good...), max(1, limit-len(whole)))
	return append(whole, refs...), r.Status != state.Finished
}

func verdict(r state.Record) string {
	if r.Status == state.ToRetry {
		return "not mirrored yet: " + git.Printable(r.Error)
	}
	return "not mirrored: " + git.Printable(r.Error)
}

// describe says in a line what happened to a ref.
func describe(s plan.Step) string {
	name := git.Printable(s.Name.Short())
	switch s.Result {
	case plan.Created:
		return fmt.Sprintf("%s created at %s", name, s.New.Short())
	case plan.Updated:
		return fmt.Sprintf("%s %s..%s", name, s.Old.Short(), s.New.Short())
	case plan.Forced:
		return fmt.Sprintf("%s %s...%s (forced)", name, s.Old.Short(), s.New.Short())
	case plan.Deleted:
		return fmt.Sprintf("%s deleted (was %s)", name, s.Old.Short())
	case plan.Divergent:
		return fmt.Sprintf("%s diverged, not mirrored: %s", name, git.Printable(s.Reason))
	case plan.Kept:
		return fmt.Sprintf("%s kept: %s", name, git.Printable(s.Reason))
	default:
		return fmt.Sprintf("%s rejected: %s", name, git.Printable(s.Reason))
	}
}

// shorten cuts lines to limit and says how many refs are left out.
func shorten(lines []string, limit int) []string {
	if len(lines) <= limit {
		return lines
	}
	return append(lines[:limit:limit], fmt.Sprintf("and %d more refs", len(lines)-limit))
}
