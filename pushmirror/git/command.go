package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// inherited are the variables that git and what it starts may see. All else is
// dropped: what is delivered must not depend on who pushed, and a hook's
// environment points git at the repository that was pushed to. The upper-case
// HTTP_PROXY is missing on purpose: in a CGI program it is a request header.
var inherited = []string{
	"HOME", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER", "LD_LIBRARY_PATH",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK",
	"ALL_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "http_proxy", "https_proxy", "no_proxy",
	"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH",
}

// Inherits reports whether git and what it starts may see an environment variable.
func Inherits(key string) bool { return slices.Contains(inherited, key) }

// Environ keeps from "KEY=value" strings what git and what it starts may see.
func Environ(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return !Inherits(key)
	})
}

// Getenv is the value of a variable in an environment, "KEY=value" strings; "" if it is not set.
func Getenv(env []string, key string) string {
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, key+"="); ok {
			return value
		}
	}
	return ""
}

// fixed is set for every git: English messages, since they are read; nobody is
// asked for a password; and upstream's replace refs and grafts, which make
// anybody's commit look like an ancestor, do not count.
var fixed = []string{
	"LC_ALL=C",
	"GIT_TERMINAL_PROMPT=0",
	"GIT_ASKPASS=",
	"GIT_NO_REPLACE_OBJECTS=1",
	"GIT_GRAFT_FILE=/dev/null",
	"GIT_OPTIONAL_LOCKS=0",
	"GIT_NO_LAZY_FETCH=1",
}

// killDelay is how long a git that was told to end may take to do so.
const killDelay = 3 * time.Second

// Git runs the system's git.
type Git struct {
	path string   // of the program, absolute
	env  []string // of every command, without GIT_DIR
	seen func(args []string, took time.Duration, err error)
}

// Environ is what git gets of the environment, as "KEY=value".
func (g *Git) Environ() []string { return slices.Clone(g.env) }

// Watch has seen called with each command that has ended: its arguments without "git", in
// which no secret stands, how long it took and what went wrong. It may be called from many
// goroutines.
func (g *Git) Watch(seen func(args []string, took time.Duration, err error)) { g.seen = seen }

// New finds git in this process's PATH and keeps from env ("KEY=value" strings, as os.Environ
// gives them) what git may see. Without git, its error is an *Error of the kind local.
func New(env []string) (*Git, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return nil, &Error{Kind: KindLocal, Err: err, Hint: "install git 2.31 or newer"}
	}
	return &Git{path: path, env: append(Environ(env), fixed...)}, nil
}

// command is one run of git.
type command struct {
	dir string // the repository, absolute: GIT_DIR and working directory; empty: where we are
	// reaches: it runs in a scratch repository and may use any transport. In any other repository,
	// whoever may write to its config could have a missing object fetched by a program of theirs.
	reaches bool
	args    []string
	env     []string  // besides what every command gets
	stdin   io.Reader // nil: nothing to read
	stdout  io.Writer // nil: thrown away
	stderr  io.Writer // gets a copy of stderr as it comes; nil: nobody looks
	talk    bool      // progress is on stdout, as git-lfs has it, and stderr tells only of failures
	// answer ends git when the mirror's host has not sent a byte for so long, stall when it
	// makes no progress for so long (see pulse); 0: never.
	answer, stall time.Duration
	packing       func() // called when git push begins with its pack; nil: nobody asks
	login         *Login // nil: git asks its own credential helpers
	mask          Mask   // for all that is written to stderr
}

// run runs git to its end, returns what it wrote to stderr, and reports the run to Watch.
func (g *Git) run(ctx context.Context, c command) (stderr string, err error) {
	if g.seen == nil {
		return g.start(ctx, c)
	}
	began := time.Now()
	stderr, err = g.start(ctx, c)
	g.seen(c.args, time.Since(began), err)
	return stderr, err
}

// start is run without Watch. Git gets a session of its own, so that neither it nor ssh finds a
// terminal to ask on. When ctx is done or git was killed, its whole process group is ended: git
// alone would leave its transport behind.
func (g *Git) start(ctx context.Context, c command) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	unanswered, hasAnswered := context.WithCancel(ctx)
	defer hasAnswered()
	beat := newPulse(c, cancel, hasAnswered)
	defer beat.stop()

	cmd := g.process(ctx, c)
	var stderr capture
	looked := io.Discard
	if c.stderr != nil {
		looked = c.stderr
	}
	writers := []io.Writer{&stderr, beat}
	shown := &masked{mask: c.mask, w: io.MultiWriter(beat, looked)}
	if c.talk {
		c.stdout = shown
	} else {
		writers = append(writers, looked)
	}
	said := &masked{mask: c.mask, w: io.MultiWriter(writers...)}
	cmd.Stderr = copied{said}
	if c.stdout != nil {
		cmd.Stdout = copied{c.stdout}
	}
	if c.login != nil {
		socket, stop, err := c.login.serve()
		if err != nil {
			return "", newError(ctx, c.args, "", err)
		}
		defer stop()
		defer socket.Close()
		cmd.ExtraFiles = []*os.File{socket} // descriptor loginFD
	}
	defer endWithUs(cmd)()
	err := cmd.Start()
	if err == nil {
		if c.answer > 0 {
			go awaitAnswer(unanswered, cmd.Process.Pid, c.answer, cancel)
		}
		err = cmd.Wait()
	}
	if cmd.Process != nil && (ctx.Err() != nil || errors.Is(err, exec.ErrWaitDelay) || cmd.ProcessState.ExitCode() < 0) {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	_, _ = said.flush(), shown.flush()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil && cmd.ProcessState.Success() {
		err = nil // somebody that git has started holds its stderr, as an ssh does that stays for others
	}
	if err == nil {
		return stderr.String(), nil
	}
	failed := newError(ctx, c.args, stderr.String(), err)
	// No mirror has a part in it.
	if !c.reaches && c.dir != "" && failed.ExitCode > 0 && failed.Kind == KindNetwork && failed.Hint == "" {
		failed.Kind, failed.Hint = KindLocal, fmt.Sprintf("run git -C %s fsck", ShellQuote(c.dir))
	}
	return stderr.String(), failed
}

// process prepares git: arguments, environment, input and how to end it, but not its output.
func (g *Git) process(ctx context.Context, c command) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.path, c.args...)
	cmd.Env = append(slices.Clip(g.env), c.env...)
	if !c.reaches {
		cmd.Env = append(cmd.Env, "GIT_ALLOW_PROTOCOL=none")
	}
	if c.dir != "" {
		cmd.Dir = c.dir
		cmd.Env = append(cmd.Env, "GIT_DIR="+c.dir)
	}
	cmd.Stdin = c.stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = killDelay
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return cmd
}

// copied is a writer for a command's output that shares copy buffers: os/exec would allocate 32 KiB
// for each stream of each command, most of which write a few bytes.
type copied struct{ io.Writer }

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ReadFrom implements io.ReaderFrom.
func (c copied) ReadFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(c.Writer, struct{ io.Reader }{r}, buffer[:])
}

// output runs git in the repository dir and returns what it wrote to stdout.
func (g *Git) output(ctx context.Context, dir string, stdin io.Reader, args ...string) (string, error) {
	var stdout strings.Builder
	_, err := g.run(ctx, command{dir: dir, args: args, stdin: stdin, stdout: &stdout})
	return stdout.String(), err
}

// maxStderr is how much of each end of a command's stderr is kept, in bytes:
// the cause stands at one of the ends, and a remote can send gigabytes.
const maxStderr = 16 << 10

// capture keeps the beginning and the end of what is written to it.
type capture struct {
	head, tail []byte
	dropped    bool
}

// Write implements io.Writer; it never fails.
func (c *capture) Write(p []byte) (int, error) {
	n := len(p)
	if room := maxStderr - len(c.head); room > 0 {
		taken := min(room, len(p))
		c.head = append(c.head, p[:taken]...)
		p = p[taken:]
	}
	c.tail = append(c.tail, p...)
	if over := len(c.tail) - maxStderr; over > 0 {
		c.tail = append(c.tail[:0], c.tail[over:]...)
		c.dropped = true
	}
	return n, nil
}

// String is what was kept, saying where something is left out. The end begins with a whole line:
// the rest of one does not tell whose words it is.
func (c *capture) String() string {
	if !c.dropped {
		return string(c.head) + string(c.tail)
	}
	tail := c.tail
	if i := bytes.IndexAny(tail, "\r\n"); i >= 0 {
		tail = tail[i+1:]
	}
	return fmt.Sprintf("%s\n[…]\n%s", c.head, tail)
}
