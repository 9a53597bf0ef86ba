package proof

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// No test can cut the power. But it can see that what has to outlive that is on disk before what
// depends on it is done: the mark before the hook ends, the log before the push that drops
// something, the record before the mark goes.
func TestWhatHasToOutliveAPowerFailureIsOnDiskFirst(t *testing.T) {
	s := newFaultSite(t)
	for _, name := range []string{"up.git/push-mirror", "state"} { // so that all is made anew
		s.check(os.RemoveAll(s.path(name)))
	}
	const m = "up.git/push-mirror/m"
	hook := s.meet(faulty{"hook", []string{"hook"}, true}, 0, fault{})
	s.inOrder(hook.calls, "mkdir up.git/push-mirror", "sync up.git", "mkdir "+m, "sync up.git/push-mirror",
		"write "+m+"/*", "rename "+m+"/.due", "sync "+m)
	s.inOrder(hook.calls, "mkdir state/*", "rename state/repositories", "sync state",
		"write state/repositories/*", "sync state/repositories/*", "rename state/repositories/*", "sync state/repositories")
	worker := s.meet(faulty{"worker", []string{"worker", "--until-idle"}, false}, 0, fault{})
	s.inOrder(worker.calls, "open "+m+"/log", "sync "+m, "write "+m+"/log", "sync "+m+"/log", "start a process", "write "+m+"/log")
	s.inOrder(worker.calls, "write "+m+"/*", "sync "+m+"/*", "rename "+m+"/status.json", "unlink "+m+"/.due-taken")
	s.settle(false)
}

// passing are the parts of names that differ each time.
var passing = regexp.MustCompile(`\.new-[^/]*$|[0-9a-f]{32}$`)

// inOrder checks that calls were made in this order, whatever else was in between.
func (s *faultSite) inOrder(calls []call, want ...string) {
	s.t.Helper()
	var made []string
	left := want
	for _, c := range calls {
		c.path = passing.ReplaceAllString(strings.TrimPrefix(c.path, s.dir+"/"), "*")
		made = append(made, c.String())
		if len(left) > 0 && c.String() == left[0] {
			left = left[1:]
		}
	}
	if len(left) > 0 {
		s.t.Errorf("%q is not done after %q, but\n%s", left[0], want[:len(want)-len(left)], strings.Join(made, "\n"))
	}
}
