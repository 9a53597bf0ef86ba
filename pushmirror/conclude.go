package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// steps are all that an update did and did not do, by name.
func (a *attempt) steps() []*plan.Step {
	all := make([]*plan.Step, 0, len(a.done)+len(a.refused)+len(a.plan.Steps))
	all = slices.AppendSeq(append(all, a.done...), maps.Values(a.refused))
	for _, s := range a.plan.Steps {
		if !s.Sent() || a.DryRun {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *plan.Step) int { return cmp.Compare(a.Name, b.Name) })
	// Of several that tell of one ref the last counts.
	last := all[:0]
	for i, s := range all {
		if i+1 == len(all) || all[i+1].Name != s.Name {
			last = append(last, s)
		}
	}
	return last
}

// conclude makes the record of an attempt that ended with err or, when that is nil,
// was made to its end.
func (a *attempt) conclude(ctx context.Context, err error) state.Record {
	if err != nil {
		return a.failed(ctx, err)
	}
	r := a.record()
	steps := a.steps()
	diverged := 0
	for _, s := range steps {
		if s.Result == plan.Divergent {
			diverged++
		}
	}
	r.Divergent = slices.Grow(r.Divergent, diverged) // at once: it may be all of very many
	var passing bool
	for i, s := range steps {
		if i < maxResults {
			r.Results = append(r.Results, state.RefResult{Name: s.Name, Result: s.Result, Old: s.Old, New: s.New, Reason: s.Why()})
		} else {
			r.More++
		}
		switch s.Result {
		case plan.Divergent:
			r.Divergent = append(r.Divergent, state.Divergence{Name: s.Name, Old: s.Old, New: s.New, Ours: s.Ours})
		case plan.Rejected:
			r.Rejected = append(r.Rejected, refusal(s))
			passing = passing || s.Passing
		}
	}
	r.Status, r.SucceededAt = state.Failed, a.before.SucceededAt
	r.Pushers = a.pushers.ofThose(r)
	a.explain(&r)
	switch {
	case r.Error == "":
		r.Status, r.SucceededAt = state.Finished, r.UpdatedAt
		return r
	case passing || a.large.temporary():
		r.Status, r.Attempts = state.ToRetry, a.before.Attempts+1
	}
	r.FailingSince = a.failingSince()
	a.schedule(&r)
	return r
}

// maxResults is how many results a record keeps: more than a pusher is shown.
const maxResults = 100

// maxUnanswered is how many unanswered refs a record keeps; if there are more, it keeps none.
const maxUnanswered = 1000

// event tells whether an episode of failure has begun or ended. One that began as the host's
// becomes the login's, or the remote's own, when the host is back.
func (a *attempt) event(r state.Record) Event {
	switch {
	case r.Told && (!a.before.Told || a.before.ToldHost != "" && (r.ToldHost != a.before.ToldHost || a.over(r.ToldHost))):
		return EventFailed
	case a.before.Told && !r.Told:
		return EventRecovered
	}
	return EventNone
}

// over reports whether the episode of a host has ended since it was told, as another remote there has found.
func (a *attempt) over(host string) bool {
	return a.Notifies() && a.before.Untold == "" && a.InEpisode != nil && !a.InEpisode(host)
}

// untold is the event that the program of [notify] has to be told: none when the whole host recovers,
// which is told for all; and where nobody was told of the failure, it is only to be told if somebody
// is just being told.
func (a *attempt) untold(r state.Record) string {
	switch event := a.event(r); {
	case !a.Notifies():
		return ""
	case event == EventNone:
		return a.before.Untold
	case event == EventRecovered && a.before.ToldHost != "":
		return ""
	case event == EventRecovered && a.before.Untold != "":
		return state.UntoldPassed
	default:
		return string(event)
	}
}

// news are the entries of the log for what an update did not do: refs that are in trouble,
// unless they were before, and the beginning and end of an episode of failure.
func (a *attempt) news(r state.Record) iter.Seq[state.Entry] {
	type trouble struct {
		name     git.RefName
		old, new git.OID
	}
	known := map[trouble]bool{}
	for _, d := range a.before.Divergent {
		known[trouble{d.Name, d.Old, d.New}] = true
	}
	for _, refusal := range a.before.Rejected {
		known[trouble{name: refusal.Name, new: refusal.New}] = true
	}
	return func(yield func(state.Entry) bool) {
		for _, d := range r.Divergent {
			s := plan.Step{Name: d.Name, Result: plan.Divergent, New: d.New, Reason: "the mirror has " + string(d.Old)}
			if !known[trouble{d.Name, d.Old, d.New}] && !yield(a.entry(&s)) {
				return
			}
		}
		for _, refusal := range r.Rejected {
			s := plan.Step{Name: refusal.Name, Result: plan.Rejected, New: refusal.New, Reason: refusal.Reason}
			if !known[trouble{name: refusal.Name, new: refusal.New}] && !yield(a.entry(&s)) {
				return
			}
		}
		if event := a.event(r); event != EventNone {
			yield(state.Entry{Time: state.At(a.clock()), Remote: a.remote.Name, Result: plan.Result(event), Reason: r.Error})
		}
	}
}

// record begins the record of this attempt.
func (a *attempt) record() state.Record {
	r := state.Record{
		URL: a.url, Status: state.Finished, StartedAt: a.started, UpdatedAt: state.At(a.clock()), NoPushOptions: a.noPushOptions,
		LFS: a.before.LFS, LFSUnchecked: a.before.LFSUnchecked,
	}
	if a.large.decided {
		r.LFS, r.LFSUnchecked = a.large.whole, a.large.unchecked
	}
	if len(a.unanswered) <= maxUnanswered {
		r.Unanswered = a.unanswered
	}
	a.large.count(&r)
	return r
}

// failed makes the record of an attempt that did not come to its end. What is known
// of single refs stays as it was.
func (a *attempt) failed(ctx context.Context, err error) state.Record {
	r := a.record()
	done := map[git.RefName]bool{}
	for _, s := range a.done {
		done[s.Name] = true
	}
	r.SucceededAt = a.before.SucceededAt
	r.Divergent = slices.DeleteFunc(slices.Clone(a.before.Divergent), func(d state.Divergence) bool { return done[d.Name] })
	r.Rejected = slices.DeleteFunc(slices.Clone(a.before.Rejected), func(d plan.Refusal) bool { return done[d.Name] })
	r.FailingSince = a.failingSince()
	r.Unreached = true
	r.Pushers = a.pushers.all()
	r.PendingSince = a.before.PendingSince
	if r.PendingSince.IsZero() {
		r.PendingSince = a.started
	}
	r.Status, r.Kind, r.Error = state.Failed, git.KindLocal, err.Error()
	var failed *git.Error
	var open *config.Error
	switch {
	case errors.As(err, &open):
		r.Kind, r.Hint = state.KindConfig, open.Hint
	case errors.Is(err, context.Canceled):
		// That was us: nothing is known against the mirror, and the next worker goes on at once.
		r.Status, r.Error, r.NextAttemptAt = state.ToRetry, "interrupted", r.UpdatedAt
		r.Attempts, r.Told, r.ToldHost = a.before.Attempts, a.before.Told, a.before.ToldHost
		return r
	case errors.Is(err, context.DeadlineExceeded):
		r.Status, r.Kind = state.ToRetry, git.KindTimeout
		r.Error = fmt.Sprintf("it took longer than %s (timeout)", a.remote.Timeout)
	case errors.As(err, &failed):
		r.Kind, r.Hint = failed.Kind, a.cure(ctx, failed)
		switch {
		case failed.Host && failed.Kind == git.KindAuth:
			a.failedFor = loginOf(a.remote)
		case failed.Host:
			a.failedFor = hostOf(a.remote)
		}
		if failed.Kind.Temporary() {
			r.Status = state.ToRetry
		}
	}
	if r.Status == state.ToRetry {
		r.Attempts = a.before.Attempts + 1
	}
	a.schedule(&r)
	return r
}

func (a *attempt) failingSince() state.Time {
	if a.before.FailingSince.IsZero() {
		return a.started
	}
	return a.before.FailingSince
}

// explain says what is wrong with an update that was made to its end, what the
// gravest of it is, and how to mend that. It says nothing when all is well.
func (a *attempt) explain(r *state.Record) {
	var parts []string
	add := func(kind git.Kind, hint, text string) {
		if r.Kind == "" {
			r.Kind, r.Hint = kind, hint
		}
		parts = append(parts, text)
	}
	if f, text := a.large.trouble(); text != "" {
		add(state.KindLFS, f.Hint, text)
	}
	if a.broken != nil {
		add(git.KindLocal, a.broken.Hint(), a.broken.Error())
	}
	if n := len(r.Divergent); n > 0 {
		names := make([]string, 0, n)
		for _, d := range r.Divergent {
			names = append(names, string(d.Name))
		}
		add(state.KindDivergent, a.divergentHint(r.Divergent),
			fmt.Sprintf("%s diverged and %s not updated: %s", count(n, "ref has", "refs have"), wasWere(n), list(names)))
	}
	var names []string
	for _, d := range r.Rejected {
		if _, ours := a.large.refused[d.Name]; !ours {
			names = append(names, fmt.Sprintf("%s (%s)", d.Name, d.Reason))
		}
	}
	if n := len(names); n > 0 {
		text := fmt.Sprintf("%s rejected: %s", count(n, "ref was", "refs were"), list(names))
		if r.Said = a.said; !a.refusing {
			r.Said = a.before.Said // of those that are not asked for again
		}
		if r.Said != "" {
			text += fmt.Sprintf("; the mirror says: %s", r.Said)
		}
		add(state.KindRejected, "what the mirror refuses can only be allowed there; then: git push-mirror sync "+a.remote.Name, text)
	}
	switch w := a.plan.Withheld; {
	case w.Limit > 0:
		add(state.KindPruneLimit, fmt.Sprintf("if they are meant: git push-mirror sync %s --prune-anyway", a.remote.Name),
			fmt.Sprintf("%s not done: more than prune_limit = %d", count(w.Count, "deletion was", "deletions were"), w.Limit))
	case w.Count > 0 && a.broken != nil:
		add(git.KindLocal, "", fmt.Sprintf("%s not done: what cannot be read may be what seems to be gone", count(w.Count, "deletion was", "deletions were")))
	case w.Count > 0 && len(a.upstream) == 0:
		add(git.KindLocal, "push to it, or restore it from the mirror; what is not wanted any more can be deleted there",
			fmt.Sprintf("%s not done: this repository is empty", count(w.Count, "deletion was", "deletions were")))
	case w.Count > 0:
		add(git.KindLocal, fmt.Sprintf("name the default branch: git -C %s symbolic-ref HEAD refs/heads/BRANCH", git.ShellQuote(a.Dir())),
			fmt.Sprintf("%s not done: HEAD names no branch that exists here", count(w.Count, "deletion was", "deletions were")))
	}
	r.Error = strings.Join(parts, "; ")
}

// divergentHint says how a divergence is mended. The first of several decides, as the
// others mostly have the same cause; of those that do, it names the first.
func (a *attempt) divergentHint(all []state.Divergence) string {
	var names []string
	for _, d := range all {
		if d.Ours == all[0].Ours && len(names) < maxNames {
			names = append(names, git.ShellQuote(string(d.Name)))
		}
	}
	refs := strings.Join(names, " ")
	overwrite := fmt.Sprintf("git push-mirror sync %s --overwrite %s", a.remote.Name, refs)
	if all[0].Ours {
		verb := "it was rewritten here: %s replaces it once, follow_rewrites = true always"
		if len(names) > 1 {
			verb = "they were rewritten here: %s replaces them once, follow_rewrites = true always"
		}
		return fmt.Sprintf(verb, overwrite)
	}
	fetch := "git fetch"
	if a.remote.SSHKey != "" {
		fetch = "git -c core.sshCommand=" + git.ShellQuote("ssh -o IdentitiesOnly=yes -i "+git.ShellQuote(a.remote.SSHKey)) + " fetch"
	}
	return fmt.Sprintf("take the mirror's work over (%s %s %s), or give it up: %s",
		fetch, git.ShellQuote(a.remote.URL.String()), refs, overwrite)
}

// maxNames is how many refs a text names.
const maxNames = 10

// list joins the first names.
func list(names []string) string {
	if more := len(names) - maxNames; more > 0 {
		names = append(slices.Clone(names[:maxNames]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func wasWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
