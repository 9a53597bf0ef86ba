package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARepositoryIsSafeIfGitsConfigurationNamesIt(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "srv/a.git")
	for _, sub := range []string{"objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("srv", filepath.Join(home, "link")); err != nil {
		t.Fatal(err)
	}
	g, err := New([]string{"GIT_CONFIG_NOSYSTEM=1", "HOME=" + home})
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for values, want := range map[string]bool{
		"*":                      true,
		"HOME/srv/a.git":         true,
		"HOME/srv/a.git/":        true,
		"HOME/link/a.git":        true,
		"HOME/srv":               false,
		"HOME/srv/a":             false,
		"HOME/srv/*":             true,
		"HOME/link/*":            true,
		"HOME/*":                 true,
		"HOME/sr/*":              false,
		"HOME/srv/a.git/*":       false,
		"HOME/gone/*":            false,
		"/*":                     true,
		"~/srv/a.git":            true,
		"~/srv/*":                true,
		"~/other/*":              false,
		"srv/a.git":              false,
		"srv/*":                  false,
		"* /elsewhere.git":       true,
		"* EMPTY":                false,
		"* EMPTY /elsewhere.git": false,
		"EMPTY HOME/srv/a.git":   true,
	} {
		var config strings.Builder
		config.WriteString("[safe]\n")
		for value := range strings.FieldsSeq(values) {
			config.WriteString("\tdirectory = " + strings.NewReplacer("HOME", home, "EMPTY", "").Replace(value) + "\n")
		}
		if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := r.IsSafe(t.Context()); err != nil || got != want {
			t.Errorf("with %s it is safe: %t, %v", values, got, err)
		}
	}
}
