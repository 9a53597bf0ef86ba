package hook

import (
	"fmt"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// maxLines is how many lines about refs a pusher is shown.
const maxLines = 10

// report says what became of a push on one remote: first what concerns it as a whole, then
// the refs, the troubles first, in at most limit lines and one that counts the rest of the
// refs; and whether there is trouble.
func report(r state.Record, changes []change, show config.Show, limit int) (lines []string, trouble bool) {
	results := make(map[git.RefName]state.RefResult, len(r.Results))
	for _, result := range r.Results {
		results[result.Name] = result
	}
	var whole, good, bad []string
	older := len(r.Divergent) + len(r.Rejected)
	unsaid := 0
	for _, c := range changes {
		result, ok := results[c.name]
		switch {
		case !ok:
			unsaid++
		case result.Result == plan.Divergent || result.Result == plan.Rejected:
			bad = append(bad, describe(result))
			older--
		default:
			good = append(good, describe(result))
		}
	}
	switch {
	case r.Status == state.Finished:
		if len(good) == 0 && show == config.ShowAll {
			whole = append(whole, "up to date")
		}
	case r.Kind != state.KindDivergent && r.Kind != state.KindRejected:
		whole = append(whole, verdict(r))
	case older > 0:
		whole = append(whole, "older trouble: "+git.Printable(r.Error))
	}
	if r.Said != "" && slices.ContainsFunc(changes, func(c change) bool { return results[c.name].Result == plan.Rejected }) {
		whole = append(whole, "the mirror says: "+git.Printable(r.Said))
	}
	if show != config.ShowAll {
		good = nil
	}
	refs := shorten(append(bad, good...), max(1, limit-len(whole)), min(unsaid, r.More))
	return append(whole, refs...), r.Status != state.Finished
}

func verdict(r state.Record) string {
	if r.Status == state.ToRetry {
		return "not mirrored yet: " + git.Printable(r.Error)
	}
	return "not mirrored: " + git.Printable(r.Error)
}

// describe says in a line what happened to a ref.
func describe(s state.RefResult) string {
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

// shorten cuts lines to limit and says how many refs are left out, with those that no
// line tells of.
func shorten(lines []string, limit, more int) []string {
	if over := len(lines) - limit; over > 0 {
		lines, more = lines[:limit:limit], more+over
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more refs", more))
	}
	return lines
}
