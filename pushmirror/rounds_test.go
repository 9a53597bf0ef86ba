package pushmirror

import (
	"os"
	"slices"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// results are what an update did, ref by ref.
func results(u Update) (all []string) {
	for _, s := range u.Steps {
		all = append(all, s.Name.Short()+" "+string(s.Result))
	}
	return all
}

// mirrorHook makes a hook of the mirror's.
func (s *site) mirrorHook(name, script string) {
	s.t.Helper()
	s.write("m.git/hooks/"+name, "#!/bin/sh\n"+script+"\n")
	if err := os.Chmod(s.path("m.git/hooks/"+name), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// The mirror refuses a, and puts it there itself, while b disappears, which calls for another
// round. By then nothing is wrong with a any more.
func TestARefusedRefThatIsThereInALaterRoundIsNotRefused(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\n")
	s.commit()
	s.git("-C", s.path("up.git"), "branch", "a")
	s.git("-C", s.path("up.git"), "branch", "b")
	if u := s.update(Options{}); u.Record.Status != state.Finished {
		t.Fatalf("the first update: %s", u.Record.Error)
	}
	s.commit()
	for _, name := range []string{"a", "b"} {
		s.git("-C", s.path("up.git"), "branch", "--force", name, "main")
	}
	s.mirrorHook("update", `if [ $1 = refs/heads/a ] && [ ! -e once ]; then : >once; git update-ref $1 $3; git update-ref -d refs/heads/b; exit 1; fi`)
	u := s.update(Options{})
	if u.Record.Status != state.Finished || !slices.Equal(results(u), []string{"b created", "main updated"}) {
		t.Errorf("%q: %s", results(u), u.Record.Error)
	}
}

// The mirror's HEAD was switched since it was listed.
func TestABranchThatTheMirrorTurnsOutToNeedIsKept(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml",
		"[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\nkeep_divergent_refs = false\nprune = \"all\"\n")
	s.commit()
	s.git("-C", s.path("up.git"), "branch", "old")
	if u := s.update(Options{}); u.Record.Status != state.Finished {
		t.Fatalf("the first update: %s", u.Record.Error)
	}
	s.git("-C", s.path("m.git"), "symbolic-ref", "HEAD", "refs/heads/old")
	s.git("-C", s.path("up.git"), "branch", "-D", "old")
	s.commit()
	tried := 0 // as the log tells, before each push
	for i, want := range [][]string{{"main updated", "old kept"}, {"old kept"}} {
		u := s.update(Options{})
		if u.Record.Status != state.Finished || !slices.Equal(results(u), want) {
			t.Errorf("%q: %s", results(u), u.Record.Error)
		}
		for _, step := range u.Steps {
			if step.Result == plan.Kept && step.Reason != plan.NamedByHead {
				t.Errorf("it is kept since %q", step.Reason)
			}
		}
		text, err := os.ReadFile(s.path("up.git/push-mirror/m/log"))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "refs/heads/old"); i == 0 {
			tried = n
		} else if n != tried {
			t.Error("its deletion is tried again")
		}
	}
	s.git("-C", s.path("m.git"), "rev-parse", "--verify", "refs/heads/old")
}
