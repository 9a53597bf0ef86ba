package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func open(t *testing.T) *Queue {
	t.Helper()
	q, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestARepositoryIsKnownAndItsWorkIsTakenOnce(t *testing.T) {
	q := open(t)
	odd := "/srv/odd \"name\"\n.git"
	for _, path := range []string{"/srv/a.git", odd, "/srv/a.git"} {
		if err := q.Add(path); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"/srv/a.git", odd}
	if got, err := q.Take(); err != nil || !slices.Equal(got, want) {
		t.Errorf("work is %q, %v", got, err)
	}
	if got, err := q.Take(); err != nil || len(got) != 0 {
		t.Errorf("work is taken twice: %q, %v", got, err)
	}
	if got, err := q.Known(); err != nil || !slices.Equal(got, want) {
		t.Errorf("known are %q, %v", got, err)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	q := open(t)
	var all sync.WaitGroup
	taken := map[string]bool{}
	for i := range 20 {
		all.Go(func() {
			for j := range 10 {
				if err := q.Add(fmt.Sprintf("/%d", (i+j)%30)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		paths, err := q.Take()
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			taken[path] = true
		}
	}
	if len(taken) != 29 {
		t.Errorf("%d of 29 repositories came through", len(taken))
	}
}

func TestAStrangeFileIsSetAsideAndStopsNothing(t *testing.T) {
	q := open(t)
	if err := q.Add("/srv/a.git"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cut": `"/srv/b`, "empty": "", "relative": "\"b\"\n", "other": "\"/srv/c.git\"\n", ".hidden": "x"} {
		if err := os.WriteFile(filepath.Join(q.dir, "work", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := q.Take(); err == nil || !strings.Contains(err.Error(), "cut is damaged") || !slices.Equal(got, []string{"/srv/a.git"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := q.Take(); err != nil || len(got) != 0 {
		t.Errorf("told twice: %q, %v", got, err)
	}
	for _, name := range []string{"cut", "empty", "relative", "other"} {
		if _, err := os.Stat(filepath.Join(q.dir, "work", name+damaged)); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileThatCannotBeReadStaysAndStopsNothing(t *testing.T) {
	q := open(t)
	for _, repository := range []string{"/srv/a.git", "/srv/b.git"} {
		if err := q.Add(repository); err != nil {
			t.Fatal(err)
		}
	}
	unreadable := filepath.Join(q.dir, "work", id("/srv/b.git"))
	if err := errors.Join(os.Remove(unreadable), os.Mkdir(unreadable, 0o700)); err != nil { // which root cannot read either
		t.Fatal(err)
	}
	for _, want := range [][]string{{"/srv/a.git"}, {}} {
		if got, err := q.Take(); !errors.Is(err, syscall.EISDIR) || !slices.Equal(got, want) {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestADamagedEntryIsMadeAnewByTheNextPush(t *testing.T) {
	q := open(t)
	for range 2 {
		if err := q.Add("/srv/a.git"); err != nil {
			t.Fatal(err)
		}
		if got, err := q.Known(); err != nil || !slices.Equal(got, []string{"/srv/a.git"}) {
			t.Errorf("got %q, %v", got, err)
		}
		if err := os.Truncate(filepath.Join(q.dir, "repositories", id("/srv/a.git")), 5); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneWorkerAtATime(t *testing.T) {
	q := open(t)
	if working, err := q.Working(); working || err != nil {
		t.Errorf("nobody works: %v, %v", working, err)
	}
	unlock, ok, err := q.Lock(t.Context(), false)
	if !ok || err != nil {
		t.Fatalf("the first gets no lock: %v", err)
	}
	if working, err := q.Working(); !working || err != nil {
		t.Errorf("somebody works: %v, %v", working, err)
	}
	if _, ok, err := q.Lock(t.Context(), false); ok || err != nil {
		t.Errorf("the second gets the lock (%v)", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := q.Lock(t.Context(), true); !ok || err != nil {
		t.Errorf("the lock is not free: %v", err)
	}
}

// Somebody who only looks whether a worker works keeps none from working.
func TestWhoLooksKeepsNoWorkerAway(t *testing.T) {
	q := open(t)
	ctx, stop := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() {
		for ctx.Err() == nil {
			if _, err := q.Working(); err != nil {
				t.Error(err)
			}
		}
	})
	for range 300 {
		unlock, ok, err := q.Lock(t.Context(), false)
		if err != nil || !ok {
			t.Errorf("a worker left, since another one seemed to work: %v", err)
			break
		}
		if err := unlock(); err != nil {
			t.Error(err)
		}
	}
	stop()
	looking.Wait()
}

func TestTheStateDirectoryIsTheUsersOwn(t *testing.T) {
	t.Setenv("HOME", "/somebody/elses")
	unset := func(string) string { return "" }
	if dir, err := Dir(unset, ""); err != nil || dir == "/somebody/elses/.local/state/push-mirror" || !filepath.IsAbs(dir) {
		t.Errorf("got %q, %v", dir, err)
	}
	if dir, _ := Dir(unset, "/var/lib/push-mirror"); dir != "/var/lib/push-mirror" {
		t.Errorf("got %q", dir)
	}
	if dir, _ := Dir(func(string) string { return "/env" }, "/var/lib/push-mirror"); dir != "/env" {
		t.Errorf("got %q", dir)
	}
	q := open(t)
	info, err := os.Stat(q.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}

func TestASharedStateDirectoryIsSharedWithAllInIt(t *testing.T) {
	for mode, want := range map[os.FileMode][2]os.FileMode{
		0o700:                 {0o700, 0o600},
		0o755:                 {0o700, 0o600},
		0o770 | os.ModeSetgid: {0o770 | os.ModeSetgid, 0o660},
		0o775:                 {0o700, 0o600},
		0o750 | os.ModeSetgid: {0o700, 0o600},
		0o775 | os.ModeSetgid: {0o775 | os.ModeSetgid, 0o664},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		for range 2 { // who makes something gives it its mode: another user could not
			q, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := q.Add("/srv/a.git"); err != nil {
				t.Fatal(err)
			}
			if err := begin(q, "host"); err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string]os.FileMode{
				"repositories": want[0], "work": want[0], "episodes": want[0], filepath.Join("episodes", id("host")): want[1], "worker.lock": want[1], "worker.log": want[1],
				filepath.Join("work", id("/srv/a.git")):         want[1],
				filepath.Join("repositories", id("/srv/a.git")): want[1],
			} {
				info, err := os.Stat(filepath.Join(dir, file))
				if err != nil || info.Mode()&(os.ModePerm|os.ModeSetgid) != want {
					t.Errorf("in a folder of mode %v, %s has the mode %v, %v", mode, file, info.Mode(), err)
				}
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 5 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
	}
}

func TestAStateDirectoryMayBeSharedLater(t *testing.T) {
	dir := t.TempDir()
	for _, mode := range []os.FileMode{0o700, 0o770 | os.ModeSetgid} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]os.FileMode{"work": 0o770 | os.ModeSetgid, "worker.lock": 0o660, "worker.log": 0o660} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode()&(os.ModePerm|os.ModeSetgid) != want {
			t.Errorf("%s has the mode %v, %v", file, info.Mode(), err)
		}
	}
}

func TestALinkInPlaceOfTheLockLeadsNowhere(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	q, err := Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(q.Dir(), "worker.lock")
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, lock); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := q.Lock(t.Context(), false); err == nil || ok {
		t.Errorf("the lock is taken: %v, %v", ok, err)
	}
	if _, err := Open(q.Dir()); err == nil {
		t.Error("the list is opened")
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "text" {
		t.Errorf("it is now %q, %v", text, err)
	}
}

// What one of a group puts into the list in place of a file holds nobody up.
func TestWhatIsNoFileIsSetAside(t *testing.T) {
	q := open(t)
	if err := q.Add("/srv/a.git"); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(q.Dir(), "work")
	odd := map[string]func(path string) error{
		"pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link": func(path string) error { return os.Symlink(filepath.Join(work, id("/srv/a.git")), path) },
	}
	for name, put := range odd {
		if err := put(filepath.Join(work, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := q.Take(); err == nil || !slices.Equal(got, []string{"/srv/a.git"}) {
		t.Errorf("the list is %v, %v", got, err)
	}
	for name := range odd {
		if _, err := os.Lstat(filepath.Join(work, name+damaged)); err != nil {
			t.Error(err)
		}
	}
	known := filepath.Join(q.Dir(), "repositories", id("/srv/b.git"))
	if err := syscall.Mkfifo(known, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := q.AddKnown("/srv/b.git"); err != nil {
		t.Error(err)
	}
	if got, err := q.Known(); err != nil || !slices.Equal(got, []string{"/srv/a.git", "/srv/b.git"}) {
		t.Errorf("known are %v, %v", got, err)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("\"/srv/a.git\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		path, ok := parse([]byte(text))
		if !ok {
			return
		}
		if again, ok := parse(fmt.Appendf(nil, "%q\n", path)); !ok || again != path {
			t.Errorf("%q was read as %q, then %q", text, path, again)
		}
	})
}

func TestWhatKilledHooksLeftIsClearedOnceItIsOld(t *testing.T) {
	q := open(t)
	old := time.Now().Add(-2 * time.Hour)
	var left, fresh []string
	for _, sub := range []string{"", "repositories", "work"} {
		left = append(left, filepath.Join(q.Dir(), sub, ".new-1"))
		fresh = append(fresh, filepath.Join(q.Dir(), sub, ".new-2"))
	}
	for _, path := range slices.Concat(left, fresh) {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range left {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	unlock, ok, err := q.Lock(t.Context(), false)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for _, path := range left {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	for _, path := range fresh {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("somebody may be writing it: %v", err)
		}
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// begin has a host's failure told.
func begin(q *Queue, host string) error {
	done, ok, err := q.BeginEpisode(host)
	if !ok {
		return err
	}
	return done(true)
}

func TestAnEpisodeIsToldByOneAtATimeUntilItWasTold(t *testing.T) {
	q := open(t)
	done, ok, err := q.BeginEpisode("h")
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	if _, ok, err := q.BeginEpisode("h"); ok || err != nil || q.InEpisode("h") {
		t.Errorf("told by two: %v", err)
	}
	if err := done(false); err != nil {
		t.Error(err)
	}
	// A teller that is killed leaves this, and no lock.
	if err := os.WriteFile(filepath.Join(q.dir, "episodes", id("h")), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := q.EndEpisode("h"); ok || err != nil {
		t.Errorf("it ends before it was told: %v", err)
	}
	if err := begin(q, "h"); err != nil || !q.InEpisode("h") {
		t.Errorf("it was not told: %v", err)
	}
	if _, ok, err := q.BeginEpisode("h"); ok || err != nil {
		t.Errorf("told twice: %v", err)
	}
	for _, told := range []bool{false, true} {
		done, ok, err := q.EndEpisode("h")
		if err != nil || !ok {
			t.Fatalf("%v, %v", ok, err)
		}
		if _, ok, err := q.EndEpisode("h"); ok || err != nil {
			t.Errorf("its end is told by two: %v", err)
		}
		if err := done(told); err != nil || q.InEpisode("h") == told {
			t.Errorf("told %v: %v", told, err)
		}
	}
	if _, ok, err := q.EndEpisode("h"); ok || err != nil {
		t.Errorf("its end is told twice: %v", err)
	}
}

func TestEpisodesOfHostsThatNobodyAsksAreForgotten(t *testing.T) {
	q, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for host, age := range map[string]time.Duration{"asked": time.Hour, "left": time.Hour, "new": -30 * time.Second, "ahead": -365 * 24 * time.Hour} {
		if err := begin(q, host); err != nil {
			t.Fatal(err)
		}
		began := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(q.dir, "episodes", id(host)), began, began); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.ForgetEpisodes(time.Now(), map[string]bool{"asked": true}); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"asked": true, "left": false, "new": true, "ahead": false} {
		if got := q.InEpisode(host); got != want {
			t.Errorf("the host %q is in an episode: %t", host, got)
		}
	}
}

func TestTroublesAreThoseOfTheWorkerThatWorks(t *testing.T) {
	q := open(t)
	told := func(when string, want int) {
		t.Helper()
		if got := Troubles(q.Dir()); len(got) != want || want > 0 && got["https://h"] != "auth" {
			t.Errorf("%s: %q", when, got)
		}
	}
	told("none", 0)
	unlock, _, err := q.Lock(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.SetTroubles(map[string]string{"https://h": "auth", "ssh://h": "network"}); err != nil {
		t.Fatal(err)
	}
	told("while it works", 2)
	path := filepath.Join(q.Dir(), troubles)
	for _, text := range []string{"", "{", "[]", `{"https://h": 1}`, "null"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		told(text, 0)
	}
	for what, put := range map[string]func() error{
		"a pipe":   func() error { return syscall.Mkfifo(path, 0o600) },
		"a link":   func() error { return os.Symlink("/dev/zero", path) },
		"a folder": func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := errors.Join(os.RemoveAll(path), put()); err != nil {
			t.Fatal(err)
		}
		told(what, 0)
	}
	if err := errors.Join(os.Remove(path), q.SetTroubles(map[string]string{"https://h": "auth"}), unlock()); err != nil {
		t.Fatal(err)
	}
	told("when it has gone", 0)
	if unlock, _, err = q.Lock(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	told("of another one's", 1)
	if err := errors.Join(q.SetTroubles(nil), q.SetTroubles(nil), unlock()); err != nil {
		t.Fatal(err)
	}
	told("none any more", 0)
}

// One of a group may put a link in place of a folder of the list that they share.
func TestALinkInPlaceOfAFolderLeadsNowhere(t *testing.T) {
	dir, elsewhere := filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "home")
	for _, folder := range []string{dir, elsewhere} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(elsewhere, "key")
	if err := errors.Join(os.Chmod(dir, 0o770|os.ModeSetgid), os.WriteFile(key, []byte("secret"), 0o600)); err != nil {
		t.Fatal(err)
	}
	q, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"repositories", "work", "episodes"} {
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, sub)), os.Symlink(elsewhere, filepath.Join(dir, sub))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir); err == nil {
		t.Error("it is opened")
	}
	if err := q.Add("/srv/a.git"); err == nil {
		t.Error("a repository is entered")
	}
	if _, err := q.Take(); err == nil {
		t.Error("the list is read")
	}
	if err := q.ForgetEpisodes(time.Now().Add(time.Hour), nil); err == nil {
		t.Error("episodes are forgotten")
	}
	if err := begin(q, "h"); err == nil {
		t.Error("an episode is noted")
	}
	q.clearUnfinished()
	info, err := os.Stat(elsewhere)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the mode there is %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) != 1 || entries[0].Name() != "key" {
		t.Errorf("there is %v, %v", entries, err)
	}
}
