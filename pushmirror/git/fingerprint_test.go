package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheFingerprintTellsWhatChanged(t *testing.T) {
	r := newTestRepo(t)
	a, b := string(r.commit("a")), string(r.commit("b"))
	r.run("update-ref", "refs/heads/main", a)
	last := r.Fingerprint()
	for _, c := range []struct {
		what    string
		args    []string
		changed bool
	}{
		{"nothing", []string{"rev-parse", "HEAD"}, false},
		{"a branch that moved", []string{"update-ref", "refs/heads/main", b}, true},
		{"a new branch", []string{"update-ref", "refs/heads/dir/new", a}, true},
		{"a ref that is none of ours", []string{"update-ref", "refs/notes/x", a}, false},
		{"a tag", []string{"tag", "v1", a}, true},
		{"refs that were packed", []string{"pack-refs", "--all"}, true},
		{"a branch that is packed and moved", []string{"update-ref", "refs/heads/main", a}, true},
		{"a packed branch that is gone", []string{"update-ref", "-d", "refs/heads/dir/new"}, true},
		{"one more branch", []string{"update-ref", "refs/heads/x", a}, true},
		{"a branch with another name", []string{"branch", "-m", "x", "y"}, true},
		{"another default branch", []string{"symbolic-ref", "HEAD", "refs/heads/other"}, true},
	} {
		r.run(c.args...)
		now := r.Fingerprint()
		if now == "" || (now != last) != c.changed {
			t.Errorf("%s: %q became %q", c.what, last, now)
		}
		last = now
	}
	// Where the refs are in tables, which not every git can make.
	for _, tables := range []string{"0x1.ref\n", "0x1.ref\n0x2.ref\n"} {
		if err := os.MkdirAll(filepath.Join(r.dir, "reftable"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.dir, "reftable/tables.list"), []byte(tables), 0o600); err != nil {
			t.Fatal(err)
		}
		now := r.Fingerprint()
		if now == "" || now == last {
			t.Errorf("with the tables %q, %q became %q", tables, last, now)
		}
		last = now
	}
}

func TestTheFingerprintTellsALargePackedRefsFromItsSuccessor(t *testing.T) {
	r := newTestRepo(t)
	a, b := string(r.commit("a")), string(r.commit("b"))
	var packed strings.Builder
	for packed.Len() <= maxCompared {
		packed.WriteString(a + " refs/tags/" + strings.Repeat("x", 100+packed.Len()/1000) + "\n")
	}
	write := func(text string) string {
		path := filepath.Join(r.dir, "packed-refs")
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		return r.Fingerprint()
	}
	if one, other := write(packed.String()), write(strings.Replace(packed.String(), a, b, 1)); one == other || one == "" {
		t.Errorf("both have %q", one)
	}
}

func TestThereIsNoFingerprintOfRefsThatAreElsewhere(t *testing.T) {
	r := newTestRepo(t)
	if err := os.Symlink("main", filepath.Join(r.dir, "refs/heads/linked")); err != nil {
		t.Fatal(err)
	}
	if got := r.Fingerprint(); got != "" {
		t.Errorf("got %q", got)
	}
}
