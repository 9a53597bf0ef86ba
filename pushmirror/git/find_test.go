package git

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFindTakesTheRepositoryThatGitWouldWorkOn(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bare := newTestRepo(t)
	for _, to := range []string{"bare.git", "within.git", "within.git/.git"} {
		if err := os.CopyFS(filepath.Join(base, to), os.DirFS(bare.dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("bare.git", filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"bare.git": "bare.git", "bare.git/objects": "bare.git", "link": "bare.git", "within.git": "within.git/.git", ".": "",
	} {
		got, err := bare.git.Find(t.Context(), filepath.Join(base, dir), "")
		switch {
		case want == "" && !errors.Is(err, ErrNoRepository):
			t.Errorf("%s: found %v, %v", dir, got, err)
		case want != "" && err != nil:
			t.Errorf("%s: %v", dir, err)
		case want != "" && got.Dir() != filepath.Join(base, want):
			t.Errorf("%s: found %s, want %s", dir, got.Dir(), want)
		}
	}
}
