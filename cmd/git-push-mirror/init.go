package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"git-push-mirror/install"
	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

func (inv invocation) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a repository's first push-mirror.toml",
		ArgsUsage: "[NAME URL]",
		Description: "With a remote of that name, or with an example to fill in. A file that is there is\n" +
			"never touched.",
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if n := c.NArg(); n != 0 && n != 2 {
				return usageError{errors.New("init takes the name and the url of a remote, or neither"), "git push-mirror init NAME URL"}
			}
			repo, err := inv.findOurs(c)
			if err != nil {
				return err
			}
			return inv.runInit(c.Context, repo, c.Args().Get(0), c.Args().Get(1))
		},
	}
}

// runInit writes the file and names the next command. The name and the url are both empty, or
// neither is.
func (inv invocation) runInit(ctx context.Context, repo *git.Repository, name, url string) error {
	if parsed, err := config.ParseURL(url); err == nil && parsed.HasUserinfo() { // what is wrong with it is told below
		return usageError{
			errors.New("the url has a user or password in it, which all users of this machine can see in a command"),
			"leave it out up to the @; then write username and password_file below the remote in " + config.RepositoryFile,
		}
	}
	path, err := install.WriteConfig(ctx, pushmirror.Sources(ctx, repo, inv.getenv), name, url)
	if errors.Is(err, install.ErrConfigExists) {
		return usageError{err, "edit " + path + ", or: git push-mirror remote add NAME URL"}
	}
	if err != nil {
		return err
	}
	inv.say("note", "wrote "+path)
	next := inv.commandFor(repo.Dir(), "check") + ", then sync"
	if runs, err := install.Runs(ctx, repo); err == nil && !runs {
		next = inv.commandFor(repo.Dir(), "install")
		if bare, err := install.Bare(ctx, repo); err == nil && !bare {
			inv.say("note", "this is no bare repository, and pushes to one with a work tree are seldom meant")
			next += " --force"
		}
	}
	if name == "" {
		next = "write the name and url of a mirror into it, then " + next
	}
	inv.say("hint", "next: "+next)
	return nil
}
