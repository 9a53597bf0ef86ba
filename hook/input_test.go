package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"git-push-mirror/pushmirror/git"
)

const (
	zero = git.OID("0000000000000000000000000000000000000000")
	oidA = git.OID("1111111111111111111111111111111111111111")
	oidB = git.OID("2222222222222222222222222222222222222222222222222222222222222222")
)

func TestEveryLineIsAChange(t *testing.T) {
	in := fmt.Sprintf("%s %s refs/heads/main\n%s %s refs/tags/a \"b\"", zero, oidA, oidB, oidB)
	got, err := readChanges(iotest.OneByteReader(strings.NewReader(in)))
	want := []change{{"refs/heads/main", zero, oidA}, {"refs/tags/a \"b\"", oidB, oidB}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWhatIsNotFromGitIsAnErrorAndIsReadToTheEnd(t *testing.T) {
	for _, in := range []string{
		"hello\n", "\n", string(zero) + " " + string(oidA) + "\n", "x y refs/heads/main\n",
		string(zero) + " " + string(oidA) + " main\n", string(zero) + " " + string(oidA) + " ../x\n",
	} {
		r := strings.NewReader(in + strings.Repeat("more\n", 1000))
		if _, err := readChanges(r); err == nil || !strings.Contains(err.Error(), "reading what was pushed") {
			t.Errorf("%q: got %v", in, err)
		}
		if r.Len() > 0 {
			t.Errorf("%q: %d bytes are not read", in, r.Len())
		}
	}
	broken := errors.New("broken")
	if _, err := readChanges(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzChanges(f *testing.F) {
	f.Add(fmt.Sprintf("%s %s refs/heads/main\n", zero, oidA))
	f.Fuzz(func(t *testing.T, in string) {
		changes, err := readChanges(strings.NewReader(in))
		if err != nil {
			return
		}
		var again strings.Builder
		for _, c := range changes {
			fmt.Fprintf(&again, "%s %s %s\n", c.old, c.new, c.name)
		}
		if in != "" && !strings.HasSuffix(in, "\n") {
			in += "\n"
		}
		if again.String() != in {
			t.Errorf("%q was read as %q", in, again.String())
		}
	})
}
