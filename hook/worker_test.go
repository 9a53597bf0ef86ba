package hook

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAWorkerHasNothingOfThePushers(t *testing.T) {
	got := workerEnv([]string{
		"HOME=/home/git", "PATH=/bin", "GIT_DIR=.", "SSH_AUTH_SOCK=/tmp/agent", "REMOTE_USER=ada", "GL_USER=ada", "LANG=de_DE",
		"GIT_PUSH_OPTION_COUNT=1", "PUSH_MIRROR_CONFIG=/etc/x.toml", "HTTP_PROXY=http://attacker", "https_proxy=http://proxy",
	})
	want := []string{"HOME=/home/git", "PATH=/bin", "PUSH_MIRROR_CONFIG=/etc/x.toml", "https_proxy=http://proxy"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// In a state directory that a group shares, somebody may have put a link where the log is to be.
func TestAWorkerWritesThroughNoLink(t *testing.T) {
	dir := t.TempDir()
	file, log := filepath.Join(dir, "file"), filepath.Join(dir, "worker.log")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, log); err != nil {
		t.Fatal(err)
	}
	if err := (Hook{Program: "/bin/true"}).startWorker(log, nil); err == nil {
		t.Error("it was started")
	}
}
