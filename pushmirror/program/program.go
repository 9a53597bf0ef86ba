// Package program runs the programs that a configuration names.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Program is a program and how it is run: in a session of its own, so that it finds no
// terminal to ask on, and in the folder /.
type Program struct {
	Argv  []string // not empty; no shell reads it
	Env   []string // "KEY=value"
	Stdin []byte
	Limit time.Duration // after which it is ended, with all that it started
	// Discreet: its arguments and what it writes to stdout are secret, so what it writes to stderr
	// is in no error if any of them is in there.
	Discreet bool
}

// maxOutput is how much of what it writes is kept, in bytes, and killDelay how long what it
// started may go on when it was told to end.
const (
	maxOutput = 64 << 10
	killDelay = 3 * time.Second
)

// Run runs the program to its end and returns what it wrote to stdout. Its error has the
// program's name, how it ended, and the last line that it wrote to stderr.
func (p Program) Run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...) //nolint:gosec // The owner's own words.
	stdout, stderr := &limited{}, &limited{}
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = "/", p.Env, bytes.NewReader(p.Stdin), stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = killDelay
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	err := cmd.Run()
	if cmd.Process != nil && err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	switch {
	case err == nil:
		return stdout.String(), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %s", p.Limit)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if said := lastLine(stderr.String()); said != "" && !(p.Discreet && repeats(said, append(strings.Fields(stdout.String()), p.Argv[1:]...))) {
		return stdout.String(), fmt.Errorf("running %s: %w: %s", p.Argv[0], err, said)
	}
	return stdout.String(), fmt.Errorf("running %s: %w", p.Argv[0], err)
}

// repeats reports whether a text has one of the words in it; short ones only count as words.
func repeats(text string, words []string) bool {
	fields := strings.Fields(text)
	return slices.ContainsFunc(words, func(word string) bool {
		return len(word) > 2 && strings.Contains(text, word) || slices.Contains(fields, word)
	})
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// limited keeps the beginning of what is written to it.
type limited struct{ kept bytes.Buffer }

// Write implements io.Writer; it never fails.
func (l *limited) Write(text []byte) (int, error) {
	if room := maxOutput - l.kept.Len(); room > 0 {
		l.kept.Write(text[:min(room, len(text))])
	}
	return len(text), nil
}

// String is what was kept.
func (l *limited) String() string { return l.kept.String() }
