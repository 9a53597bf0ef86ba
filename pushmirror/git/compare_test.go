package git

import (
	"slices"
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
