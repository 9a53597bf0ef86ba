package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// interceptor is the git that is found first while a script intercepts it: the real one, after the
// script's action. The action sees none of what the program told git, so it acts as somebody else
// would.
const interceptor = `#!/bin/sh
case "$* " in
*' --dry-run '*) ;;
'%[3]s '*)
	if %[4]s; then
		(
			unset GIT_DIR GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NO_REPLACE_OBJECTS GIT_GRAFT_FILE
			PATH=${PATH#'%[1]s:'}
			cd '%[5]s' && sh -eu '%[6]s' >&2
		) || { echo 'fatal: the intercepting action failed' >&2; exit 70; }
	fi ;;
esac
exec '%[2]s' "$@"
`

// cmdIntercept: intercept push|ls-remote FILE has the shell script FILE run in $WORK just before
// the next git push, or git ls-remote, of the program; with -each before every one. What push
// --dry-run only tries is no push. A second call takes the place of the first. Git puts its own
// folder in front of the PATH, so git push-mirror and hooks are not intercepted.
func cmdIntercept(ts *testscript.TestScript, neg bool, args []string) {
	commands := map[string]string{"push": "push --porcelain", "ls-remote": "ls-remote"}
	due := `mkdir "$0.done" 2>/dev/null`
	if len(args) > 0 && args[0] == "-each" {
		due, args = "true", args[1:]
	}
	if neg || len(args) != 2 || commands[args[0]] == "" {
		ts.Fatalf("usage: intercept [-each] push|ls-remote FILE")
	}
	dir := ts.MkAbs("intercept")
	path := strings.TrimPrefix(ts.Getenv("PATH"), dir+":")
	git, err := lookPath("git", path)
	ts.Check(err)

	ts.Check(os.RemoveAll(dir))
	ts.Check(os.Mkdir(dir, 0o700))
	text := fmt.Sprintf(interceptor, dir, git, commands[args[0]], due, ts.MkAbs("."), ts.MkAbs(args[1]))
	ts.Check(os.WriteFile(filepath.Join(dir, "git"), []byte(text), 0o700))
	ts.Setenv("PATH", dir+":"+path)
}

// lookPath finds a program in a PATH that is not ours.
func lookPath(program, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s", program, path)
}
