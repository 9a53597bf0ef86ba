package state

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

const (
	oidA = git.OID("1111111111111111111111111111111111111111")
	oidB = git.OID("2222222222222222222222222222222222222222")
)

// newDir gives the locked state folder of a remote in an empty repository.
func newDir(t *testing.T) *Dir {
	t.Helper()
	d, err := Of(t.TempDir(), "m")
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := d.Lock(t.Context(), time.Now, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unlock() })
	return d
}

func exampleSeen() *Seen {
	return &Seen{
		URL: "https://host/x y.git", Listed: At(time.Unix(1700000000, 123456789)),
		Mirror: plan.Mirror{
			Head: "refs/heads/main",
			Refs: git.Refs{
				{Name: "refs/heads/left\xff", OID: oidA},
				{Name: "refs/heads/main", OID: oidB},
				{Name: "refs/heads/sym", OID: oidB, Symref: "refs/heads/main"},
			},
			Foreign: map[git.RefName]bool{"refs/heads/left\xff": true},
			Left:    map[git.RefName]bool{"refs/heads/left\xff": true},
		},
	}
}

func sameSeen(a, b *Seen) bool {
	return a.URL == b.URL && a.Listed == b.Listed && a.Mirror.Head == b.Mirror.Head && slices.Equal(a.Mirror.Refs, b.Mirror.Refs) &&
		maps.Equal(a.Mirror.Foreign, b.Mirror.Foreign) && maps.Equal(a.Mirror.Left, b.Mirror.Left)
}

func TestWhatWasSeenIsReadBack(t *testing.T) {
	d := newDir(t)
	want := exampleSeen()
	if err := d.WriteSeen(want); err != nil {
		t.Fatal(err)
	}
	got, err := d.Seen(want.URL)
	if err != nil || got == nil || !sameSeen(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatWasSeenCanBeForgotten(t *testing.T) {
	d := newDir(t)
	seen := exampleSeen()
	if err := errors.Join(d.WriteSeen(seen), d.WriteSeen(nil), d.WriteSeen(nil)); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Seen(seen.URL); got != nil || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnotherMirrorsRefsAreForgotten(t *testing.T) {
	d := newDir(t)
	seen := exampleSeen()
	if err := d.WriteSeen(seen); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Seen("https://host/another.git"); got != nil || err != nil {
		t.Errorf("another url: %v, %v", got, err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(d.repository, moved); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.repository, 0o755); err != nil {
		t.Fatal(err)
	}
	other, err := Of(moved, "m")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.Seen(seen.URL); got != nil || err != nil {
		t.Errorf("a moved repository: %v, %v", got, err)
	}
	if err := os.CopyFS(d.repository, os.DirFS(moved)); err != nil {
		t.Fatal(err)
	}
	restored, err := Of(d.repository, "m")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := restored.Seen(seen.URL); got != nil || err != nil {
		t.Errorf("a repository that was put back from a copy: %v, %v", got, err)
	}
}

func TestEveryCutOfAStateFileIsSetAside(t *testing.T) {
	d := newDir(t)
	if err := d.WriteSeen(exampleSeen()); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteRecord(Record{URL: "u", Status: Failed, Error: "e", Divergent: []Divergence{{Name: "refs/heads/x"}}}); err != nil {
		t.Fatal(err)
	}
	for name, gone := range map[string]func() (bool, error){
		"seen":        func() (bool, error) { s, err := d.Seen(exampleSeen().URL); return s == nil, err },
		"status.json": func() (bool, error) { r, err := d.Record(); return r.Status == None && r.Error == "", err },
	} {
		path := filepath.Join(d.path, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for cut := range len(whole) - 1 {
			if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			if ok, err := gone(); !ok || err != nil {
				t.Fatalf("%s cut after %d bytes is used (%v)", name, cut, err)
			}
			aside, err := os.ReadFile(path + ".damaged")
			if err != nil || string(aside) != string(whole[:cut]) {
				t.Fatalf("%s cut after %d bytes is not set aside: %v", name, cut, err)
			}
		}
	}
}

func TestWhoDoesNotHoldTheLockTouchesNothing(t *testing.T) {
	d := newDir(t)
	path := filepath.Join(d.path, "status.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := Of(d.repository, "m")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := reader.Record(); r.Status != None || err != nil {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestANewerVersionIsRefusedAndStays(t *testing.T) {
	d := newDir(t)
	for name, read := range map[string]func() error{
		"seen":        func() error { _, err := d.Seen("u"); return err },
		"status.json": func() error { _, err := d.Record(); return err },
	} {
		path := filepath.Join(d.path, name)
		text := map[string]string{"seen": seenTitle + "2\nwhatever", "status.json": `{"version": 2, "update_status": 7}`}[name]
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var version *versionError
		if err := read(); !errors.As(err, &version) || version.Got != 2 {
			t.Errorf("%s: got %v", name, err)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != text {
			t.Errorf("%s was changed: %q, %v", name, left, err)
		}
	}
}

func TestAFileIsNeverHalfWritten(t *testing.T) {
	d := newDir(t)
	if err := d.WriteRecord(Record{Status: Finished}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.path, "status.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.path, "status.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteRecord(Record{Status: Failed}); err == nil {
		t.Error("a folder was replaced")
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

func TestFilesHaveTheSharingModeOfTheRepository(t *testing.T) {
	for _, mode := range []fs.FileMode{0o700, 0o755, 0o770 | fs.ModeSetgid, 0o775 | fs.ModeSetgid} {
		repository := t.TempDir()
		if err := os.Chmod(repository, mode); err != nil {
			t.Fatal(err)
		}
		old := syscall.Umask(0o077)
		if err := os.Mkdir(Folder(repository), 0o700); err != nil { // by one who was killed then, or wants it so
			t.Fatal(err)
		}
		d, err := Of(repository, "m")
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := d.Lock(t.Context(), time.Now, func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(d.WriteRecord(Record{}), d.WriteSeen(exampleSeen()), d.Append(slices.Values([]Entry{{}})), unlock())
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"..", ".", "lock", "seen", "status.json", "log"} {
			info, err := os.Stat(filepath.Join(d.path, name))
			if err != nil {
				t.Fatal(err)
			}
			want := mode
			switch {
			case name == ".." && mode&0o022 == 0: // nobody but the owner pushes, who may have closed it
				want = 0o700
			case !strings.HasPrefix(name, "."):
				want = mode.Perm() & 0o666
			}
			if got := info.Mode() & (fs.ModePerm | fs.ModeSetgid); got != want {
				t.Errorf("in a repository of mode %v, %s has %v", mode, name, got)
			}
		}
	}
}

func TestScratchRepositoriesAreWhereNobodyElseMayWrite(t *testing.T) {
	d := newDir(t)
	folders := []string{d.repository, filepath.Dir(d.path), d.path}
	for _, folder := range folders {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Scratch(); filepath.Dir(got) != d.path {
		t.Errorf("with nobody else about: %s", got)
	}
	for _, folder := range folders {
		for _, mode := range []fs.FileMode{0o775, 0o757} {
			if err := os.Chmod(folder, mode); err != nil {
				t.Fatal(err)
			}
			if got := d.Scratch(); filepath.Dir(got) != filepath.Clean(os.TempDir()) {
				t.Errorf("where %s has the mode %v: %s", folder, mode, got)
			}
		}
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneUpdateAtATime(t *testing.T) {
	d := newDir(t)
	other, err := Of(d.repository, "m")
	if err != nil {
		t.Fatal(err)
	}
	since, err := other.Running()
	if err != nil || since.IsZero() {
		t.Errorf("running since %v, %v", since, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := false
	if _, err := other.Lock(ctx, time.Now, func() error { waited = true; cancel(); return nil }); err == nil || !waited {
		t.Errorf("the lock was given twice (%v)", err)
	}
	third, err := Of(d.repository, "another")
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := third.Lock(t.Context(), time.Now, func() error { t.Error("another remote waits"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if since, err := third.Running(); !since.IsZero() || err != nil {
		t.Errorf("a lock that was let go of runs since %v, %v", since, err)
	}
}

func TestAnUpdateRunsSinceItHasTheLock(t *testing.T) {
	d, err := Of(t.TempDir(), "m")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Unix(1700000000, 0)
	ended := began.Add(time.Hour)
	now := began
	clock := func() time.Time { return now }
	unlock, err := d.Lock(t.Context(), clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	unlockSecond, err := d.Lock(t.Context(), clock, func() error {
		now = ended
		return unlock()
	})
	if err != nil {
		t.Fatal(err)
	}
	if since, err := d.Running(); since != At(ended) || err != nil {
		t.Errorf("it runs since %s, when the other one ran (%v)", since, err)
	}
	if err := unlockSecond(); err != nil {
		t.Error(err)
	}
}

func TestTheLogGrowsByWholeLines(t *testing.T) {
	d := newDir(t)
	if err := d.Append(slices.Values([]Entry{{Name: "refs/heads/a", Old: oidA, Announced: true}})); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.path, "log")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"torn`); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), d.Append(slices.Values([]Entry{{Name: "refs/heads/b"}, {Name: "refs/heads/c"}}))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 5 || !strings.Contains(lines[0], string(oidA)) || lines[1] != `{"torn` || !strings.Contains(lines[3], "refs/heads/c") {
		t.Errorf("the log is\n%s", text)
	}
}

func TestNeverIsNull(t *testing.T) {
	for _, want := range []Time{{}, At(time.Unix(1700000000, 120000000))} {
		text, err := want.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got Time
		if err := got.UnmarshalJSON(text); err != nil || got != want {
			t.Errorf("%s became %v, %v", text, got, err)
		}
	}
	if got := At(time.Unix(1700000000, 120000000)).String(); got != "2023-11-14T22:13:20.120Z" {
		t.Errorf("got %s", got)
	}
}

// Whoever waited for a time that was written by a clock which was wrong could wait for years.
func TestARecordFromAheadDoesNotHoldAnythingUp(t *testing.T) {
	now := time.Unix(1700000000, 0)
	at := func(d time.Duration) Record {
		when := At(now.Add(d))
		return Record{
			StartedAt: when, UpdatedAt: when, SucceededAt: when, FailingSince: when, TroubleSince: when, PendingSince: when,
			NextAttemptAt: At(now.Add(d + time.Hour)),
		}
	}
	if got := at(2 * Skew).AsOf(now); asJSON(t, got) != asJSON(t, Record{}) {
		t.Errorf("of times that lie ahead there are left: %+v", got)
	}
	for _, d := range []time.Duration{Skew / 2, -time.Hour} {
		if got := at(d).AsOf(now); asJSON(t, got) != asJSON(t, at(d)) {
			t.Errorf("of times at %s there are left: %+v", d, got)
		}
	}
}

// A log that has grown too long begins anew, but for what was dropped from the mirror within a
// year.
func TestTheLogIsBounded(t *testing.T) {
	d := newDir(t)
	write := func(e Entry) {
		t.Helper()
		if err := d.Append(slices.Values([]Entry{e})); err != nil {
			t.Fatal(err)
		}
	}
	add := func(name git.RefName, at time.Time, result plan.Result, reason string) {
		t.Helper()
		write(Entry{Time: At(at), Remote: "m", Name: name, Result: result, Old: oidA, New: oidB, Reason: reason})
	}
	now := time.Now()
	add("refs/heads/long-ago", now.Add(-keepDropped-time.Hour), plan.Forced, "")
	add("refs/heads/dropped", now.Add(-time.Hour), plan.Forced, "")
	add("refs/heads/deleted", now.Add(-time.Hour), plan.Deleted, "")
	add("refs/tags/moved", now.Add(-time.Hour), plan.Updated, "")
	refused := Entry{Time: At(now.Add(-time.Hour)), Remote: "m", Name: "refs/heads/refused", Result: plan.Forced, Old: oidA, New: oidB, Announced: true}
	write(refused)
	refused.Announced, refused.Withdrawn = false, true
	write(refused)
	for i := range 20 {
		add("refs/heads/first", now.Add(time.Duration(i)*time.Second), plan.Updated, strings.Repeat("x", maxLog/4))
		if i == 10 {
			add("refs/heads/later", now.Add(time.Duration(i)*time.Second), plan.Forced, "")
		}
	}
	add("refs/heads/last", now.Add(time.Minute), plan.Updated, "")

	var size int64
	for _, name := range logNames {
		if info, err := os.Stat(filepath.Join(d.path, name)); err == nil {
			size += info.Size()
		}
	}
	if size > 3*maxLog {
		t.Errorf("the log takes %d bytes", size)
	}
	entries, err := d.Log()
	has := func(name git.RefName) bool {
		return slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == name })
	}
	for name, want := range map[git.RefName]bool{
		"refs/heads/dropped": true, "refs/heads/deleted": true, "refs/tags/moved": true, "refs/heads/later": true, "refs/heads/last": true,
		"refs/heads/long-ago": false, "refs/heads/refused": false,
	} {
		if has(name) != want {
			t.Errorf("of %d entries, one is of %s: %t", len(entries), name, !want)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// In a repository that a group shares, one of them may put anything in place of a file or folder of
// ours.
func TestWhatStandsInPlaceOfAStateFileLeadsNowhereAndHoldsNobodyUp(t *testing.T) {
	repository, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "theirs")
	folder := filepath.Join(repository, "push-mirror", "m")
	err := errors.Join(os.MkdirAll(folder, 0o700), os.Mkdir(elsewhere, 0o700))
	token := filepath.Join(elsewhere, "token")
	err = errors.Join(err, os.WriteFile(token, []byte("secret"), 0o600),
		os.Symlink(token, filepath.Join(folder, lockName)), os.Symlink(token, filepath.Join(folder, logName)),
		os.Symlink(elsewhere, filepath.Join(repository, "push-mirror", "old")))
	for _, name := range []string{recordName, markName, "seen"} {
		err = errors.Join(err, syscall.Mkfifo(filepath.Join(folder, name), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := Of(repository, "m")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(t.Context(), time.Now, func() error { return nil }); err == nil {
		t.Error("it is locked by a link")
	}
	if err := d.Append(slices.Values([]Entry{{Time: Now(), Remote: "m", Result: plan.Updated}})); err == nil {
		t.Error("the log is written through a link")
	}
	if _, err := d.Record(); err == nil {
		t.Error("a pipe is read as a record")
	}
	if _, err := d.Seen("url"); err == nil {
		t.Error("a pipe is read as what was seen")
	}
	if _, _, err := d.Marked(); err == nil {
		t.Error("a pipe is read as a mark")
	}
	if err := d.Mark(Push{Time: Now()}); err == nil {
		t.Error("a pipe is marked")
	}
	mark := filepath.Join(folder, markName)
	if err := errors.Join(os.Remove(mark), os.Symlink(token, mark)); err != nil {
		t.Fatal(err)
	}
	if err := d.Mark(Push{Time: Now()}); err == nil {
		t.Error("a mark is made through a link")
	}
	old, err := Of(repository, "old")
	if err == nil {
		err = old.Forget()
	}
	if err == nil {
		t.Error("what a link leads to is forgotten")
	}
	if text, err := os.ReadFile(token); err != nil || string(text) != "secret" {
		t.Errorf("the token is now %q, %v", text, err)
	}
}
