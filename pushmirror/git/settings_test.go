package git

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAnEmptySafeDirectoryForgetsThoseBefore(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	text := "[safe]\n\tdirectory = *\n\tdirectory =\n\tdirectory = /srv/git/a.git\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := New([]string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + config})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := g.SafeDirectories(t.Context()); err != nil || !slices.Equal(got, []string{"/srv/git/a.git"}) {
		t.Errorf("safe are %q, %v", got, err)
	}
}
