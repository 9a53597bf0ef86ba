package pushmirror

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/git"
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

func TestAFirstUpdateOfAMirrorThatHoldsSomething(t *testing.T) {
	for name, c := range map[string]struct {
		there string // run in a clone of the mirror, which holds up.git's first commit as main
		want  []string
		said  string
	}{
		"nothing": {
			there: "git -C $M update-ref -d refs/heads/main",
			want:  []string{"a/b created", "main created", "same created", "v1 created"},
		},
		"some of it": {
			there: "git push --quiet origin main:same; git fetch --quiet $UP a/b; git push --quiet origin FETCH_HEAD:refs/heads/a/b",
			want:  []string{"main updated", "same updated", "v1 created"},
		},
		"all of it": {there: "git -C $UP push --quiet --mirror $M"},
		"a branch that upstream lacks": {
			there: "git push --quiet origin main:other",
			want:  []string{"a/b created", "main updated", "same created", "v1 created"},
		},
		"work of its own": {
			there: "git commit --quiet --allow-empty -m theirs; git push --quiet origin main",
			want:  []string{"a/b created", "main divergent", "same created", "v1 created"},
			said:  "1 ref has diverged",
		},
		"another tag": {
			there: "git commit --quiet --allow-empty -m theirs; git tag v1; git push --quiet origin v1",
			want:  []string{"a/b created", "main updated", "same created", "v1 divergent"},
			said:  "1 ref has diverged",
		},
		"a tag that moved on": {
			there: "git tag v1; git push --quiet origin v1",
			want:  []string{"a/b created", "main updated", "same created", "v1 updated"},
		},
		"a ref in the way": {
			there: "git push --quiet origin main:a",
			want:  []string{"a/b rejected", "main updated", "same created", "v1 created"},
			said:  "refs/heads/a is in its way on the mirror",
		},
		"a symbolic ref to a branch that upstream lacks": {
			there: "git push --quiet origin main:other; git -C $M symbolic-ref refs/heads/same refs/heads/other",
			want:  []string{"a/b created", "main updated", "same rejected", "v1 created"},
			said:  "it is a symbolic ref on the mirror",
		},
		"a symbolic ref": {
			there: "git -C $M symbolic-ref refs/heads/same refs/heads/main",
			want:  []string{"a/b created", "main updated", "same rejected", "v1 created"},
			said:  "it is a symbolic ref on the mirror",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\n")
			up := s.path("up.git")
			s.commit()
			s.git("-C", up, "push", "--quiet", s.path("m.git"), "main")
			s.commit()
			s.git("-C", up, "branch", "same")
			s.git("-C", up, "tag", "v1")
			s.commit()
			s.git("-C", up, "branch", "a/b")
			s.git("clone", "--quiet", s.path("m.git"), s.path("theirs"))
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", c.there)
			cmd.Dir, cmd.Env = s.path("theirs"), append(slices.Clone(s.env), "UP="+up, "M="+s.path("m.git"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			was := map[git.RefName]git.OID{}
			for line := range strings.Lines(s.git("-C", s.path("m.git"), "for-each-ref", "--format=%(refname) %(objectname)") + "\n") {
				name, oid, _ := strings.Cut(strings.TrimSpace(line), " ")
				was[git.RefName(name)] = git.OID(oid)
			}

			u := s.update(Options{})
			if !slices.Equal(results(u), c.want) || !strings.Contains(u.Record.Error, c.said) || (u.Record.Error == "") != (c.said == "") {
				t.Errorf("%q: %q", results(u), u.Record.Error)
			}
			for _, step := range u.Steps {
				if step.Old != was[step.Name] && step.Result != plan.Rejected {
					t.Errorf("%s was %q there, and is told to have been %q", step.Name, was[step.Name], step.Old)
				}
			}
			if again := s.update(Options{}).Record; again.Status != u.Record.Status || again.Error != u.Record.Error {
				t.Errorf("then: %q, and %q before", again.Error, u.Record.Error)
			}
		})
	}
}

// Of a mirror that could not be reached nothing is known then.
func TestAFirstUpdateThatFailsLeavesNothingKnown(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("gone.git")+"\"\n")
	s.commit()
	if u := s.update(Options{}); u.Record.Kind != git.KindNotFound {
		t.Errorf("the first update: %+v", u.Record)
	}
	if _, err := os.Stat(s.path("up.git/push-mirror/m/seen")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was seen: %v", err)
	}
}

// The mirror took the ref and did not say so. It is ours still.
func TestAPushThatWasNotAnsweredIsRemembered(t *testing.T) {
	for name, known := range map[string]bool{"of a mirror that is known": true, "the first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\nfollow_rewrites = true\n")
			s.commit()
			if known {
				s.update(Options{})
			}
			s.commit()
			s.mirrorHook("reference-transaction", `[ $1 != committed ] || kill -9 $PPID`)
			if u := s.update(Options{}); u.Record.Kind != git.KindNetwork {
				t.Fatalf("it was answered: %+v", u.Record)
			}
			s.mirrorHook("reference-transaction", "exit 0")
			s.git("-C", s.path("up.git"), "update-ref", "refs/heads/main", "main^")
			s.env = append(s.env, "GIT_COMMITTER_DATE=2020-01-01T00:00:00Z")
			s.commit()
			if u := s.update(Options{}); !slices.Equal(results(u), []string{"main forced"}) {
				t.Errorf("%q: %s", results(u), u.Record.Error)
			}
		})
	}
}
