package program

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sh(script string) Program {
	return Program{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Limit: time.Minute}
}

func TestAProgramGetsWhatItIsGivenAndNothingElse(t *testing.T) {
	t.Setenv("SECRET", "s3cret")
	p := sh(`cat; pwd; echo "${SECRET-unset}"; ! tty -s </dev/tty`)
	p.Stdin = []byte("hello\n")
	got, err := p.Run(t.Context())
	if err != nil || got != "hello\n/\nunset\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAFailureTellsWhatTheProgramSaid(t *testing.T) {
	_, err := sh("echo first >&2; echo 'no such mailbox' >&2; exit 3").Run(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "exit status 3: no such mailbox") {
		t.Errorf("got %v", err)
	}
	missing := Program{Argv: []string{"/nowhere/notify"}, Limit: time.Minute}
	if _, err := missing.Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAProgramThatTakesTooLongIsEndedWithAllItStarted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	p := sh("trap '' TERM; sleep 1000 & echo $! >" + file + "; wait")
	p.Limit = time.Second
	if _, err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "it took longer than 1s") {
		t.Errorf("got %v", err)
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A process that has ended, but that nobody has reaped, has no command line.
	for {
		left, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "cmdline"))
		if err != nil || len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAProgramIsEndedWithUs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := sh("sleep 1000").Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOutputIsCapped(t *testing.T) {
	got, err := sh("yes | head -c 1000000").Run(t.Context())
	if err != nil || len(got) != maxOutput {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestAProgramThatIsDiscreetIsNotQuotedOnItsSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		argv []string
		told bool
	}{
		"says what is wrong":  {[]string{"/bin/sh", "-c", "echo the vault is locked >&2; exit 3"}, true},
		"repeats an argument": {[]string{"/bin/cat", "hunter2"}, false},
		"prints it twice":     {[]string{"/bin/sh", "-c", "x=$(printf 'hun%s' ter2); echo $x; echo got $x >&2; exit 3"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := Program{Argv: c.argv, Stdin: []byte("the vault is locked\n"), Limit: time.Minute, Discreet: true}
			_, err := p.Run(t.Context())
			if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "the vault is locked") != c.told {
				t.Errorf("got %v", err)
			}
		})
	}
}
