package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds each wait for something that is to happen. It is long, since a wait that succeeds
// ends at once.
const patience = 30 * time.Second

// beginning is when everything happens that a script does not date otherwise, in seconds since
// 1970.
const beginning = 1_760_000_000

// cmdGit: git ARG… is short for exec git ARG….
func cmdGit(ts *testscript.TestScript, neg bool, args []string) {
	switch err := ts.Exec("git", args...); {
	case neg && err == nil:
		ts.Fatalf("git succeeded, and should have failed")
	case !neg && err != nil:
		ts.Fatalf("git: %v", err)
	}
}

// cmdExits: exits CODE PROGRAM ARG… is exec PROGRAM ARG…, which has to end with that exit code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s ended with %d, and should have with %s", args[1], code, args[0])
	}
}

// cmdCommit: commit REPOSITORY BRANCH [MESSAGE] adds a commit to a branch of a bare repository
// behind everybody's back: no work tree, no push, no hook. The branch is made if need be. The nth
// commit is dated n seconds after the beginning, so that no two are the same.
func cmdCommit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: commit REPOSITORY BRANCH [MESSAGE]")
	}
	repository, ref := args[0], "refs/heads/"+args[1]
	s := scriptOf(ts)
	s.commits++
	message := fmt.Sprintf("Commit %d", s.commits)
	if len(args) == 3 {
		message = args[2]
	}

	commitTree := []string{"commit-tree", "-m", message}
	old, err := gitIn(ts, repository, "rev-parse", "--quiet", "--verify", ref)
	if err == nil {
		commitTree = append(commitTree, "-p", old, old+"^{tree}")
	} else {
		emptyTree, err := gitIn(ts, repository, "mktree")
		ts.Check(err)
		commitTree = append(commitTree, emptyTree)
	}
	dated := ts.Getenv("GIT_COMMITTER_DATE")
	ts.Setenv("GIT_COMMITTER_DATE", date(s.commits))
	commit, err := gitIn(ts, repository, commitTree...)
	ts.Setenv("GIT_COMMITTER_DATE", dated)
	ts.Check(err)
	_, err = gitIn(ts, repository, "update-ref", ref, commit, old)
	ts.Check(err)
}

// date is some seconds after the beginning, as git takes it.
func date(seconds int) string {
	return fmt.Sprintf("%d +0000", beginning+seconds)
}

// cmdOID: oid VARIABLE REPOSITORY REVISION sets the variable to the id of the object that the
// revision names.
func cmdOID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: oid VARIABLE REPOSITORY REVISION")
	}
	id, err := gitIn(ts, args[1], "rev-parse", "--verify", args[2])
	ts.Check(err)
	ts.Setenv(args[0], id)
}

// cmdCmpref: cmpref REPOSITORY REPOSITORY fails unless both have the same branches and tags with
// the same values.
func cmdCmpref(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] cmpref REPOSITORY REPOSITORY")
	}
	var refs [2]string
	for i, repository := range args {
		var err error
		refs[i], err = gitIn(ts, repository, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
		ts.Check(err)
	}
	switch equal := refs[0] == refs[1]; {
	case neg && equal:
		ts.Fatalf("both %s and %s have\n%s", args[0], args[1], refs[0])
	case !neg && !equal:
		ts.Fatalf("%s has\n%s\n%s has\n%s", args[0], refs[0], args[1], refs[1])
	}
}

// cmdEnvsubst: envsubst FILE… puts the script's variables in place of their $NAMES in the files.
// Names are of capitals; any other $ stays as it is.
func cmdEnvsubst(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: envsubst FILE…")
	}
	for _, file := range args {
		text := variable.ReplaceAllStringFunc(ts.ReadFile(file), func(name string) string {
			value := ts.Getenv(name[1:])
			if value == "" {
				ts.Fatalf("%s has %s, which is not set", file, name)
			}
			return value
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

var variable = regexp.MustCompile(`\$[A-Z_][A-Z0-9_]*`)

// cmdTerminal: terminal COLUMNS PROGRAM ARG… runs a program on a terminal of that width. All that
// it shows there, with \n at the ends of lines, is the stdout.
func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] terminal COLUMNS PROGRAM ARG…")
	}
	columns, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), environ(ts)
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: uint16(columns)})
	ts.Check(err)
	defer screen.Close()
	shown, err := io.ReadAll(screen)
	if !errors.Is(err, syscall.EIO) { // how Linux says that nobody has it open any more
		ts.Check(err)
	}
	_, err = io.WriteString(ts.Stdout(), strings.ReplaceAll(string(shown), "\r\n", "\n"))
	ts.Check(err)
	switch err := cmd.Wait(); {
	case neg && err == nil:
		ts.Fatalf("%s succeeded, and should have failed", args[1])
	case !neg && err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
}

// cmdWaitfor: waitfor FILE… waits until all the files exist.
func cmdWaitfor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: waitfor FILE…")
	}
	for _, file := range args {
		if !eventually(func() bool { return exists(ts.MkAbs(file)) }) {
			ts.Fatalf("%s did not appear within %v", file, patience)
		}
	}
}

// cmdWaitgone: waitgone FILE… waits until none of the files exists.
func cmdWaitgone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: waitgone FILE…")
	}
	for _, file := range args {
		if !eventually(func() bool { return !exists(ts.MkAbs(file)) }) {
			ts.Fatalf("%s did not go within %v", file, patience)
		}
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// eventually returns true as soon as the condition holds, or false when patience ends.
func eventually(condition func() bool) bool {
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// gitIn runs git in a bare repository and returns what it printed. Unlike exec it leaves alone what
// the script's stdout and stderr are.
func gitIn(ts *testscript.TestScript, repository string, args ...string) (string, error) {
	return output(append(environ(ts), "GIT_DIR="+ts.MkAbs(repository)), "git", args...)
}

// output runs a program in an environment and returns what it printed, but for the line's end.
func output(env []string, program string, args ...string) (string, error) {
	return outputWithin(patience, env, program, args...)
}

// outputWithin is output for a program that may take another while.
func outputWithin(limit time.Duration, env []string, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, &stderr)
	}
	return strings.TrimSuffix(string(stdout), "\n"), nil
}
