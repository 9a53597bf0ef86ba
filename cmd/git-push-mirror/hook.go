package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"git-push-mirror/hook"
)

func (inv invocation) hookCommand() *cli.Command {
	return &cli.Command{
		Name:  "hook",
		Usage: "mirror what was pushed; post-receive runs it",
		Description: "Reads from standard input what git gives to post-receive. The program does the same\n" +
			"when it is called as post-receive, or out of a post-receive.d folder. Exits as the hook\n" +
			"that was there before it does, else with 0: a push that was accepted cannot fail any more.",
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usageError{errors.New("hook takes no arguments"), "what was pushed comes on standard input"}
			}
			inv := inv
			if c.IsSet("C") {
				inv.dir = inv.directory(c)
				inv.env = slices.DeleteFunc(slices.Clone(inv.env), func(kv string) bool { return strings.HasPrefix(kv, "GIT_DIR=") })
			}
			if code := inv.runHook(c.Context, func() {}); code != 0 {
				return chainedError{code}
			}
			return nil
		},
	}
}

// chainedError is the exit code of the hook that was there before us.
type chainedError struct{ code int }

func (e chainedError) Error() string { return fmt.Sprintf("the former hook exits with %d", e.code) }

// runHook runs the hook; catch has signals end ctx. To catch them takes a thread, which pushers would wait for: until what was pushed
// is marked, which is a matter of a moment and has to be done although a pusher has had enough, they are ignored instead.
func (inv invocation) runHook(ctx context.Context, catch func()) int {
	if f, ok := inv.stdin.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		defer time.AfterFunc(time.Second/2, catch).Stop()
	}
	program, err := os.Executable()
	if err != nil {
		inv.complain(err)
	}
	code, err := hook.Hook{Dir: inv.dir, Program: program, Env: inv.env, Stdin: inv.stdin, Stderr: inv.stderr, Waits: catch}.Run(ctx)
	if err != nil {
		inv.complain(err)
	}
	return code
}
