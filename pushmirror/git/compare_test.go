package git

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestComparisonsThatAreMadeInPartsAreAllAnswered(t *testing.T) {
	r := newTestRepo(t)
	a := r.commit("a")
	b, other := r.commit("b", a), r.commit("other")
	pairs := append(slices.Repeat([]Pair{{other, b}}, maxPairs), Pair{a, b}, Pair{b, a}, Pair{oidA, b}, Pair{b, b})
	got, err := r.scratch("/nowhere").Compare(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[Pair]bool{{other, b}: false, {a, b}: true, {b, a}: false, {oidA, b}: false, {b, b}: true} {
		if got.IsAncestor(p) != want {
			t.Errorf("%v: got %v", p, !want)
		}
	}
	if !got.Known(other) || !got.Known(b) || got.Known(oidA) {
		t.Error("what is known is not told right")
	}
}

// What is no commit can be read well: nobody has to look for damage in its history.
func TestWhatIsNoCommitIsNotTakenForDamaged(t *testing.T) {
	r := newTestRepo(t)
	commit := r.commit("a")
	tree := OID(strings.TrimSpace(r.run("rev-parse", string(commit)+"^{tree}")))
	got, err := r.scratch("/nowhere").Compare(t.Context(), []Pair{{commit, tree}, {oidA, tree}, {commit, oidB}})
	if err != nil {
		t.Fatal(err)
	}
	if unread := got.Unread(); !slices.Equal(unread, []OID{oidB}) {
		t.Errorf("%v is taken for damaged", unread)
	}
}

func TestOfCommitsWithVeryManyParentsFewAreKept(t *testing.T) {
	r := revList{parents: map[OID][]OID{}}
	many := strings.Repeat(" "+string(oidB), maxParents/10)
	for i := range 100 {
		if err := r.line(fmt.Sprintf("%040x%s\n", i, many)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.line(string(oidA) + "\n"); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, parents := range r.parents {
		kept += len(parents)
	}
	if kept == 0 || kept > maxParents {
		t.Errorf("%d parents are kept", kept)
	}
	if r.parents[oidA] == nil {
		t.Error("a commit without parents is not kept")
	}
}

// History can be made in which there are more ways than anybody has time for.
func TestAWayIsLookedForInSoManySteps(t *testing.T) {
	parents := map[OID][]OID{"d": {"c"}, "c": {"b"}, "b": {"a"}}
	for steps, want := range map[int]bool{0: false, 2: false, 3: true} {
		left := steps
		if got := leadsTo(parents, Pair{"a", "d"}, &left); got != want || left < 0 {
			t.Errorf("in %d steps it is found: %t, and %d are left", steps, got, left)
		}
	}
}

func TestALineThatIsTooLongIsLeftOutAndNotKept(t *testing.T) {
	var got []string
	kept := 0
	l := lines{most: 10, each: func(line string) error {
		got = append(got, line)
		return nil
	}}
	for _, text := range []string{"a\nb", "\nc ", strings.Repeat("no", 10), strings.Repeat("no", 1000), "no\nd", "\n", "e"} {
		if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("of %q %d bytes are written (%v)", text, n, err)
		}
		kept = max(kept, cap(l.rest))
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a\n", "b\n", "d\n", "e"}; !slices.Equal(got, want) {
		t.Errorf("%q is handed on, not %q", got, want)
	}
	if kept > 100 {
		t.Errorf("%d bytes are kept of it", kept)
	}
}
