package pushmirror

import (
	"fmt"
	"slices"
	"strings"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

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
	names := enumerate(r.Divergent, func(d state.Divergence) string { return string(d.Name) })
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
		enumerate(theirs, func(d plan.Refusal) string { return fmt.Sprintf("%s (%s)", d.Name, d.Reason) }))
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

// divergentHint says how the first divergence is mended, which mostly has its cause in common with
// the others, and names the first few that have the same.
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

// keeps is the ref under which a hint has the mirror's value kept here, where it goes to no mirror.
func (a *attempt) keeps(name git.RefName) string {
	return "refs/push-mirror/" + a.remote.Name + strings.TrimPrefix(string(name), "refs")
}

// maxNames is how many refs a text names.
const maxNames = 10

// enumerate joins the names of the first few of what may be very many, and counts the others.
func enumerate[T any](all []T, name func(T) string) string {
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
