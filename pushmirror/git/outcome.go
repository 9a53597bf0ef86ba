package git

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Outcomes are those of a push, sorted by name.
type Outcomes []Outcome

// Get finds the outcome of a ref.
func (o Outcomes) Get(name RefName) (Outcome, bool) {
	i, ok := slices.BinarySearchFunc(o, name, func(o Outcome, name RefName) int { return cmp.Compare(o.Name, name) })
	if !ok {
		return Outcome{}, false
	}
	return o[i], true
}

// Outcome is what became of one ref in a push.
type Outcome struct {
	Name RefName
	// Old is what the mirror held before, where git says so.
	Old OID
	// Reason is why it was refused, in git's or the mirror's words.
	Reason string
	Flag   byte // git's: ' ' fast-forward, '+' forced, '-' deleted, '*' new, '=' up to date, '!' refused
	// remote: it was the mirror that refused the ref, not git on this side.
	remote bool
	// objected: the mirror will not take an object in the push, or the push's size, be it for this
	// ref or another.
	objected bool
}

// Refused reports whether the mirror does not hold what was pushed.
func (o Outcome) Refused() bool { return o.Flag == '!' }

// RefusedThere reports whether it was the mirror that refused the ref, not git on this side.
func (o Outcome) RefusedThere() bool { return o.Refused() && o.remote }

// Changed reports whether git refused the ref because the mirror holds
// something else than what was compared.
func (o Outcome) Changed() bool {
	if !o.Refused() {
		return false
	}
	switch o.Reason {
	case "stale info", "fetch first", "non-fast-forward", "already exists", "needs force", "remote ref updated since checkout":
		return !o.remote
	case "failed to update ref", "failed to update", "failed to lock", "incorrect old value provided",
		"reference already exists", "reference does not exist", "refname conflict": // git 2.50's words
		return o.remote
	}
	return o.remote && strings.Contains(o.Reason, "cannot lock ref")
}

// CurrentBranch reports whether a deletion was refused because the mirror's HEAD names the branch.
func (o Outcome) CurrentBranch() bool {
	return o.Refused() && (strings.Contains(o.Reason, "deletion of the current branch prohibited") ||
		strings.Contains(o.Reason, "refusing to delete the current branch"))
}

// UnpackFailed reports whether the ref was refused because unpacking the objects failed, as it then
// does for all refs of a push. JGit, which Gerrit and others use, words it as git once did.
func (o Outcome) UnpackFailed() bool {
	return o.Refused() && (o.Reason == "n/a (unpacker error)" || strings.HasPrefix(o.Reason, "unpack"))
}

// Declined reports whether the mirror refused the push as a whole, maybe because of another ref: by
// its pre-receive hook, over an object, or because it could not lock some ref.
func (o Outcome) Declined() bool {
	return o.objected || o.lockFailed() || o.Refused() && o.remote && strings.Contains(o.Reason, "pre-receive hook declined")
}

// Objected reports whether the mirror refused the push over an object in it, or over its size.
func (o Outcome) Objected() bool { return o.objected }

// lockFailed reports whether the mirror, with git 2.50 or newer, updated no ref of the push because
// it could not lock one of them.
func (o Outcome) lockFailed() bool {
	return o.Refused() && o.remote && o.Reason == "failed to update refs"
}

// Lost reports whether git does not know what became of the ref, since the mirror
// broke off before it answered.
func (o Outcome) Lost() bool {
	return o.Refused() && strings.HasPrefix(o.Reason, "remote failed to report")
}

// Passing reports whether the mirror seems to have refused the ref for trouble of its own that may
// be over soon: a lock, or what hosts say of a service that is down, such as GitHub's "failure". An
// objection never is, whatever words of the pusher it repeats.
func (o Outcome) Passing() bool {
	return o.lockFailed() || o.Refused() && o.remote && !o.objected && trouble().MatchString(o.Reason)
}

var trouble = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^failure$|\b(internal|server) error\b|\binternal server\b|\btimed? ?out\b|\btemporar|\btry again\b|\bunavailable\b|\boverloaded\b|\block(ed)?\b`)
})

func anyRefused(outcomes []Outcome) bool {
	for _, o := range outcomes {
		if o.Refused() {
			return true
		}
	}
	return false
}

// report reads the output of
//
//	git push --porcelain
//
// which is a line "To URL", a line FLAG TAB FROM:TO TAB SUMMARY for each ref, with
// a reason in brackets behind a refusal, and "Done", whatever was refused. Other
// lines are skipped: git lets a hook of a mirror on this machine write here.
type report struct {
	known    Refs // whose names are shared
	before   Refs // whose values are shared
	mask     Mask // for reasons
	outcomes []Outcome
	// reason is the last one as git wrote it, shown as it is kept: many refs have the same.
	reason, shown string
}

// sorted are the outcomes, the last for each ref: git's own lines come after those that a hook of a
// mirror on this machine may have written.
func (r *report) sorted() Outcomes {
	return LastOfEach(r.outcomes, func(o Outcome) RefName { return o.Name })
}

func (r *report) line(line string) error {
	line = strings.TrimSuffix(line, "\n")
	if len(line) < 2 || line[1] != '\t' || !strings.ContainsRune(" +-*=!", rune(line[0])) {
		return nil
	}
	refspec, summary, ok := strings.Cut(line[2:], "\t")
	_, to, colon := strings.Cut(refspec, ":")
	if !ok || !colon || to == "" {
		return fmt.Errorf("reading 'git push --porcelain': unexpected line %.200q", line)
	}
	o := Outcome{Name: RefName(to), Flag: line[0]}
	if ref, ok := r.known.Get(o.Name); ok {
		o.Name = ref.Name
	} else {
		o.Name = RefName(strings.Clone(to))
	}
	if o.Refused() {
		what, reason, _ := strings.Cut(summary, "] (")
		o.remote = strings.HasPrefix(what, "[remote")
		reason = cmp.Or(strings.TrimSuffix(reason, ")"), strings.Trim(summary, "[]"))
		if reason != r.reason {
			r.reason, r.shown = reason, Shorten(strings.Clone(r.mask.hide(reason)))
		}
		o.Reason = r.shown
	} else if old, _, ok := strings.Cut(summary, ".."); ok {
		if before, _ := r.before.Get(o.Name); old == string(before.OID) {
			o.Old = before.OID
		} else if oid, err := ParseOID(old); err == nil {
			o.Old = OID(strings.Clone(string(oid)))
		}
	}
	r.outcomes = append(r.outcomes, o)
	return nil
}
