package hook

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
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

// Without a shell, a worker that may begin later begins at once. A shell reads nothing into the
// path of the program.
func TestAWorkerNeedsNoShell(t *testing.T) {
	program := filepath.Join(t.TempDir(), "it's $(here);\n\"*")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"", "/bin/sh", "/nowhere/sh"} {
		log := filepath.Join(t.TempDir(), "worker.log")
		if err := (Hook{Program: program, shell: shell}).startWorker(log, os.Environ()); err != nil {
			t.Errorf("with %q: %v", shell, err)
			continue
		}
		var said []byte
		for range 1000 {
			if said, _ = os.ReadFile(log); len(said) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if string(said) != "worker --until-idle\n" {
			t.Errorf("with %q: %q", shell, said)
		}
	}
}
