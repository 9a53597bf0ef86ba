package pushmirror

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestBareRepositoriesLooksNoFurtherOnceInterrupted(t *testing.T) {
	root := t.TempDir()
	for _, part := range []string{"HEAD", "objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(root, "a.git", part), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if dirs, failed, err := BareRepositories(t.Context(), root); len(dirs) != 1 || len(failed) > 0 || err != nil {
		t.Errorf("found %q, %v, %v", dirs, failed, err)
	}
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	if dirs, failed, err := BareRepositories(ctx, root); len(dirs)+len(failed) > 0 || !errors.Is(err, interrupted) {
		t.Errorf("found %q, %v, %v", dirs, failed, err)
	}
}

func TestAFolderThatLeadsToAnotherRepositoryIsNone(t *testing.T) {
	root := t.TempDir()
	for _, part := range []string{"HEAD", "objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(root, "a.git", part), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "a.git", "commondir"), []byte("/elsewhere.git\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if dirs, failed, err := BareRepositories(t.Context(), root); len(dirs)+len(failed) > 0 || err != nil {
		t.Errorf("found %q, %v, %v", dirs, failed, err)
	}
}
