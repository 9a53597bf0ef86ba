package state

import (
	"strings"
	"testing"
	"unsafe"

	"git-push-mirror/pushmirror/git"
)

// Of a hundred thousand refs the text is seven megabytes, which one string that was cut from it
// keeps in memory.
func TestWhatWasSeenIsNotKeptInItsText(t *testing.T) {
	for _, head := range []git.RefName{"refs/heads/main", ""} {
		given := exampleSeen()
		given.Mirror.Head = head
		text := string(formatSeen(given, "where"))
		seen, _, err := parseSeen(text)
		if err != nil {
			t.Fatal(err)
		}
		kept := []string{seen.URL, string(seen.Mirror.Head)}
		for _, ref := range seen.Mirror.Refs {
			kept = append(kept, string(ref.Name), string(ref.OID), string(ref.Symref))
		}
		begin := uintptr(unsafe.Pointer(unsafe.StringData(text)))
		for _, s := range kept {
			if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); at >= begin && at < begin+uintptr(len(text)) {
				t.Errorf("%q lies in the text", strings.Clone(s))
			}
		}
	}
}
