package git

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// List asks the mirror for its branches and tags, by
//
//	git ls-remote --symref --heads --tags URL
//
// so that a server that speaks protocol version 2 sends no others; symbolic refs are marked. With
// wantHead it asks without the last two flags, since only then does the mirror tell which branch
// its HEAD names: head, else "". An empty mirror on this machine, as a new repository's mostly is,
// is not asked: its folders show the same in a hundredth of the time.
func (s *Scratch) List(ctx context.Context, wantHead bool) (refs Refs, head RefName, err error) {
	if filepath.IsAbs(s.to.URL) {
		if mirror := s.git.bareAt(s.to.URL); mirror != nil && mirror.isEmpty() {
			s.to.Known = nil
			return nil, "", nil
		}
	}
	args := []string{"ls-remote", "--symref"}
	if !wantHead {
		args = append(args, "--heads", "--tags")
	}
	l := lsRemote{refList: refList{known: s.to.Known, refs: make(Refs, 0, len(s.to.Known))}, targets: map[RefName]RefName{}}
	out := lines{each: l.line}
	if _, err = s.reach(ctx, command{args: append(args, "--", s.mirror()), stdout: &out}); err != nil {
		return nil, "", err
	}
	if s.to.Reached != nil {
		s.to.Reached()
	}
	if err := out.close(); err != nil {
		return nil, "", err
	}
	s.to.Known = Sort(l.refs)
	return s.to.Known, l.targets["HEAD"], nil
}

// Redirect returns the URL of the repository to which a mirror that has moved redirects; "" if it
// does not say. It asks once more, and has git trace the headers of the answers.
func (s *Scratch) Redirect(ctx context.Context) string {
	said, _ := s.reach(ctx, command{
		args: []string{"ls-remote", "--", s.mirror()},
		env:  []string{"GIT_TRACE_CURL=1", "GIT_TRACE_CURL_NO_DATA=1"},
	})
	found := location().FindAllStringSubmatch(said, -1)
	if len(found) == 0 {
		return ""
	}
	to, _, _ := strings.Cut(found[len(found)-1][1], "/info/refs")
	return to
}

// location matches the header of a redirect in git's trace.
var location = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)Recv header:? *location: *(\S+)`) })
