package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"git-push-mirror/install"
	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

// installOptions are the flags of install and uninstall.
type installOptions struct {
	recursive bool
	dryRun    bool
	force     bool
	uninstall bool
}

func (inv invocation) installCommand() *cli.Command {
	return &cli.Command{
		Name:      "install",
		Usage:     "put the hook into bare repositories",
		ArgsUsage: "[DIR…]",
		Description: "Into the repository of the current directory, or of each DIR. A post-receive that is\n" +
			"there goes on being run, and one of ours that somebody has changed stays. Exits with 1\n" +
			"if a repository could not be dealt with.",
		Flags: append(installFlags(),
			&cli.BoolFlag{Name: "force", Usage: "install into a repository with a work tree, too"}),
		OnUsageError: usage,
		Action:       func(c *cli.Context) error { return inv.actInstall(c, false) },
	}
}

func (inv invocation) uninstallCommand() *cli.Command {
	return &cli.Command{
		Name:      "uninstall",
		Usage:     "take the hook out of repositories",
		ArgsUsage: "[DIR…]",
		Description: "The post-receive that was there before comes back. Configuration and state of the\n" +
			"mirrors stay: push-mirror.toml and the folder push-mirror in the repository.",
		Flags:        installFlags(),
		OnUsageError: usage,
		Action:       func(c *cli.Context) error { return inv.actInstall(c, true) },
	}
}

func installFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "recursive", Usage: "act on every bare repository below DIR, the current directory or root"},
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would be done, change nothing"},
	}
}

func (inv invocation) actInstall(c *cli.Context, uninstall bool) error {
	targets, err := inv.installTargets(c)
	if err != nil {
		return err
	}
	return inv.runInstall(c.Context, targets, installOptions{
		recursive: c.Bool("recursive"), dryRun: c.Bool("dry-run"), force: c.Bool("force"), uninstall: uninstall,
	})
}

// installTargets gives the repositories of the directories that are named, or below them
// with --recursive.
func (inv invocation) installTargets(c *cli.Context) ([]repository, error) {
	g, err := git.New(inv.env)
	if err != nil {
		return nil, err
	}
	dirs := c.Args().Slice()
	for i, dir := range dirs {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(inv.directory(c), dir)
		}
		if dirs[i], err = filepath.Abs(dir); err != nil {
			return nil, err
		}
	}
	switch {
	case !c.Bool("recursive") && len(dirs) == 0:
		repo, err := inv.find(c)
		if err != nil {
			return nil, err
		}
		return []repository{{dir: repo.Dir()}}, nil
	case !c.Bool("recursive"):
		return reposOf(c.Context, g, dirs)
	case len(dirs) == 0:
		root, err := inv.root(c)
		if err != nil {
			return nil, err
		}
		dirs = []string{root}
	}
	return reposBelow(c.Context, dirs, "name the directory that the repositories are in")
}

func reposOf(ctx context.Context, g *git.Git, dirs []string) ([]repository, error) {
	var all []repository
	for _, dir := range dirs {
		repo, err := g.Find(ctx, dir, "")
		if errors.Is(err, git.ErrNoRepository) {
			return nil, usageError{err, "name bare repositories, or a directory that has them below it and --recursive"}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, repository{dir: repo.Dir()})
	}
	return all, nil
}

// installOutcome is what became of one repository.
type installOutcome struct {
	install.Result
	err error
}

// maxInstalls is how many repositories are dealt with at once: each waits for git and for
// the disk.
const maxInstalls = 8

// runInstall deals with the repositories and tells of them in order.
func (inv invocation) runInstall(ctx context.Context, targets []repository, opt installOptions) error {
	program, err := inv.program()
	if err != nil {
		return err
	}
	installer := install.Installer{Program: program, Env: inv.env, Force: opt.force, DryRun: opt.dryRun}
	do := installer.Install
	if opt.uninstall {
		do = installer.Uninstall
	}
	outcomes := make([]chan installOutcome, len(targets))
	for i := range outcomes {
		outcomes[i] = make(chan installOutcome, 1)
	}
	go func() {
		places := make(chan struct{}, maxInstalls)
		for i, target := range targets {
			places <- struct{}{}
			go func() {
				defer func() { <-places }()
				outcome := installOutcome{err: target.err}
				if target.err == nil {
					outcome.Result, outcome.err = do(ctx, target.dir)
				}
				outcomes[i] <- outcome
			}()
		}
	}()
	sum := map[install.Done]int{}
	failed := 0
	for i, target := range targets {
		outcome := <-outcomes[i]
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if outcome.err != nil {
			failed++
			inv.say("error", target.dir+": "+outcome.err.Error())
			inv.say("hint", pushmirror.HintOf(outcome.err))
			continue
		}
		sum[outcome.Done]++
		_, _ = fmt.Fprintln(inv.stdout, git.Printable(installLine(target.dir, outcome.Result, opt)))
	}
	if opt.recursive {
		inv.say("note", installSum(len(targets), failed, sum, opt))
	}
	if failed > 0 {
		return errTrouble
	}
	if !opt.uninstall && !opt.dryRun {
		inv.say("hint", inv.afterInstall(targets, opt))
	}
	return nil
}

// installLine says what was done to a repository, or would be.
func installLine(dir string, r install.Result, opt installOptions) string {
	line := string(r.Done)
	if opt.dryRun && r.Done != install.Unchanged && r.Done != install.NotThere {
		line = "would be " + line
	}
	line = dir + ": " + line
	if r.Done != install.NotThere {
		line += " " + r.Hook
	}
	if r.Note != "" {
		line += " (" + r.Note + ")"
	}
	return line
}

// installSum counts what became of many repositories.
func installSum(all, failed int, sum map[install.Done]int, opt installOptions) string {
	var parts []string
	for _, done := range []install.Done{
		install.Installed, install.Updated, install.Unchanged, install.Removed, install.Restored, install.NotThere,
	} {
		if n := sum[done]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, done))
		}
	}
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", failed))
	}
	text := count(all, "repository", "repositories") + ": " + strings.Join(parts, ", ")
	if opt.dryRun {
		text += "; nothing was changed"
	}
	return text
}

// afterInstall is the next command to type.
func (inv invocation) afterInstall(targets []repository, opt installOptions) string {
	root, dir := targets[0].root, targets[0].dir
	if opt.recursive || len(targets) > 1 {
		without := 0
		for _, r := range targets {
			if !inv.hasRemotes(r.dir) {
				without++
			}
		}
		rest := "" // which the system's configuration may well leave out
		if without > 0 {
			rest = "; " + count(without, "repository has", "repositories have") + " no mirror"
		}
		switch {
		case without == len(targets):
			return "next: git push-mirror init NAME URL, in each repository that is to have a mirror, then git push-mirror check and sync"
		case !opt.recursive || slices.ContainsFunc(targets, func(r repository) bool { return r.root != root }):
			return "next: git push-mirror check, in each repository, then sync" + rest
		}
		return "next: " + inv.commandFor(root, "sync --recursive") + ", then " + inv.commandFor(root, "status --recursive") + rest
	}
	if inv.hasRemotes(dir) {
		return "next: " + inv.commandFor(dir, "check") + ", then sync"
	}
	return "next: " + inv.commandFor(dir, "init NAME URL")
}

// hasRemotes reports whether a repository's configuration has remotes, or faults, of which check
// tells.
func (inv invocation) hasRemotes(dir string) bool {
	loaded, err := config.Load(config.DefaultSources(inv.getenv, dir))
	return err != nil || len(loaded.Remotes) > 0
}

// commandFor is how a command is typed that is to act on a repository. Where we are may not
// be where it is typed: git -C goes elsewhere before it calls us, and leaves $PWD as it was.
func (inv invocation) commandFor(dir, command string) string {
	if owner := install.Owner(dir); os.Geteuid() == 0 && owner != "" && owner != "root" {
		// As root, all but install is refused there.
		return "sudo -u " + owner + " git -C " + git.ShellQuote(dir) + " push-mirror " + command
	}
	if disk.Same(cmp.Or(inv.getenv("PWD"), inv.dir), dir) {
		return "git push-mirror " + command
	}
	return "git -C " + git.ShellQuote(dir) + " push-mirror " + command
}

// hintFor is a hint of a repository with its commands as they are typed here.
func (inv invocation) hintFor(dir, hint string) string {
	return strings.ReplaceAll(hint, "git push-mirror ", inv.commandFor(dir, ""))
}

// program is the path by which hooks call this program: that by which we were called, which
// stays when a link is set to a newer version, or else the file that we are.
func (inv invocation) program() (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	called, err := exec.LookPath(cmp.Or(inv.args[0], executable))
	if err == nil {
		called, err = filepath.Abs(called)
	}
	if err != nil || !disk.Same(executable, called) {
		return executable, nil //nolint:nilerr // the name we were given is no path, or another program's
	}
	return called, nil
}
