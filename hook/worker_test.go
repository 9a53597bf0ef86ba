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

// A shell reads nothing into the path of the program, and keeps the socket that it waited for to
// itself. Without one, a worker that may begin later begins at once.
func TestAWorkerNeedsNoShell(t *testing.T) {
	program := filepath.Join(t.TempDir(), "it's $(here);\n\"*")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" $(readlink /proc/$$/fd/0)\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"", "/bin/dash", "/bin/bash", "/nowhere/sh"} {
		log := filepath.Join(t.TempDir(), "worker.log")
		called := time.Now()
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
		if string(said) != "worker --until-idle /dev/null\n" {
			t.Errorf("with %q: %q", shell, said)
		}
		if _, err := os.Stat(shell); err == nil && time.Since(called) < pushEnds/2 {
			t.Errorf("with %q: it began while the push may not have ended", shell)
		}
	}
}
