package main

import "github.com/urfave/cli/v2"

func (inv invocation) hookCommand() *cli.Command {
	return &cli.Command{
		Name:  "hook",
		Usage: "mirror what was pushed; post-receive runs it",
		Description: "Reads from standard input what git gives to post-receive. The program does the same\n" +
			"when it is called as post-receive, or out of a post-receive.d folder. Exits with 0, since\n" +
			"a push that has been accepted cannot fail any more.",
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			inv.runHook(c.Context)
			return nil
		},
	}
}
