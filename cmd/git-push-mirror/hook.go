package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

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
			if code := inv.runHook(c.Context, nil); code != 0 {
				return chainedError{code}
			}
			return nil
		},
	}
}

// chainedError is the exit code of the hook that was there before us.
type chainedError struct{ code int }

func (e chainedError) Error() string { return fmt.Sprintf("the former hook exits with %d", e.code) }

// hook is our hook, which this program runs, or which has a worker look at a remote.
func (inv invocation) hook() (hook.Hook, error) {
	program, err := os.Executable()
	return hook.Hook{Dir: inv.dir, Program: program, Env: inv.env, Stdin: inv.stdin, Stderr: inv.stderr}, err
}

// runHook runs the hook, with waits as its Waits.
func (inv invocation) runHook(ctx context.Context, waits func()) int {
	h, err := inv.hook()
	if err != nil {
		inv.complain(err)
	}
	h.Waits = waits
	code, err := h.Run(ctx)
	if err != nil {
		inv.complain(err)
	}
	return code
}
