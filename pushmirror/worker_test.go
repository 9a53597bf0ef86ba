package pushmirror

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/worker"
)

// site is a machine: a home, an upstream and a mirror, and a clock that a test sets.
type site struct {
	t    *testing.T
	dir  string
	env  []string
	now  atomic.Int64 // seconds
	logs *logtest.Hook
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	s.now.Store(time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC).Unix())
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "GIT_CONFIG_NOSYSTEM=1", "PUSH_MIRROR_CONFIG=" + s.path("config.toml"),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
	}
	s.write("config.toml", "")
	s.write("home/.gitconfig", "[credential]\n\thelper = store\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")
	for _, name := range []string{"up.git", "m.git"} {
		s.git("init", "--quiet", "--bare", "--initial-branch=main", s.path(name))
	}
	s.git("-C", s.path("m.git"), "config", "http.receivepack", "true")
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) git(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "git", args...)
	cmd.Env, cmd.Stdin = s.env, strings.NewReader("")
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("git %q: %v", args, err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (s *site) getenv(key string) string {
	for _, kv := range s.env {
		if value, ok := strings.CutPrefix(kv, key+"="); ok {
			return value
		}
	}
	return ""
}

// commit adds a commit to upstream's main, with no hook.
func (s *site) commit() {
	s.t.Helper()
	up := s.path("up.git")
	args := []string{"-C", up, "commit-tree", "-m", "x", s.git("-C", up, "mktree")}
	if main := s.git("-C", up, "for-each-ref", "--format=%(objectname)", "refs/heads/main"); main != "" {
		args = append(args, "-p", main)
	}
	s.git("-C", up, "update-ref", "refs/heads/main", s.git(args...))
}

// serve serves the mirror over http to whoever knows the password.
func (s *site) serve(password string) (url string) {
	s.t.Helper()
	backend := filepath.Join(s.git("--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		s.t.Fatalf("%v: run make test as root, or apt-get install git", err)
	}
	handler := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + s.dir, "GIT_HTTP_EXPORT_ALL=1"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="mirror"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Set("Remote-User", "ada")
		handler.ServeHTTP(w, r)
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}

// credential is what the user's git knows.
func (s *site) credential(url, password string) {
	s.write("home/.git-credentials", strings.Replace(url, "://", "://ada:"+password+"@", 1)+"\n")
}

func (s *site) queue() *queue.Queue {
	s.t.Helper()
	q, err := queue.Open(s.path("state"))
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

func (s *site) worker(q *queue.Queue) *Worker {
	s.t.Helper()
	g, err := git.New(s.env)
	if err != nil {
		s.t.Fatal(err)
	}
	log, hook := logtest.NewNullLogger()
	s.logs = hook
	return &Worker{
		Git: g, Getenv: s.getenv, Queue: q, UntilIdle: true, Log: log, Limits: worker.Limits{Concurrent: 4, PerHost: 4},
		clock: func() time.Time { return time.Unix(s.now.Load(), 0) },
	}
}

// work starts a worker with the site's clock. It returns a function that waits for its end.
func (s *site) work() (wait func()) {
	s.t.Helper()
	q := s.queue()
	if err := q.Add(s.path("up.git")); err != nil {
		s.t.Fatal(err)
	}
	w := s.worker(q)
	var done sync.WaitGroup
	done.Go(func() {
		if err := w.Run(s.t.Context()); err != nil && s.t.Context().Err() == nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(done.Wait)
	return done.Wait
}

// events are the events that were logged, in order.
func (s *site) events() []string {
	var events []string
	for _, entry := range s.logs.AllEntries() {
		if event, ok := entry.Data["event"]; ok {
			events = append(events, string(event.(Event)))
		}
	}
	return events
}

// attempts is how many updates were made.
func (s *site) attempts() int {
	n := 0
	for _, entry := range s.logs.AllEntries() {
		if _, ok := entry.Data["duration"]; ok && entry.Data["event"] == nil {
			n++
		}
	}
	return n
}

func (s *site) until(what string, condition func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within 30 seconds: %s", what)
		}
	}
}

func (s *site) delivered() bool {
	cmd := exec.CommandContext(s.t.Context(), "git", "-C", s.path("m.git"), "rev-parse", "--verify", "--quiet", "main")
	cmd.Env = s.env
	out, err := cmd.Output()
	return err == nil && strings.TrimSpace(string(out)) == s.git("-C", s.path("up.git"), "rev-parse", "main")
}

func TestAWeekendWithAWrongTokenIsToldOnceAndDeliveredAfterwards(t *testing.T) {
	s := newSite(t)
	url := s.serve("right")
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+url+"/m.git\"\nretry_max = \"4h\"\n")
	if err := os.Chtimes(s.path("up.git/push-mirror.toml"), time.Unix(s.now.Load(), 0), time.Unix(s.now.Load()-1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(s.path("config.toml"), time.Unix(s.now.Load(), 0), time.Unix(s.now.Load()-1, 0)); err != nil {
		t.Fatal(err)
	}
	s.commit()
	s.credential(url, "wrong")
	wait := s.work()
	const step = 5 * time.Hour // longer than retry_max with its jitter
	for attempts := 1; attempts <= 12; attempts++ {
		s.until("another attempt", func() bool { return s.attempts() == attempts })
		s.credential(url, "wrong") // git has taken a credential off that was refused
		if s.delivered() {
			t.Fatal("delivered with the wrong token")
		}
		if attempts == 12 {
			s.credential(url, "right")
		}
		s.now.Add(int64(step.Seconds()))
	}
	s.until("the delivery", s.delivered)
	wait()
	if got := strings.Join(s.events(), " "); got != "failed recovered" {
		t.Errorf("the events are %q", got)
	}
}

func TestATemporaryFailureBacksOffAndCountsAsFailedWhenItLasts(t *testing.T) {
	s := newSite(t)
	// Nobody listens on the port of a server that is gone.
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s.write("up.git/push-mirror.toml", "[[remote]]\nname = \"m\"\nurl = \""+server.URL+"/m.git\"\nfail_after = \"30m\"\n")
	past := time.Unix(s.now.Load()-1, 0)
	for _, name := range []string{"up.git/push-mirror.toml", "config.toml"} {
		if err := os.Chtimes(s.path(name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	s.commit()
	s.work()
	const step = 7 * time.Minute // longer than the longest back-off with its jitter
	for attempts := 1; attempts <= 5; attempts++ {
		s.until("another attempt", func() bool { return s.attempts() == attempts })
		if failed := len(s.events()) > 0; failed {
			t.Fatalf("failed at attempt %d", attempts)
		}
		s.now.Add(int64(step.Seconds()))
	}
	s.until("the failure", func() bool { return len(s.events()) > 0 })
	if got := strings.Join(s.events(), " "); got != "failed" {
		t.Errorf("the events are %q", got)
	}
	for _, entry := range s.logs.AllEntries() {
		if entry.Level == logrus.ErrorLevel {
			t.Errorf("an error in the log: %s", entry.Message)
		}
	}
}

func TestWhatComesJustBeforeTheLockIsLetGoIsTakenUp(t *testing.T) {
	s := newSite(t)
	q := s.queue()
	w := s.worker(q)
	w.clock = func() time.Time { return time.Unix(s.now.Add(10), 0) }
	left := 20
	w.Replaced = func() bool { // asked between the look for work and the look whether any is left
		if left--; left >= 0 {
			if err := q.Add(s.path("up.git")); err != nil {
				t.Error(err)
			}
		}
		return false
	}
	if err := w.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if more, err := q.HasWork(); more || err != nil {
		t.Errorf("work is left: %t, %v", more, err)
	}
}

func TestAWorkerThatEndsPutsAllThatItHadBackIntoTheQueue(t *testing.T) {
	s := newSite(t)
	q := s.queue()
	shift := newShift(s.worker(q))
	waits := worker.Task{Key: worker.Key{Repository: "/waits.git", Remote: "m"}}
	runs := worker.Task{Key: worker.Key{Repository: "/runs.git", Remote: "m"}}
	shift.schedule.Add(waits)
	shift.started[runs.Key] = runs
	shift.entered, shift.broken["/broken.git"] = []string{"/entered.git"}, "no TOML"
	go func() { shift.ended <- ended{task: runs} }()
	if err := shift.handBack(); err != nil {
		t.Error(err)
	}
	if got, err := q.Take(); err != nil || strings.Join(got, " ") != "/broken.git /entered.git /runs.git /waits.git" {
		t.Errorf("the queue has %q, %v", got, err)
	}
}

func TestAConfigThatCannotBeReadIsLookedAtAgainAtOnce(t *testing.T) {
	s := newSite(t)
	q := s.queue()
	s.write("up.git/push-mirror.toml", "no TOML")
	task := worker.Task{Key: worker.Key{Repository: s.path("up.git"), Remote: "m"}}
	if e := newShift(s.worker(q)).update(t.Context(), task, nil, nil); !e.end.Done {
		t.Errorf("the task is kept, until %s", e.end.Retry)
	}
	if more, err := q.HasWork(); !more || err != nil {
		t.Errorf("nobody looks again: %t, %v", more, err)
	}
}

func TestANoticeOfAHostTellsHowManyRepositoriesWaitForIt(t *testing.T) {
	s := newSite(t)
	const url = "http://127.0.0.1:1/m.git" // where nobody listens
	s.write("up.git/push-mirror.toml", fmt.Sprintf("[notify]\ncommand = [\"/bin/sh\", \"-c\", \"cat >$0\", %q]\n[[remote]]\nname = \"m\"\nurl = %q\nfail_after = \"1ms\"\n",
		s.path("notice"), url))
	s.commit()
	failed := endedUpdate{Update: s.update(Options{})}
	var err error
	if failed.upstream, err = s.open(); err != nil {
		t.Fatal(err)
	}
	shift := newShift(s.worker(s.queue()))
	for _, task := range []worker.Task{
		{Key: worker.Key{Repository: "/second.git", Remote: "a"}, Host: "http://127.0.0.1:1"},
		{Key: worker.Key{Repository: "/second.git", Remote: "b"}, Host: "http://127.0.0.1:1"},
		{Key: worker.Key{Repository: "/third.git", Remote: "m"}, Host: "http://127.0.0.1:1"},
		{Key: worker.Key{Repository: "/elsewhere.git", Remote: "m"}, Host: "http://127.0.0.1:2"},
	} {
		shift.schedule.Add(task)
	}
	shift.tell(t.Context(), failed)
	<-shift.told
	notice, err := os.ReadFile(s.path("notice"))
	if err != nil || !strings.Contains(string(notice), `"host":"http://127.0.0.1:1","repositories":3,`) {
		t.Errorf("the notice is %s, %v", notice, err)
	}
}

func TestARemoteThatIsSwitchedOffWhileItWaitsGetsNothing(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\nenabled = false\n", s.path("m.git")))
	s.commit()
	task := worker.Task{Key: worker.Key{Repository: s.path("up.git"), Remote: "m"}}
	if e := newShift(s.worker(s.queue())).update(t.Context(), task, nil, nil); e.update != nil || s.delivered() {
		t.Error("it was updated")
	}
}

func TestWhatWasDeliveredWhileItWaitedIsNotUpdatedAgain(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\n", s.path("m.git")))
	s.commit()
	s.update(Options{}) // as a sync does
	w := s.worker(s.queue())
	w.clock = time.Now
	task := worker.Task{Key: worker.Key{Repository: s.path("up.git"), Remote: "m"}}
	if e := newShift(w).update(t.Context(), task, nil, nil); e.update != nil || !e.end.Done || !s.delivered() {
		t.Errorf("it ended with %+v", e)
	}
}

func TestAConfigThatIsChangedJustBeforeAnUpdateStartsHolds(t *testing.T) {
	s := newSite(t)
	remote := func(url string) {
		s.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\n", url))
	}
	remote(s.path("former.git"))
	s.commit()
	former, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	remote(s.path("m.git"))
	task := worker.Task{Key: worker.Key{Repository: s.path("up.git"), Remote: "m"}}
	shift := newShift(s.worker(s.queue()))
	shift.schedule.Add(task)
	shift.start(t.Context(), found{upstream: former, tasks: []worker.Task{task}, changed: former.config.Modified.Add(-time.Second)})
	<-shift.ended
	if !s.delivered() {
		t.Error("the update was made by the former config")
	}
}

func TestBackOffDoublesUpToItsBound(t *testing.T) {
	for attempts, want := range []time.Duration{5, 5, 10, 20, 40, 80, 160, 300, 300} {
		if got := backOff(attempts, 5*time.Second, 5*time.Minute); got != want*time.Second {
			t.Errorf("after %d attempts: %s", attempts, got)
		}
	}
	for range 1000 {
		if got := jitter(time.Hour); got < 48*time.Minute || got > 72*time.Minute {
			t.Fatalf("jitter gives %s", got)
		}
	}
}
