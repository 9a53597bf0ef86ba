package pushmirror

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// decline makes a mirror that may decline a push: a shell script decides, which has the branches in
// $refs.
func (s *site) decline(script string) {
	s.t.Helper()
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\n")
	s.write("m.git/hooks/pre-receive", "#!/bin/sh\necho >>pushes\nrefs=$(cut -d ' ' -f 3 | cut -d / -f 3-)\n"+script+"\n")
	if err := os.Chmod(s.path("m.git/hooks/pre-receive"), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// pushes is how many the mirror was asked to take.
func (s *site) pushes() int {
	s.t.Helper()
	text, err := os.ReadFile(s.path("m.git/pushes"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// branch has branches of upstream be where main is.
func (s *site) branch(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.git("-C", s.path("up.git"), "update-ref", "refs/heads/"+name, "main")
	}
}

func rejected(r state.Record) (names []string) {
	for _, refusal := range r.Rejected {
		names = append(names, refusal.Name.Short())
	}
	return names
}

func TestTheGuiltyAreFoundInFewPushes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		without string // the default branch, which is on the mirror already
		refs    int
		script  string
		guilty  []string
		pushes  int
	}{
		"it names one at a time": {
			"main", 12, `for ref in $refs; do case $ref in r02 | r07 | r11) echo "$ref is protected" >&2; exit 1; esac; done`,
			[]string{"r02", "r07", "r11"},
			7,
		},
		"it names all there are, by their full names": {
			"main", 2, `for ref in $refs; do echo "no refs/heads/$ref."; done >&2; exit 1`, []string{"r00", "r01"}, 3,
		},
		"it declines one, which is none of the first half": {
			"main", 4, `case $refs in *r03*) exit 1; esac`, []string{"r03"}, 4,
		},
		"it takes one at a time":                         {"main", 2, `[ $(echo "$refs" | wc -l) = 1 ]`, nil, 3},
		"it takes one at a time, and the default branch": {"", 1, `[ $(echo "$refs" | wc -l) = 1 ]`, nil, 3},
		"it declines the default branch alone": {
			"", 2, `case $refs in *main*) exit 1; esac`, []string{"main"}, 3,
		},
		"it declines the default branch and the last": {
			"", 4, `case $refs in *main* | *r03*) exit 1; esac`, []string{"main", "r03"}, 8,
		},
		"it declines everything": {"", 4, `exit 1`, []string{"main", "r00", "r01", "r02", "r03"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.commit()
			if c.without != "" {
				s.git("-C", s.path("up.git"), "push", "--quiet", s.path("m.git"), c.without)
			}
			for i := range c.refs {
				s.branch(fmt.Sprintf("r%02d", i))
			}
			s.decline(c.script)
			u := s.update(Options{})
			if got := rejected(u.Record); !slices.Equal(got, c.guilty) {
				t.Errorf("%q are refused: %s", got, u.Record.Error)
			}
			if there := s.git("-C", s.path("m.git"), "for-each-ref"); strings.Count(there, "refs/")+len(c.guilty) != c.refs+1 {
				t.Errorf("the mirror has\n%s", there)
			}
			if got := s.pushes(); got != c.pushes {
				t.Errorf("it takes %d pushes", got)
			}
		})
	}
}

// Promise 4: what a mirror takes is delivered, and the time for that is not all spent on a search.
func TestTheSearchForTheGuiltyMayTakeHalfOfTheTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		share  float64
		pushes int
		status state.Status
	}{
		"less": {0.4, 4, state.Failed}, "more": {0.6, 1, state.ToRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.commit()
			s.git("-C", s.path("up.git"), "push", "--quiet", s.path("m.git"), "main")
			s.branch("r00", "r01", "r02", "r03")
			s.decline(`case $refs in *r03*) exit 1; esac`)
			u, err := s.open()
			if err != nil {
				t.Fatal(err)
			}
			remote, began := u.config.Remotes[0], time.Now()
			remote.Timeout = 30 * time.Minute // a failure that lasts for longer is no passing one
			u.clock = func() time.Time {
				if _, err := os.Stat(s.path("m.git/pushes")); err != nil {
					return began
				}
				return began.Add(time.Duration(c.share * float64(remote.Timeout)))
			}
			r := u.Update(t.Context(), remote, Options{}).Record
			if got := s.pushes(); got != c.pushes || r.Status != c.status {
				t.Errorf("after %d pushes it is %s: %s", got, r.Status, r.Error)
			}
		})
	}
}

// A lock that a mirror could not get is no fault of the ref's: it does not go alone from then on,
// and is tried again soon.
func TestARefThatIsDeclinedForTroubleThereIsNotGuilty(t *testing.T) {
	step := &plan.Step{Name: "refs/heads/main"}
	for _, passing := range []bool{true, false} {
		s := &search{attempt: &attempt{refused: map[git.RefName]*plan.Step{}}, last: declined{passing: passing}}
		s.guilty(step)
		if got := s.refused[step.Name]; got.Passing != passing || got.Guilty == passing {
			t.Errorf("if it is passing (%t): %+v", passing, got)
		}
	}
}

func TestRefsThatAMirrorNamesAreFoundInItsText(t *testing.T) {
	steps := []*plan.Step{{Name: "refs/heads/a"}, {Name: "refs/heads/b/c"}, {Name: "refs/tags/v1.0"}}
	for text, want := range map[string][]git.RefName{
		"":                                     nil,
		"remote: a is protected":               {"refs/heads/a"},
		"remote: error: refs/heads/b/c: no":    {"refs/heads/b/c"},
		"remote: you must not push v1.0.":      {"refs/tags/v1.0"},
		"remote: not 'b/c', \"refs/heads/a\"!": {"refs/heads/a", "refs/heads/b/c"},
		"remote: (v1.0)\rremote: [b/c]":        {"refs/heads/b/c", "refs/tags/v1.0"},
		"remote: v1 and b and refs/heads":      nil,
		"remote: may I push <a>?":              {"refs/heads/a"},
	} {
		named, others := divide(steps, text)
		var got []git.RefName
		for _, s := range named {
			got = append(got, s.Name)
		}
		if !slices.Equal(got, want) || len(named)+len(others) != len(steps) {
			t.Errorf("%q names %q, and %d others", text, got, len(others))
		}
	}
}
