package git

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// List asks the mirror for its branches and tags, by
//
//	git ls-remote --symref --heads --tags URL
//
// so that a server that speaks protocol version 2 leaves the rest out; its
// symbolic refs are marked. With wantHead it asks without the two flags, since
// only then the mirror tells which branch its HEAD names.
func (s *Scratch) List(ctx context.Context, wantHead bool) (refs Refs, head RefName, err error) {
	args := []string{"ls-remote", "--symref"}
	if !wantHead {
		args = append(args, "--heads", "--tags")
	}
	var out strings.Builder
	_, err = s.reach(ctx, command{args: append(args, "--", s.mirror()), stdout: &out})
	if err != nil {
		return nil, "", err
	}
	if s.to.Reached != nil {
		s.to.Reached()
	}
	return parseLsRemote(out.String())
}

// Redirect tells where a mirror that has moved says it is now: the URL of a repository; "" if
// it does not say. It asks once more, and has git write down the headers of the answers.
func (s *Scratch) Redirect(ctx context.Context) string {
	said, _ := s.reach(ctx, command{
		args: []string{"ls-remote", "--", s.mirror()},
		env:  []string{"GIT_TRACE_CURL=1", "GIT_TRACE_CURL_NO_DATA=1"},
	})
	found := location.FindAllStringSubmatch(said, -1)
	if len(found) == 0 {
		return ""
	}
	to, _, _ := strings.Cut(found[len(found)-1][1], "/info/refs")
	return to
}

// location is how git writes down the header of a redirect.
var location = regexp.MustCompile(`(?i)Recv header:? *location: *(\S+)`)

// parseLsRemote reads the output of
//
//	git ls-remote --symref
//
// keeping branches and tags. The lines of peeled tags (refs/tags/v1^{}) are
// left out.
func parseLsRemote(out string) (refs Refs, head RefName, err error) {
	refs = make(Refs, 0, strings.Count(out, "\n"))
	targets := map[RefName]RefName{}
	for line := range strings.Lines(out) {
		value, ref, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			return nil, "", fmt.Errorf("reading 'git ls-remote': unexpected line %.200q", line)
		}
		name := RefName(ref)
		if target, ok := strings.CutPrefix(value, "ref: "); ok {
			targets[name] = RefName(target)
			continue
		}
		oid, err := ParseOID(value)
		if err != nil {
			return nil, "", fmt.Errorf("reading 'git ls-remote': %w", err)
		}
		if (name.IsBranch() || name.IsTag()) && !strings.HasSuffix(ref, "^{}") {
			refs = append(refs, Ref{Name: name, OID: oid, Symref: targets[name]})
		}
	}
	return Sort(refs), targets["HEAD"], nil
}
