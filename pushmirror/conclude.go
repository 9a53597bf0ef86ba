package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	passing := a.recordSteps(&r)
	r.Pushers = a.pushers.ofThose(r)
	if a.explain(&r); r.Error == "" {
		r.Status, r.SucceededAt = state.Finished, r.UpdatedAt
		return r
	}
	r.Status = state.Failed
	if passing || a.large.temporary() {
		r.Status = state.ToRetry
	}
	r.FailingSince = a.failingSince()
	a.schedule(&r)
	return r
}

// recordSteps notes what happened to the refs. It reports whether any was rejected for a reason
// that may be over soon.
func (a *attempt) recordSteps(r *state.Record) (passing bool) {
	steps := a.steps()
	diverged := 0
	for _, s := range steps {
		if s.Result == plan.Divergent {
			diverged++
		}
	}
	r.Divergent = slices.Grow(r.Divergent, diverged) // at once: it may be all of very many
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
	return passing
}

// maxResults is how many results a record keeps: more than a pusher is shown.
const maxResults = 100

// maxUnanswered is how many unanswered refs a record keeps; if there are more, it keeps none.
const maxUnanswered = 1000

// record begins the record of this attempt.
func (a *attempt) record() state.Record {
	r := state.Record{
		URL: a.url, StartedAt: a.started, UpdatedAt: state.At(a.clock()), SucceededAt: a.before.SucceededAt,
		NoPushOptions: a.noPushOptions, LFS: a.before.LFS, LFSUnchecked: a.before.LFSUnchecked,
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
	r.Divergent = slices.DeleteFunc(slices.Clone(a.before.Divergent), func(d state.Divergence) bool { return done[d.Name] })
	r.Rejected = slices.DeleteFunc(slices.Clone(a.before.Rejected), func(d plan.Refusal) bool { return done[d.Name] })
	r.FailingSince = a.failingSince()
	r.Unreached, r.Loginless = true, a.loginless
	r.Pushers = a.pushers.all()
	r.PendingSince = a.before.PendingSince
	if r.PendingSince.IsZero() {
		r.PendingSince = a.started
	}
	r.Status, r.Kind, r.Error = state.Failed, git.KindLocal, err.Error()
	var failed *git.Error
	var open *config.Error
	if login := loginOf(a.remote); a.loginless && login != hostOf(a.remote) {
		a.failedFor = login // as whoever has the same one will find
	}
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
	default:
		r.Hint = HintOf(err)
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

// fault is a thing that is wrong with an update that was made to its end; it has no text if
// nothing is.
type fault struct {
	kind       git.Kind
	text, hint string
}

// explain says all that is wrong with an update that was made to its end, and how the gravest of it
// is mended. It says nothing when all is well.
func (a *attempt) explain(r *state.Record) {
	var texts []string
	for _, f := range []fault{a.largeFault(), a.unreadableFault(), a.divergentFault(r), a.rejectedFault(r), a.withheldFault()} {
		if f.text == "" {
			continue
		}
		if r.Kind == "" {
			r.Kind, r.Hint = f.kind, f.hint
		}
		texts = append(texts, f.text)
	}
	r.Error = strings.Join(texts, "; ")
}

func (a *attempt) largeFault() fault {
	first, text := a.large.trouble()
	return fault{state.KindLFS, text, first.Hint}
}

// unreadableFault tells of what upstream has and cannot be read.
func (a *attempt) unreadableFault() fault {
	if a.broken == nil {
		return fault{}
	}
	return fault{git.KindLocal, a.broken.Error(), a.broken.Hint()}
}

func (a *attempt) divergentFault(r *state.Record) fault {
	n := len(r.Divergent)
	if n == 0 {
		return fault{}
	}
	names := list(r.Divergent, func(d state.Divergence) string { return string(d.Name) })
	text := fmt.Sprintf("%s diverged and %s not updated: %s", count(n, "ref has", "refs have"), wasWere(n), names)
	return fault{state.KindDivergent, text, a.divergentHint(r.Divergent)}
}

// rejectedFault tells of the refs that the mirror refuses, with its own words, which it notes.
func (a *attempt) rejectedFault(r *state.Record) fault {
	theirs := slices.DeleteFunc(slices.Clone(r.Rejected), func(d plan.Refusal) bool {
		_, ours := a.large.refused[d.Name]
		return ours
	})
	if len(theirs) == 0 {
		return fault{}
	}
	text := fmt.Sprintf("%s rejected: %s", count(len(theirs), "ref was", "refs were"),
		list(theirs, func(d plan.Refusal) string { return fmt.Sprintf("%s (%s)", d.Name, d.Reason) }))
	if r.Said = a.said; !a.refusing {
		r.Said = a.before.Said // of those that are not asked for again
	}
	if r.Said != "" {
		text += fmt.Sprintf("; the mirror says: %s", r.Said)
	}
	hint := "what the mirror refuses can only be allowed there"
	if theirs[0].Reason == a.damage() {
		hint = "bring back what is missing, from the mirror or a backup"
	}
	return fault{state.KindRejected, text, hint + "; then: git push-mirror sync " + a.remote.Name}
}

// withheldFault tells of the deletions that were not done.
func (a *attempt) withheldFault() fault {
	w := a.plan.Withheld
	if w.Count == 0 {
		return fault{}
	}
	f := fault{kind: git.KindLocal}
	why := ""
	switch {
	case w.Limit > 0:
		f.kind, why = state.KindPruneLimit, fmt.Sprintf("more than prune_limit = %d", w.Limit)
		f.hint = fmt.Sprintf("if they are meant: git push-mirror sync %s --prune-anyway", a.remote.Name)
	case a.broken != nil:
		why = "what cannot be read may be what seems to be gone"
	case a.empty:
		why = "this repository is empty"
		f.hint = "push to it, or restore it from the mirror; what is not wanted any more can be deleted there"
	default:
		why = "HEAD names no branch that exists here"
		f.hint = fmt.Sprintf("name the default branch: git -C %s symbolic-ref HEAD refs/heads/BRANCH", git.ShellQuote(a.Dir()))
	}
	f.text = fmt.Sprintf("%s not done: %s", count(w.Count, "deletion was", "deletions were"), why)
	return f
}

// divergentHint says how a divergence is mended. The first of several decides, as the
// others mostly have the same cause; of those that do, it names the first.
func (a *attempt) divergentHint(all []state.Divergence) string {
	var names, kept []string
	for _, d := range all {
		if d.Ours == all[0].Ours && len(names) < maxNames {
			names = append(names, git.ShellQuote(string(d.Name)))
			kept = append(kept, git.ShellQuote(fmt.Sprintf("%s:%s", d.Name, a.keeps(d.Name))))
		}
	}
	overwrite := fmt.Sprintf("git push-mirror sync %s --overwrite %s", a.remote.Name, strings.Join(names, " "))
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
	// Without --no-tags, git takes tags along, which would then go to all mirrors.
	return fmt.Sprintf("take the mirror's work over (%s --no-tags %s %s) and merge it, or give it up: %s",
		fetch, git.ShellQuote(a.remote.URL.String()), strings.Join(kept, " "), overwrite)
}

// keeps is where a hint has the mirror's value of a ref kept here: where it goes to no mirror.
func (a *attempt) keeps(name git.RefName) string {
	return "refs/push-mirror/" + a.remote.Name + strings.TrimPrefix(string(name), "refs")
}

// maxNames is how many refs a text names.
const maxNames = 10

// list joins the names of the first few, of what may be very many.
func list[T any](all []T, name func(T) string) string {
	var names []string
	for _, one := range all[:min(len(all), maxNames)] {
		names = append(names, name(one))
	}
	if more := len(all) - maxNames; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
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
