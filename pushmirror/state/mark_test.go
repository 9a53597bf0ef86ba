package state

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func marked(t *testing.T, d *Dir) (Mark, bool) {
	t.Helper()
	m, ok, err := d.Marked()
	if err != nil {
		t.Fatal(err)
	}
	return m, ok
}

func TestAMarkStandsUntilItIsTakenAndSettled(t *testing.T) {
	d, err := Of(t.TempDir(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := marked(t, d); ok {
		t.Error("there is a mark at first")
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
	mark := func() error { return d.Mark("ada") }
	do("settling nothing", d.Settle, false)
	do("taking nothing", d.Take, false)
	do("marking", mark, true)
	do("taking", d.Take, true) // whoever dies now leaves it
	do("marking anew", mark, true)
	do("settling what was taken", d.Settle, true) // the new one stays
	do("taking again", d.Take, true)
	do("settling again", d.Settle, false)
}

func TestAMarkTellsSinceWhenAndByWhom(t *testing.T) {
	d, err := Of(t.TempDir(), "m")
	if err != nil {
		t.Fatal(err)
	}
	before := At(time.Now())
	for _, pusher := range []string{"ada", "carl"} {
		if err := d.Mark(pusher); err != nil {
			t.Fatal(err)
		}
	}
	m, _ := marked(t, d)
	if m.Pusher != "ada" || m.Since.Before(before.Time) {
		t.Errorf("the mark is %+v", m)
	}
	if err := d.Take(); err != nil {
		t.Fatal(err)
	}
	if err := d.Mark("carl"); err != nil {
		t.Fatal(err)
	}
	if m, _ := marked(t, d); m.Pusher != "ada" {
		t.Errorf("the oldest is %+v", m)
	}
}

func TestADamagedMarkIsAMark(t *testing.T) {
	d := newDir(t)
	if err := os.WriteFile(filepath.Join(d.Path(), markName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m, ok := marked(t, d); !ok || m.Since.IsZero() {
		t.Errorf("got %+v, %v", m, ok)
	}
}

func TestTheWholeRepositoryHasAMarkOfItsOwn(t *testing.T) {
	repository := t.TempDir()
	all, err := Of(repository, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Mark("ada"); err != nil {
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
	if err := due.Mark("ada"); err != nil {
		t.Errorf("a remote of the mark's name: %v", err)
	}
}
