package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

// Push is what one git push is to do.
type Push struct {
	// Update are the refs to send, sorted by name. They go unforced: git itself
	// refuses what is not a fast-forward of the value that the mirror shows.
	Update Refs
	// Delete are the names to delete.
	Delete []RefName
	// Expect are leases: the value that the mirror must hold, exactly, for the
	// ref to be replaced or deleted. A lease takes the place of git's own
	// fast-forward check, so a ref stands here only after ours.
	Expect []Ref
	// First: the mirror holds no refs, so all that Update leads to is sent.
	First bool
	// Options are push options. A mirror that takes none refuses the whole push:
	// see NoPushOptions.
	Options []string
	// Progress gets git's stderr as it comes; nil: nobody looks.
	Progress io.Writer
}

// pushCommand begins every push: what the flags name cannot all be set in the
// config of every git that we work with.
func pushCommand(flags ...string) []string {
	return append([]string{
		"push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
		"--no-force-if-includes", "--recurse-submodules=no",
	}, flags...)
}

// noBitmaps keeps git from using upstream's bitmaps to find what to send. For each ref of the
// mirror it would fill in what they do not cover, which for one commit beside 100,000 refs takes 30
// times as long as a walk. If the mirror has nothing, bitmaps save a walk over all of history.
var noBitmaps = []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=pack.useBitmaps", "GIT_CONFIG_VALUE_0=false"}

// Push runs one git push, and returns what became of each ref and what git and the mirror wrote to
// stderr. The error is nil if git told what became of the refs, even if some were refused; refs
// without an outcome were not pushed.
func (s *Scratch) Push(ctx context.Context, p Push) (outcomes Outcomes, text string, err error) {
	if err := s.setRefs(p.Update); err != nil {
		return nil, "", err
	}
	if len(p.Update) == 0 && len(p.Expect) > 0 { // git reads the leases, too
		if err := s.configure(len(p.Expect[0].OID)); err != nil {
			return nil, "", err
		}
	}
	args := pushCommand("--progress") // shown or not, it is the sign that git moves
	for _, option := range p.Options {
		args = append(args, "--push-option="+option)
	}
	for _, ref := range p.Expect {
		args = append(args, fmt.Sprintf("--force-with-lease=%s:%s", ref.Name, ref.OID))
	}
	args = append(args, "--", s.mirror())
	args = append(args, p.wildcards()...)
	for _, name := range p.Delete {
		args = append(args, ":"+string(name))
	}
	r := report{known: p.Update, before: s.to.Known, mask: s.to.Mask, outcomes: make([]Outcome, 0, len(p.Update)+len(p.Delete))}
	out := lines{each: r.line}
	c := command{args: args, stdout: &out, stderr: p.Progress, packing: s.to.Reached}
	if !p.First {
		c.env = noBitmaps
	}
	text, err = s.reach(ctx, c)
	if err := out.close(); err != nil {
		return nil, text, err
	}
	outcomes = r.sorted()
	if anyRefused(outcomes) {
		err = nil
	}
	switch said := objection(text); {
	case said == "":
	case err != nil && len(outcomes) == 0:
		return p.objectedTo(said), text, nil
	default:
		for i, o := range outcomes {
			if o.UnpackFailed() || o.Lost() {
				outcomes[i].objected, outcomes[i].Reason = true, said
			}
		}
	}
	return outcomes, text, err
}

// objectedTo are the outcomes of a push that the mirror did not take, for an object or its size.
func (p Push) objectedTo(reason string) Outcomes {
	outcomes := make(Outcomes, 0, len(p.Update)+len(p.Delete))
	for _, ref := range p.Update {
		outcomes = append(outcomes, Outcome{Name: ref.Name, Reason: reason, Flag: '!', remote: true, objected: true})
	}
	for _, name := range p.Delete {
		outcomes = append(outcomes, Outcome{Name: name, Reason: reason, Flag: '!', remote: true, objected: true})
	}
	return LastOfEach(outcomes, func(o Outcome) RefName { return o.Name })
}

// TryPush begins a push and sends nothing, by
//
//	git push --dry-run --porcelain URL refs/none/*:refs/none/*
//
// a pattern that no ref matches. It succeeds if the mirror offers to take a push: asked for
// git-receive-pack, it showed what it holds. Whether it would take any given ref is not tested.
func (s *Scratch) TryPush(ctx context.Context) error {
	digits, err := s.upstream.oidDigits(ctx)
	if err == nil {
		err = s.configure(digits)
	}
	if err != nil {
		return err
	}
	try := func(refspec string) (string, error) {
		return s.reach(ctx, command{args: append(pushCommand("--dry-run", "--progress"), "--", s.mirror(), refspec)})
	}
	const none = "refs/none/*"
	said, err := try(none + ":" + none)
	if !strings.Contains(said, "No refs in common and none specified") {
		return err
	}
	// A mirror that is empty yet, whose format git looks at only if it has a ref to push or delete.
	var failed *Error
	if _, err = try(":refs/none/x"); errors.As(err, &failed) && failed.Hint == otherFormat {
		return err
	}
	return nil
}

// objection is what a mirror with receive.fsckObjects or receive.maxInputSize, or its web server,
// says of objects that it will never take; "" if it took all, or if trying again may help, as with
// a full disk. GitHub breaks off after it.
func objection(text string) string {
	if hasLine(text, "error: RPC failed; HTTP 413") {
		return "HTTP 413, it is more than the mirror's web server takes in a request"
	}
	const tooLarge = "pack exceeds maximum allowed size"
	if strings.Contains(text, tooLarge) {
		return tooLarge
	}
	_, failed, _ := strings.Cut(text, "error: remote unpack failed: error ")
	if failed, _, _ = strings.Cut(failed, "\n"); strings.Contains(failed, "rejecting the pack") { // JGit
		return Shorten(strings.TrimSpace(failed))
	}
	// "in packed object" or, what shows only at the end, as a bad .gitmodules does, "in pack
	// objects".
	if !strings.Contains(text, "fsck error in pack") {
		return ""
	}
	_, said, _ := strings.Cut(text, "remote: error: ")
	said, _, _ = strings.Cut(said, "\n")
	return cmp.Or(Shorten(strings.TrimSpace(said)), "an object failed the mirror's fsck")
}

func (p Push) wildcards() []string {
	var specs []string
	for _, prefix := range []string{branchPrefix, tagPrefix} {
		for range p.Update.Below(RefName(strings.TrimSuffix(prefix, "/"))) {
			specs = append(specs, prefix+"*:"+prefix+"*")
			break
		}
	}
	return specs
}

// NoPushOptions reports whether a push failed because the mirror takes no push
// options.
func NoPushOptions(text string) bool {
	return strings.Contains(text, "the receiving end does not support push options")
}

// maxSaid is how much of a mirror's text is kept, in bytes: there may be one for each of very many
// refs.
const maxSaid = 500

// Shorten cuts a mirror's text to at most maxSaid bytes and an ellipsis.
func Shorten(text string) string {
	if len(text) <= maxSaid {
		return text
	}
	return strings.ToValidUTF8(text[:maxSaid], "") + "…"
}

// Said is what the mirror, mostly its hooks, wrote for people during a push, in one line; "" if
// nothing. It leaves out progress, and errors of the mirror's git, which the refs' reasons tell.
func Said(text string) string {
	var said []string
	for line := range linesOf(text) {
		line, ok := strings.CutPrefix(line, "remote:")
		if line = strings.TrimSpace(line); ok && line != "" && !progressLine().MatchString(line) {
			said = append(said, line)
		}
	}
	return Shorten(strings.Join(said, "; "))
}

var progressLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z][a-z]+ing [a-z ]+: +\d+|^(fatal|error|warning): [a-z]`)
})
