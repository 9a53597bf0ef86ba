package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// remoteNamesCommand is for the completions: it looks at the configuration and nothing else.
func (inv invocation) remoteNamesCommand() *cli.Command {
	return &cli.Command{
		Name:         "remote-names",
		Usage:        "print the names of the remotes, one a line",
		Hidden:       true,
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			repositories, err := inv.repositories(c)
			if err != nil {
				return err
			}
			remotes, err := repositories[0].upstream.Select(nil)
			if err != nil {
				return err
			}
			for _, remote := range remotes {
				fmt.Fprintln(inv.stdout, remote.Name)
			}
			return nil
		},
	}
}
