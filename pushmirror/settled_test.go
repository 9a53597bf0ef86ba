package pushmirror

import (
	"fmt"
	"testing"

	"git-push-mirror/pushmirror/git"
)

// Promise 7: a mirror that is to have more refs, or fewer, than it was given is behind at once.
func TestWhatAChangedConfigAdmitsIsPending(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		top, before, after string
		topAfter           string
		want               git.RefName
	}{
		"a branch that is protected now": {
			top: `protected_branches = ["main"]`, topAfter: `protected_branches = ["main", "topic"]`, want: "refs/heads/topic",
		},
		"those that are not protected": {
			top: `protected_branches = ["main"]`, topAfter: `protected_branches = ["main"]`,
			after: "only_protected_branches = false", want: "refs/heads/topic",
		},
		"a branch that the regex matches now": {
			before: `mirror_branch_regex = "main"`, after: `mirror_branch_regex = "main|topic"`, want: "refs/heads/topic",
		},
		"tags": {before: `tags = "none"`, want: "refs/tags/v1"},
		"what is to be deleted": {
			after: `prune = "merged"`, want: "refs/heads/gone",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.commit()
			s.git("-C", s.path("up.git"), "push", "--quiet", s.path("m.git"), "main:gone")
			s.branch("topic")
			s.git("-C", s.path("up.git"), "tag", "v1", "main")
			write := func(top, remote string) {
				s.write("up.git/push-mirror.toml", fmt.Sprintf("%s\n[[remote]]\nname = \"m\"\nurl = %q\n%s\n", top, s.path("m.git"), remote))
			}
			write(c.top, c.before)
			if r := s.update(Options{}).Record; r.Settled == "" {
				t.Fatalf("it is not settled: %+v", r)
			}
			write(c.topAfter, c.after)
			u, err := s.open()
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Status(t.Context(), u.config.Remotes[0]).Pending; len(got) != 1 || got[0] != c.want {
				t.Errorf("pending is %q", got)
			}
		})
	}
}
