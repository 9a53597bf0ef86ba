package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"git-push-mirror/install"
	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/git"
)

// checkOptions are the flags of check.
type checkOptions struct {
	remotes []string
	json    bool
}

func (inv invocation) checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check that all is in place, and say how to mend what is not",
		ArgsUsage: "[REMOTE…]",
		Description: "Looks at the repository and asks each mirror whether we may read it and push to it.\n" +
			"Nothing is changed, so it cannot tell whether a mirror would refuse a single ref. Run it\n" +
			"as the user that the hook runs as. Exits with 1 if a line begins with fail.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print an array of objects, all keys of the config among them"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			repo, err := inv.find(c)
			if err != nil {
				return err
			}
			return inv.runCheck(c.Context, repo, checkOptions{remotes: c.Args().Slice(), json: c.Bool("json")})
		},
	}
}

// runCheck prints each finding as soon as those before it are printed.
func (inv invocation) runCheck(ctx context.Context, repo *git.Repository, opt checkOptions) error {
	findings := []pushmirror.Finding{}
	checkup := pushmirror.Checkup{Repo: repo, Getenv: inv.getenv, Hook: install.Check}
	failed := false
	err := checkup.Run(ctx, opt.remotes, func(f pushmirror.Finding) {
		failed = failed || f.Level == pushmirror.LevelFail
		if opt.json {
			findings = append(findings, f)
		} else {
			inv.printFinding(f)
		}
	})
	if err != nil {
		return err
	}
	if opt.json {
		if err := printJSON(inv.stdout, findings); err != nil {
			return err
		}
	}
	if failed {
		return errTrouble
	}
	return nil
}

// printFinding prints a line and, below it, the cure. Keys that no file has are for programs.
func (inv invocation) printFinding(f pushmirror.Finding) {
	if f.Setting != nil && f.Setting.File == nil {
		return
	}
	text := strings.ReplaceAll(f.Check, "_", " ") + ": " + f.Detail
	if f.Remote != nil {
		text = *f.Remote + ": " + text
	}
	text = fmt.Sprintf("%-4s  %s\n", f.Level, git.Printable(text))
	if f.Hint != nil {
		text += "      hint: " + git.Printable(*f.Hint) + "\n"
	}
	_, _ = fmt.Fprint(inv.stdout, text)
}
