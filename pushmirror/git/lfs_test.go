package git

import (
	"bufio"
	"slices"
	"strings"
	"testing"
)

// TestOnlyWhatIsNewIsLookedThrough: of what the mirror has, nothing is handed over, and ids that
// nobody knows do no harm.
func TestOnlyWhatIsNewIsLookedThrough(t *testing.T) {
	r := newTestRepo(t)
	s := r.scratch("/nowhere")
	commit := func(files map[string]string, parents ...string) OID {
		var tree strings.Builder
		for name, text := range files {
			tree.WriteString("100644 blob " + r.input(text, "hash-object", "-w", "--stdin") + "\t" + name + "\n")
		}
		args := []string{"commit-tree", "-m", "c", r.input(tree.String(), "mktree")}
		for _, parent := range parents {
			args = append(args, "-p", parent)
		}
		return OID(r.run(args...))
	}
	old := commit(map[string]string{"a": "0123456789 a", "b c": "0123456789 b"})
	changed := commit(map[string]string{"a": "0123456789 a", "b c": "0123456789 changed", "large": strings.Repeat("x", 40), "short": "x"}, string(old))
	stranger := OID(strings.Repeat("7", 40))
	for _, test := range []struct {
		name        string
		tips, known []OID
		want        []string
	}{
		{"all of it", []OID{changed}, nil, []string{"a=0123456789 a", "b c=0123456789 b", "b c=0123456789 changed"}},
		{"what is new", []OID{changed}, []OID{old, stranger}, []string{"b c=0123456789 changed"}},
		{"nothing", []OID{old}, []OID{changed}, nil},
		{"no tips", nil, []OID{old}, nil},
	} {
		var got []string
		err := s.SmallBlobs(t.Context(), test.tips, test.known, 10, 39, func(path string, content []byte) {
			got = append(got, path+"="+string(content))
		})
		slices.Sort(got)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

// FuzzReadBlobs: whatever git writes, what is handed over is no larger than it may be, and together
// no longer than all of it.
func FuzzReadBlobs(f *testing.F) {
	f.Add("3 a\nabc\n0 b c\n\n")
	f.Add("99 a\nabc\n")
	f.Add("-1 a\n\n")
	f.Fuzz(func(t *testing.T, out string) {
		length := 0
		_ = readBlobs(bufio.NewReader(strings.NewReader(out)), 10, func(path string, content []byte) {
			if len(content) > 10 {
				t.Errorf("%q has %d bytes", path, len(content))
			}
			length += len(path) + len(content) + 2
		})
		if length > len(out) {
			t.Errorf("more was read than there is")
		}
	})
}
