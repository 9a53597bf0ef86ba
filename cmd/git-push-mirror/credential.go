package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror/git"
)

// credentialCommand is git's credential helper, as git-credential(1) describes it. What git
// wants stored or erased is the owner's business.
func (inv invocation) credentialCommand() *cli.Command {
	return &cli.Command{
		Name:      "credential",
		Usage:     "hand a password to the git that a worker or sync runs",
		ArgsUsage: "FD get|store|erase",
		Hidden:    true,
		Action: func(c *cli.Context) error {
			fd, err := strconv.Atoi(c.Args().First())
			if err != nil {
				return usageError{fmt.Errorf("%q is no descriptor", c.Args().First()), "git calls this command, not you"}
			}
			if c.Args().Get(1) != "get" {
				return nil
			}
			request, err := unlessInterrupted(c.Context, func() ([]byte, error) { return io.ReadAll(io.LimitReader(inv.stdin, 1<<20)) })
			if err != nil {
				return fmt.Errorf("reading git's request: %w", err)
			}
			answer, err := git.AskLogin(fd, request)
			if err != nil {
				return err
			}
			_, err = io.WriteString(inv.stdout, answer)
			return err
		},
	}
}
