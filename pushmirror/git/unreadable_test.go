package git

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyWhatIsThereAndHoldsNoObjectIDIsDamaged has git warn of each ref, as it does also of one
// that is being deleted.
func TestOnlyWhatIsThereAndHoldsNoObjectIDIsDamaged(t *testing.T) {
	r := &Repository{dir: t.TempDir()}
	warnings := ""
	for name, content := range map[string]string{
		"empty": "", "text": "garbage\n", "zero": strings.Repeat("0", 40) + "\n", "whole": strings.Repeat("a", 40) + "\n",
	} {
		file := filepath.Join(r.dir, "refs/heads", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
		warnings += "warning: ignoring broken ref refs/heads/" + name + "\n"
	}
	warnings += "warning: ignoring broken ref refs/heads/gone\nwarning: something else\n"
	var failed *UnreadableError
	if _, err := r.unlisted(nil, warnings); !errors.As(err, &failed) {
		t.Fatal("nothing is damaged")
	}
	got := map[string]bool{}
	for _, name := range failed.Names {
		got[strings.TrimPrefix(name, "refs/heads/")] = true
	}
	if len(got) != 3 || !got["empty"] || !got["text"] || !got["zero"] {
		t.Errorf("damaged are %q", failed.Names)
	}
}
