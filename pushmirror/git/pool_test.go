package git

import (
	"slices"
	"strings"
	"testing"
)

// A string that was kept must stay what it was, whatever is kept after it and however its block
// ends.
func TestAPoolKeepsWhatItWasGiven(t *testing.T) {
	var given []string
	for i := range 3 * blockSize / 40 {
		given = append(given, strings.Repeat(string(rune('a'+i%26)), i%83))
	}
	given = append(given, strings.Repeat("long", blockSize), "", "short")
	var p Pool
	var kept []string
	for _, s := range given {
		kept = append(kept, p.Keep(s))
	}
	if !slices.Equal(kept, given) {
		t.Error("what was kept is not what was given")
	}
}
