package git

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Error is a failure with its class and, where known, its cure: of a git command or, without Args,
// of something around one.
type Error struct {
	Args     []string // the command, without "git"
	ExitCode int      // of the command; -1: it did not run to its end
	Stderr   string   // what it wrote, capped
	Kind     Kind     // the class of the failure
	Hint     string   // the cure, where one is known
	// Host: the host or our login there fails, not this repository alone.
	Host bool
	// Moved: the mirror answers with a redirect.
	Moved bool
	Err   error
}

// newError makes the Error of a command that ended with err, which is never nil.
func newError(ctx context.Context, args []string, stderr string, err error) *Error {
	e := &Error{Args: args, ExitCode: -1, Stderr: stderr, Err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		e.ExitCode = exit.ExitCode()
	}
	if cause := context.Cause(ctx); cause != nil {
		e.Err = cause
		e.Kind = KindLocal
		var stalled *stallError
		var unanswered *answerError
		if errors.Is(cause, context.DeadlineExceeded) || errors.As(cause, &stalled) || errors.As(cause, &unanswered) {
			e.Kind = KindTimeout
			e.Host = !errors.Is(cause, context.DeadlineExceeded)
		}
		return e
	}
	class := classify(stderr)
	e.Moved = redirected().MatchString(stderr)
	e.Kind, e.Hint, e.Host = class.kind, class.hint, class.host
	return e
}

// Error says what git said, or else how it ended.
func (e *Error) Error() string {
	if len(e.Args) == 0 {
		return e.Err.Error()
	}
	if said := Shorten(firstComplaint(e.Stderr)); said != "" && e.Kind != KindTimeout {
		return fmt.Sprintf("git %s: %s", e.Args[0], said)
	}
	return fmt.Sprintf("git %s: %v", e.Args[0], e.Err)
}

// Unwrap gives the cause: an *exec.ExitError or the context's error.
func (e *Error) Unwrap() error { return e.Err }

// exitCode is the exit code of the git command that failed with err: -1 if it did not run to its
// end, 0 if err is nil or no git command's.
func exitCode(err error) int {
	var failed *Error
	if !errors.As(err, &failed) {
		return 0
	}
	return failed.ExitCode
}

// Ambiguous reports whether a push did nothing because a name in it matches several refs of the
// mirror.
func (e *Error) Ambiguous() bool {
	return e.ExitCode == 1 && strings.Contains(e.Stderr, "matches more than one")
}

// BrokenObject reports whether a command failed over an object of this repository, or over the
// files in which git looks for objects and refs.
func BrokenObject(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.Kind == KindLocal && failed.ExitCode > 0
}

// DamagedObject reports whether the text of a push tells of an object that could not be read: by
// git here, or by the mirror, since git copies much into a pack unread.
func DamagedObject(text string) bool { return damaged().MatchString(text) }

var damaged = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)corrupt|inflate|\bbad object\b|\bzlib\b`) })

// lostRemote begins git's advice to people when its transport ended without an answer; the cause
// stands before it.
const lostRemote = "fatal: Could not read from remote repository."

// firstComplaint is the line of stderr that tells most: what http answered to a push, else the
// first "fatal:" of git or ssh, else that of the mirror's git, else the first "error:", else the
// last line. One that ends with a colon goes on in the next, as when a git:// mirror is down.
func firstComplaint(stderr string) string {
	if cause, _, found := strings.Cut(stderr, lostRemote); found && strings.TrimSpace(cause) != "" {
		stderr = cause
	}
	lines := slices.Collect(linesOf(stderr))
	for _, mark := range []struct{ text, stays string }{{"error: RPC failed; ", ""}, {"fatal: ", ""}, {"remote: fatal: ", "remote: "}, {"error: ", ""}} {
		for i, line := range lines {
			text, ok := strings.CutPrefix(line, mark.text)
			if !ok {
				continue
			}
			text = strings.TrimSpace(text)
			if strings.HasSuffix(text, ":") && i+1 < len(lines) {
				text += " " + strings.TrimSpace(lines[i+1])
			}
			return mark.stays + text
		}
	}
	for _, line := range slices.Backward(lines) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// Kind is the class of a failure, as the status shows it in error_kind.
type Kind string

// The kinds that a git command can fail with.
const (
	KindAuth     Kind = "auth"      // the mirror did not accept who we are
	KindHostKey  Kind = "host_key"  // the host is not the one that is known, by its ssh key or certificate
	KindNotFound Kind = "not_found" // no such repository
	KindNetwork  Kind = "network"   // the mirror could not be reached, or broke off
	KindTimeout  Kind = "timeout"   // it took longer than allowed
	KindLocal    Kind = "local"     // the trouble is on this machine
)

// Temporary reports whether the same command may succeed later without
// anybody's help.
func (k Kind) Temporary() bool {
	return k == KindNetwork || k == KindTimeout
}

// failure is a row of the table that classes what git, curl and ssh say.
type failure struct {
	text string // part of stderr, lower case
	kind Kind
	hint string
	host bool // whatever else this user has on the host fails as well
}

// redirected is how curl complains of a redirect that it may not follow.
var redirected = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`The requested URL returned error: 30[12378]`) })

// The hints that several failures share.
const (
	noRepository  = "create the repository on the mirror, or correct the url"
	wrongPassword = "the mirror did not accept the user name and password"
	mayNotWrite   = "let the key or user write to that repository"
	otherHost     = "the mirror's certificate is for another host: write the host that it is for into the url"
	brokenHere    = "an object is missing or damaged upstream: run git fsck there"
	otherFormat   = "one repository uses SHA-1, the other SHA-256: create the mirror with the same object format"
)

// ErrOtherFormat says that a mirror's object ids are of another kind than upstream's, so that none
// of them can be known here.
var ErrOtherFormat = &Error{Kind: KindLocal, Hint: otherFormat, Err: errors.New("the mirror has object ids of another kind")}

// failures is read from the top; the first row that is found counts. What no
// row knows is taken for a network failure: trying again does no harm.
var failures = []failure{
	{"host key verification failed", KindHostKey, "put the host's key into the known_hosts of the user who runs this", true},
	{
		"permission denied (", KindAuth,
		"the host takes none of this user's ssh keys: ssh -v shows which it is offered; or name the one to use with ssh_key", true,
	},
	{"could not read username", KindAuth, "the mirror wants a user name and a password; git's credential helper can supply them", true},
	{"could not read password", KindAuth, "the mirror wants a password; git's credential helper can supply it", true},
	{"authentication failed", KindAuth, wrongPassword, true},
	{"the requested url returned error: 401", KindAuth, wrongPassword, true},
	{"the requested url returned error: 403", KindAuth, "the user may not enter that repository, or not write to it", false},
	{".git denied to ", KindAuth, mayNotWrite, false},                                  // GitHub: Permission to OWNER/NAME.git denied to USER
	{"marked as read only", KindAuth, mayNotWrite, false},                              // GitHub, of a deploy key
	{"does not have write access", KindAuth, mayNotWrite, false},                       // GitLab, of a deploy key
	{"you are not allowed to push code to this project", KindAuth, mayNotWrite, false}, // GitLab
	{"deployment key is read-only", KindAuth, mayNotWrite, false},                      // Bitbucket
	{
		"access denied or repository not exported", KindNotFound,
		"create the repository on the mirror; a git daemon wants git-daemon-export-ok and receive-pack enabled in it", false,
	},
	{"service not enabled", KindAuth, "the git daemon does not allow pushes: start it with --enable=receive-pack", false},
	{"does not appear to be a git repository", KindNotFound, noRepository, false},
	{"no such repository", KindNotFound, noRepository, false},
	{"repository not found", KindNotFound, noRepository, false},
	{"the requested url returned error: 30", KindNotFound, "the mirror has moved: correct the url", false},
	{"the requested url returned error: 410", KindNotFound, "the repository was taken off the mirror: correct the url", false},
	{"the requested url returned error: 404", KindNotFound, noRepository, false},
	{"connection refused", KindNetwork, "", true},
	{"failed to connect", KindNetwork, "", true},
	{"could not resolve host", KindNetwork, "", true},
	{"unable to look up", KindNetwork, "", true},
	{"no route to host", KindNetwork, "", true},
	{"network is unreachable", KindNetwork, "", true},
	{"connection timed out", KindNetwork, "", true},
	{"not found", KindNotFound, noRepository, false},
	{"detected dubious ownership", KindLocal, "the mirror's folder belongs to another user: name it in git's safe.directory", false},
	// Debian's git, with GnuTLS, says no more of one that has expired than of one that nobody
	// signed.
	{"certificate has expired", KindHostKey, "the mirror's certificate has expired: it has to be renewed there", true},
	{"does not match target host", KindHostKey, otherHost, true},
	{"no alternative certificate subject name matches", KindHostKey, otherHost, true},
	{"certificate", KindHostKey, "the mirror's certificate has expired, or no authority that this machine trusts has signed it: " +
		"have it renewed, or name the authority's with ca_file", true},
	{"no space left on device", KindNetwork, "a disk is full", false},
	{"bad object", KindLocal, brokenHere, false},
	{"unable to read", KindLocal, brokenHere, false},
	{"(stored in ", KindLocal, brokenHere, false}, // a file that "is corrupt"
	{"revision walk setup failed", KindLocal, brokenHere, false},
	{"failed to traverse parents", KindLocal, brokenHere, false},
	{"hash algorithm", KindLocal, otherFormat, false},
	{"mismatched algorithms", KindLocal, otherFormat, false},
	{"protocol error: unexpected capabilities^{}", KindLocal, otherFormat, false}, // an empty SHA-1 mirror's zero id is too short
	{"the receiving end does not support", KindLocal, "", false},
}

// classify finds the row for what git wrote to stderr. That a host or this machine fails counts
// only in the words of git, curl and ssh: the mirror's are about what is behind its repository.
func classify(stderr string) failure {
	all := strings.ToLower(stderr)
	ours := withoutTheirs(all)
	for _, row := range failures {
		said := all
		if row.host || row.kind == KindLocal {
			said = ours
		}
		if strings.Contains(said, row.text) {
			return row
		}
	}
	return failure{kind: KindNetwork}
}

// linesOf cuts what git wrote to stderr into lines, of which progress ends with CR; none is empty.
func linesOf(stderr string) iter.Seq[string] {
	return strings.FieldsFuncSeq(stderr, func(r rune) bool { return r == '\n' || r == '\r' })
}

// withoutTheirs leaves out what git marks as the mirror's words: lines that begin with "remote:",
// and all from "fatal: remote error:" on, whose text may have any number of lines.
func withoutTheirs(stderr string) string {
	var ours strings.Builder
	for line := range linesOf(stderr) {
		if strings.HasPrefix(line, "fatal: remote error:") {
			break
		}
		if !strings.HasPrefix(line, "remote:") {
			ours.WriteString(line + "\n")
		}
	}
	return ours.String()
}

// hasLine reports whether a line of stderr begins so. Git's mark on the mirror's words keeps them
// apart.
func hasLine(stderr, begin string) bool {
	for line := range linesOf(stderr) {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}
