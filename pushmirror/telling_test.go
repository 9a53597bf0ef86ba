package pushmirror

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// notified is a repository whose one remote's notices go to the file notice.
func (s *site) notified() (*Upstream, config.Remote) {
	s.t.Helper()
	s.write("up.git/push-mirror.toml", fmt.Sprintf("[notify]\ncommand = [\"/bin/sh\", \"-c\", \"cat >$0\", %q]\n[[remote]]\nname = \"m\"\nurl = %q\n",
		s.path("notice"), s.path("m.git")))
	u, err := s.open()
	if err != nil {
		s.t.Fatal(err)
	}
	remote, _ := u.remote("m")
	return u, remote
}

func TestWhatWasToldOfAnotherEpisodeLeavesThisOneUntold(t *testing.T) {
	s := newSite(t)
	u, remote := s.notified()
	now := state.Record{Status: state.Failed, Told: true, Untold: string(EventFailed), ToldHost: "http://h", FailingSince: state.At(u.clock())}
	otherHost, otherTime := now, now
	otherHost.ToldHost = ""
	otherTime.FailingSince = state.Time{}
	for name, test := range map[string]struct {
		told state.Record
		want string
	}{
		"of the remote alone":   {otherHost, string(EventFailed)},
		"of an earlier failure": {otherTime, string(EventFailed)},
		"of this very one":      {now, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := state.Of(u.Dir(), remote.Name)
			if err != nil {
				t.Fatal(err)
			}
			unlock, err := dir.Lock(t.Context(), u.clock, func() error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if err := dir.WriteRecord(now); err != nil {
				t.Fatal(err)
			}
			if err := unlock(); err != nil {
				t.Fatal(err)
			}
			if err := u.told(t.Context(), Update{Remote: remote, Record: test.told}); err != nil {
				t.Fatal(err)
			}
			if r, err := dir.Record(); err != nil || r.Untold != test.want {
				t.Errorf("untold is %q, %v", r.Untold, err)
			}
		})
	}
}

func TestAFailureThatNoRecordHadIsNotOverWhenTheNextOneIsRecorded(t *testing.T) {
	s := newSite(t)
	u, remote := s.notified()
	shift := newShift(s.worker(s.queue()))
	key := worker.Key{Repository: u.Dir(), Remote: remote.Name}
	shift.unkept[key] = true
	shift.notifyIfDue(t.Context(), key, endedUpdate{Update{Remote: remote, Record: state.Record{Status: state.ToRetry}}, u})
	if len(shift.telling) > 0 {
		<-shift.told
		t.Error("it was told to have recovered")
	}
}

func TestAListOfWorkThatCannotBeReadIsLoggedOnce(t *testing.T) {
	s := newSite(t)
	q := s.queue()
	shift := newShift(s.worker(q))
	pending := filepath.Join(s.path("state"), "work")
	if err := os.RemoveAll(pending); err != nil {
		t.Fatal(err)
	}
	s.write("state/work", "no folder")
	shift.takeWork()
	shift.takeWork()
	if n := len(s.logs.AllEntries()); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestALookAroundBeginsWithWhatIsMarked(t *testing.T) {
	s := newSite(t)
	q := s.queue()
	var first string
	for _, name := range []string{"a.git", "b.git", "c.git"} {
		s.git("init", "--quiet", "--bare", "--initial-branch=main", s.path(name))
		s.write(name+"/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\n", s.path("m.git")))
		tree := s.git("-C", s.path(name), "mktree")
		s.git("-C", s.path(name), "update-ref", "refs/heads/main", s.git("-C", s.path(name), "commit-tree", "-m", "x", tree))
		if err := q.AddKnown(s.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	known, err := q.Known()
	if err != nil || len(known) != 3 {
		t.Fatal(known, err)
	}
	dir, err := state.Of(known[2], "m")
	if err != nil {
		t.Fatal(err)
	}
	shift := newShift(s.worker(q))
	if err := dir.Mark(state.Push{Time: state.At(shift.clock())}); err != nil {
		t.Fatal(err)
	}
	go shift.lookAround(t.Context(), nil)
	for range known {
		if f := <-shift.found; first == "" {
			first = f.repository
		}
	}
	<-shift.looked
	if first != known[2] {
		t.Errorf("it began with %s", first)
	}
}
