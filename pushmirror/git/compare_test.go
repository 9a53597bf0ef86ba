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
