package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

func marked(t *testing.T, d *Dir) (since Time, ok bool) {
	t.Helper()
	since, ok, err := d.Marked()
	if err != nil {
		t.Fatal(err)
	}
	if ok && !HasMark(d.repository) {
		t.Error("the repository is said to have no mark")
	}
	return since, ok
}

func TestAMarkStandsUntilItIsTakenAndSettled(t *testing.T) {
	d, err := Of(t.TempDir(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := marked(t, d); ok {
		t.Error("there is a mark at first")
	}
	if err := d.make(); err != nil || HasMark(d.repository) {
		t.Errorf("the repository is said to have a mark at first (%v)", err)
	}
	do := func(what string, step func() error, want bool) {
		t.Helper()
		if err := step(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, ok := marked(t, d); ok != want {
			t.Errorf("after %s it is marked: %v", what, ok)
		}
	}
	mark := func() error { return d.Mark(Push{Time: Now(), Pusher: "ada"}) }
	do("settling nothing", d.ClearTaken, false)
	do("taking nothing", d.Take, false)
	do("marking", mark, true)
	do("taking", d.Take, true) // whoever dies now leaves it
	do("marking anew", mark, true)
	do("settling what was taken", d.ClearTaken, true) // the new one stays
	do("taking again", d.Take, true)
	do("settling again", d.ClearTaken, false)
}

func TestAMarkTellsSinceWhenAndByWhom(t *testing.T) {
	d := newDir(t)
	mark := func(minute int, pusher string, refs ...git.RefName) {
		t.Helper()
		if err := d.Mark(Push{Time: At(time.Date(2026, 11, 20, 12, minute, 0, 0, time.UTC)), Pusher: pusher, Refs: refs}); err != nil {
			t.Fatal(err)
		}
	}
	mark(1, "ada", "refs/heads/a")
	mark(2, "carl", "refs/heads/b", "refs/heads/c")
	if err := d.Take(); err != nil {
		t.Fatal(err)
	}
	mark(3, "bob", make([]git.RefName, MaxPushRefs+1)...)
	if since, _ := marked(t, d); since.Minute() != 1 {
		t.Errorf("the oldest is of %v", since)
	}
	var got []string
	for _, p := range d.Pushes() {
		got = append(got, fmt.Sprintf("%s %d", p.Pusher, len(p.Refs)))
	}
	if want := []string{"ada 1", "carl 2", "bob 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatWasTakenAndNotRecordedIsToldOfByTheNextMark(t *testing.T) {
	d := newDir(t)
	for minute, pusher := range []string{"ada", "bob"} {
		if err := d.Mark(Push{Time: At(time.Date(2026, 11, 20, 12, minute, 0, 0, time.UTC)), Pusher: pusher}); err != nil {
			t.Fatal(err)
		}
		if err := d.Take(); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, p := range d.Pushes() {
		got = append(got, p.Pusher)
	}
	if want := []string{"ada", "bob"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if since, _ := marked(t, d); since.Minute() != 0 {
		t.Errorf("the oldest is of %v", since)
	}
	if err := d.ClearTaken(); err != nil {
		t.Fatal(err)
	}
	if _, ok := marked(t, d); ok {
		t.Error("it is still marked")
	}
}

func TestAnOutageDoesNotGrowAMarkForEver(t *testing.T) {
	d := newDir(t)
	for range 10_000 {
		if err := d.Mark(Push{Time: Now(), Pusher: "ada", Refs: []git.RefName{"refs/heads/main"}}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(d.path, markName))
	if err != nil || info.Size() > maxMark+200 {
		t.Errorf("it has %d bytes, %v", info.Size(), err)
	}
}

func TestADamagedMarkIsAMark(t *testing.T) {
	d := newDir(t)
	if err := os.WriteFile(filepath.Join(d.path, markName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if since, ok := marked(t, d); !ok || since.IsZero() {
		t.Errorf("got %v, %v", since, ok)
	}
}

func TestTheWholeRepositoryHasAMarkOfItsOwn(t *testing.T) {
	repository := t.TempDir()
	all, err := Of(repository, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Mark(Push{Time: Now(), Pusher: "ada"}); err != nil {
		t.Fatal(err)
	}
	one, err := Of(repository, "m")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := marked(t, one); ok {
		t.Error("a remote takes it for its own")
	}
	if _, ok := marked(t, all); !ok {
		t.Error("it is not there")
	}
	due, err := Of(repository, "due")
	if err != nil {
		t.Fatal(err)
	}
	if err := due.Mark(Push{Time: Now(), Pusher: "ada"}); err != nil {
		t.Errorf("a remote of the mark's name: %v", err)
	}
}

func TestWhatKilledHooksLeftOfAMarkIsClearedOnceItIsOld(t *testing.T) {
	repository := filepath.Join(t.TempDir(), "no [pattern]")
	if err := os.Mkdir(repository, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := Of(repository, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Mark(Push{Time: Now()}); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-24 * time.Hour)
	old := filepath.Join(d.path, logName)
	if err := errors.Join(os.WriteFile(old, nil, 0o600), os.Chtimes(old, long, long)); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(d.path, disk.Unfinished+markName+"-1")
	for age, want := range map[time.Duration]bool{time.Minute: true, 2 * time.Hour: false} {
		at := time.Now().Add(-age)
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(left, at, at); err != nil {
			t.Fatal(err)
		}
		if err := d.Take(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left); (err == nil) != want {
			t.Errorf("after %s it is there: %t", age, err == nil)
		}
	}
	if _, err := os.Stat(old); err != nil {
		t.Errorf("what is finished is gone: %v", err)
	}
}
