package pushmirror

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// open opens upstream, as a process of its own would.
func (s *site) open() (*Upstream, error) {
	g, err := git.New(s.env)
	if err != nil {
		return nil, err
	}
	repo, err := g.Open(s.path("up.git"))
	if err != nil {
		return nil, err
	}
	return Open(s.t.Context(), repo, s.getenv)
}

// update brings the mirror up to date, as a process of its own would.
func (s *site) update(opt Options) Update {
	s.t.Helper()
	u, err := s.open()
	if err != nil {
		s.t.Error(err)
		return Update{}
	}
	return u.Update(s.t.Context(), u.config.Remotes[0], opt)
}

func TestAMirrorIsListedAgainOnceWhatWasSeenIsOld(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\n")
	s.commit()
	u, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second) // as the state has it
	u.clock = func() time.Time { return now }
	for _, step := range []struct {
		name   string
		later  time.Duration
		listed bool
	}{
		{"at first", 0, true},
		{"as long as verify_every", u.config.VerifyEvery, false},
		{"once it is over", time.Second, true},
		{"with a clock that differs a little", -state.Skew, false},
		{"with one that was set back", -time.Second, true},
	} {
		now = now.Add(step.later)
		if r := u.Update(t.Context(), u.config.Remotes[0], Options{}).Record; r.Status != state.Finished {
			t.Errorf("%s: %s", step.name, r.Error)
		}
		if s.delivered() != step.listed {
			t.Errorf("%s, what somebody deleted there is back: %t", step.name, !step.listed)
		}
		s.git("-C", s.path("m.git"), "update-ref", "-d", "refs/heads/main")
	}
}

func TestAnUpdateThatWaitedPutsNoOlderValueThere(t *testing.T) {
	for name, keep := range map[string]string{"with keep": "true", "without": "false"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\nkeep_divergent_refs = "+keep+"\n")
			s.commit()
			if u := s.update(Options{}); u.Record.Status != state.Finished {
				t.Fatalf("the first update: %s", u.Record.Error)
			}

			// A second update, which lists the mirror, and a third, which builds on what was last
			// seen, have both begun when upstream goes on.
			s.commit()
			waiting := make(chan struct{})
			waits := sync.OnceFunc(func() { close(waiting) })
			third := make(chan Update, 1)
			second := s.update(Options{Fresh: true, Reached: sync.OnceFunc(func() {
				go func() {
					third <- s.update(Options{Waiting: waits})
					waits()
				}()
				<-waiting
				s.commit()
			})})
			newest := s.git("-C", s.path("up.git"), "rev-parse", "main")
			if len(second.Steps) != 1 || string(second.Steps[0].New) != newest {
				t.Errorf("the second update did not bring %s: %s", newest, second.Record.Error)
			}
			if u := <-third; u.Record.Status != state.Finished || len(u.Steps) > 0 {
				t.Errorf("the third found %d refs to do, where all was done: %s", len(u.Steps), u.Record.Error)
			}
			if got := s.git("-C", s.path("m.git"), "rev-parse", "main"); got != newest {
				t.Errorf("the mirror has %s and not %s", got, newest)
			}
		})
	}
}

func TestTheTimeoutBeginsWhenNoOtherUpdateRuns(t *testing.T) {
	t.Parallel()
	const timeout = 4 * time.Second // time enough for an update on a busy machine
	s := newSite(t)
	s.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\ntimeout = %q\n", s.path("m.git"), timeout))
	s.commit()
	dir, err := state.Of(s.path("up.git"), "m")
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := dir.Lock(t.Context(), time.Now, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	u := s.update(Options{Waiting: func() {
		time.AfterFunc(timeout+time.Second/2, func() {
			if err := unlock(); err != nil {
				t.Error(err)
			}
		})
	}})
	if u.Record.Status != state.Finished || !s.delivered() {
		t.Errorf("it ended as %s: %s", u.Record.Status, u.Record.Error)
	}
}

func TestAMarkThatIsMadeDuringAnUpdateOutlivesIt(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\n")
	dir, err := state.Of(s.path("up.git"), "m")
	if err != nil {
		t.Fatal(err)
	}
	push := func() {
		s.commit()
		if err := dir.Mark(state.Push{Time: state.At(time.Now())}); err != nil {
			t.Error(err)
		}
	}
	push()
	if u := s.update(Options{}); u.Record.Status != state.Finished {
		t.Fatalf("the first update: %s", u.Record.Error)
	}
	if _, marked, err := dir.Marked(); marked || err != nil {
		t.Fatalf("a mark is left: %t, %v", marked, err)
	}

	// What is pushed when the plan is made is not in it.
	push()
	u := s.update(Options{Reached: sync.OnceFunc(push)})
	if u.Record.Status != state.Finished || len(u.Steps) != 1 || s.delivered() {
		t.Fatalf("the second update brought what came after its plan, or nothing: %d refs, %s", len(u.Steps), u.Record.Error)
	}
	if _, marked, err := dir.Marked(); !marked || err != nil {
		t.Errorf("the mark is gone: %t, %v", marked, err)
	}
}

// Whoever pushes waits for an update that began no earlier, and the one that takes their mark may
// be the last: it is such a one, although it had the lock before they pushed.
func TestAnUpdateBeganAfterThePushesWhoseMarksItTook(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+s.path("m.git")+"\"\n")
	s.commit()
	dir, err := state.Of(s.path("up.git"), "m")
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	var pushed state.Time // the last of the pushes, one each time that it looks at the clock before it takes the mark
	taken := false
	u.clock = func() time.Time {
		asked := now
		if _, err := os.Lstat(filepath.Join(state.Folder(u.Dir()), "m", ".due-taken")); err == nil {
			taken = true
		}
		if running, err := dir.Running(); err != nil {
			t.Error(err)
		} else if !running.IsZero() && !taken {
			now = now.Add(time.Second)
			pushed = state.At(now)
			if err := dir.Mark(state.Push{Time: pushed}); err != nil {
				t.Error(err)
			}
		}
		return asked
	}
	r := u.Update(t.Context(), u.config.Remotes[0], Options{}).Record
	if _, marked, err := dir.Marked(); marked || err != nil || pushed.IsZero() || !s.delivered() {
		t.Fatalf("the push at %s is still to be dealt with: %t, %v", pushed, marked, err)
	}
	if r.StartedAt.Before(pushed.Time) {
		t.Errorf("it began at %s, and there was a push at %s", r.StartedAt, pushed)
	}
}

func TestWhatAMirrorSaysIsRepeatedWithoutThePassword(t *testing.T) {
	const password = "4-said/back+loud="
	packet := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
	offer := func(service, capabilities string) string {
		return packet("# service="+service+"\n") + "0000" + packet(strings.Repeat("0", 40)+" capabilities^{}\x00"+capabilities+"\n") + "0000"
	}
	logins := map[string]string{
		"a password": "url = \"http://HOST/m.git\"\nusername = \"ada\"\npassword = \"" + password + "\"\n",
		"a token":    "url = \"http://" + url.User(password).String() + "@HOST/m.git\"\n",
	}
	for name, said := range map[string]struct{ login, listing, report string }{
		"a token as an error": {
			login: "a token", listing: packet("# service=git-upload-pack\n") + "0000" + packet("ERR you sent "+password+"\n"),
		},
		"as an error": {listing: packet("# service=git-upload-pack\n") + "0000" + packet("ERR you sent "+password+"\n")},
		"about a ref": {
			listing: offer("git-upload-pack", "agent=x"),
			report:  packet("unpack ok\n") + packet("ng refs/heads/main you sent "+password+"\n") + "0000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := said.listing
				switch {
				case r.Method == http.MethodPost:
					w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
					answer = said.report
				case r.URL.Query().Get("service") == "git-receive-pack":
					w.Header().Set("Content-Type", "application/x-git-receive-pack-advertisement")
					answer = offer("git-receive-pack", "report-status")
				default:
					w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, answer)
			}))
			t.Cleanup(server.Close)
			login := logins[cmp.Or(said.login, "a password")]
			s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\n"+strings.Replace(login, "HOST", server.Listener.Addr().String(), 1))
			s.commit()
			u := s.update(Options{})
			shown := fmt.Sprintf("%+v", u.Record)
			for _, step := range u.Steps {
				shown += fmt.Sprintf("\n%+v", *step)
			}
			if !strings.Contains(shown, "you sent *****") || strings.Contains(shown, password) {
				t.Errorf("the update tells: %s", shown)
			}
			for _, file := range []string{"status.json", "log"} {
				text, err := os.ReadFile(s.path("up.git/push-mirror/m/" + file))
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
				if strings.Contains(string(text), password) {
					t.Errorf("%s tells: %s", file, text)
				}
			}
		})
	}
}
