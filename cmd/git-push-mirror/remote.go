package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"git-push-mirror/install"
	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/credentials"
	"git-push-mirror/pushmirror/git"
)

const keyValueHelp = "KEY is a key of push-mirror.toml; VALUE is written as there, except that a string, or a list of one string, needs no quotes"

func (inv invocation) remoteCommand() *cli.Command {
	return &cli.Command{
		Name:         "remote",
		Usage:        "add, change and remove remotes",
		ArgsUsage:    "COMMAND …",
		Subcommands:  []*cli.Command{inv.remoteAddCommand(), inv.remoteSetCommand(), inv.remoteRemoveCommand()},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c.Command.Subcommands, "remote ", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

func (inv invocation) remoteAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a remote, or those that JSON on standard input describes",
		ArgsUsage: "[NAME URL] [KEY=VALUE…]",
		Description: keyValueHelp + ". The JSON is one or more objects, or arrays of them, as status --json prints them: " +
			"fields about an update are passed over, and a value that would hold anyway is not written. Of several " +
			"remotes, all are added or none.",
		Flags: []cli.Flag{
			passwordStdin(),
			&cli.BoolFlag{Name: "json", Usage: "read objects from standard input, which may hold passwords"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			opt := remoteOptions{json: c.Bool("json"), passwordStdin: c.Bool("password-stdin")}
			args := c.Args().Slice()
			switch {
			case opt.json && (len(args) > 0 || opt.passwordStdin):
				return usageError{
					errors.New("with --json, all settings of the remotes stand in the JSON"),
					"git push-mirror remote add --json <FILE",
				}
			case opt.json:
			case len(args) < 2:
				return usageError{
					errors.New("remote add takes the name and the url of a remote"),
					"git push-mirror remote add NAME URL KEY=VALUE",
				}
			default:
				opt.name = args[0]
				opt.settings = append(opt.settings, setting{"url", args[1]})
				args = args[2:]
			}
			if err := opt.addSettings(args); err != nil {
				return err
			}
			return inv.withRemotes(c, func(r *install.Remotes, repo *git.Repository) error {
				return inv.runRemoteAdd(c.Context, r, repo, opt)
			})
		},
	}
}

func (inv invocation) remoteSetCommand() *cli.Command {
	return &cli.Command{
		Name:      "set",
		Usage:     "change a remote that remote add made",
		ArgsUsage: "REMOTE [KEY=VALUE…]",
		Description: keyValueHelp + ", and KEY= without a value takes the key out. A file that was written or changed by hand " +
			"is left alone, and the lines to change are shown.",
		Flags:        []cli.Flag{passwordStdin()},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			opt := remoteOptions{passwordStdin: c.Bool("password-stdin")}
			if c.NArg() == 0 || c.NArg() == 1 && !opt.passwordStdin {
				return usageError{
					errors.New("remote set takes the name of a remote and what to change"),
					"git push-mirror remote set NAME KEY=VALUE",
				}
			}
			opt.name = c.Args().First()
			if err := opt.addSettings(c.Args().Tail()); err != nil {
				return err
			}
			return inv.withRemotes(c, func(r *install.Remotes, repo *git.Repository) error {
				return inv.runRemoteSet(c.Context, r, repo, opt)
			})
		},
	}
}

func (inv invocation) remoteRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "remove a remote that remote add made",
		ArgsUsage: "REMOTE",
		Description: "The mirror itself is left as it is, and so is the log of what was overwritten or deleted on it: " +
			"git push-mirror log REMOTE goes on showing it.",
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageError{errors.New("remote remove takes the name of one remote"), "git push-mirror remote remove NAME"}
			}
			return inv.withRemotes(c, func(r *install.Remotes, repo *git.Repository) error {
				return inv.runRemoteRemove(c.Context, r, repo, c.Args().First())
			})
		},
	}
}

func passwordStdin() cli.Flag {
	return &cli.BoolFlag{Name: "password-stdin", Usage: "read the password from standard input, so that it is in no argument"}
}

// remoteOptions are the arguments and flags of remote add and remote set.
type remoteOptions struct {
	name          string
	settings      []setting
	passwordStdin bool
	json          bool
}

// setting is KEY=VALUE.
type setting struct{ key, value string }

// addSettings reads KEY=VALUE. What has no = may be a password that somebody thought belongs
// there, so it is not shown.
func (opt *remoteOptions) addSettings(args []string) error {
	for i, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usageError{
				fmt.Errorf("KEY=VALUE is expected, and number %d of these arguments has no =", i+1),
				"a value with spaces stands in quotes: 'KEY=VALUE'",
			}
		}
		if slices.ContainsFunc(opt.settings, func(s setting) bool { return s.key == key }) {
			return usageError{errors.New("a key is given twice"), "keep one of the two"}
		}
		opt.settings = append(opt.settings, setting{key, value})
	}
	return nil
}

// change gives what the arguments and the standard input do to a remote.
func (inv invocation) change(ctx context.Context, opt remoteOptions) (install.Change, error) {
	var change install.Change
	for _, s := range opt.settings {
		if s.value == "" {
			change.Unset = append(change.Unset, s.key)
		}
	}
	password := ""
	if opt.passwordStdin {
		var err error
		if password, err = inv.readPassword(ctx); err != nil {
			return change, err
		}
	}
	change.Set = func(d *config.Draft) error {
		for _, s := range opt.settings {
			if err := d.SetArgument(s.key, s.value); err != nil {
				return err
			}
		}
		if !opt.passwordStdin {
			return nil
		}
		return d.Set("password", password)
	}
	// What is wrong with the arguments is told whatever there is to change.
	probe, err := config.NewDraft(opt.name)
	if err == nil {
		err = change.Set(probe)
	}
	return change, err
}

// readPassword reads the first line of the standard input, without showing what is typed.
func (inv invocation) readPassword(ctx context.Context) (string, error) {
	in := inv.stdin
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		shown, err := term.GetState(int(f.Fd()))
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		_, _ = fmt.Fprint(inv.stderr, "password: ")
		text, err := unlessInterrupted(ctx, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) })
		_ = term.Restore(int(f.Fd()), shown) // if interrupted, nobody else does
		_, _ = fmt.Fprintln(inv.stderr)
		if err != nil {
			return "", err
		}
		in = bytes.NewReader(text)
	}
	password, err := unlessInterrupted(ctx, func() (string, error) { return credentials.FirstLine(in) })
	if err != nil {
		return "", fmt.Errorf("reading the password from standard input: %w", err)
	}
	return password, nil
}

// withRemotes opens the repository that a command is about, for a change of its remotes. Its
// configuration need not load: that may be what is to be mended.
func (inv invocation) withRemotes(c *cli.Context, do func(r *install.Remotes, repo *git.Repository) error) error {
	repo, err := inv.findOurs(c)
	if err != nil {
		return err
	}
	return do(install.NewRemotes(pushmirror.Sources(c.Context, repo, inv.getenv)), repo)
}

func (inv invocation) runRemoteAdd(ctx context.Context, r *install.Remotes, repo *git.Repository, opt remoteOptions) error {
	var drafts, statuses []*config.Draft
	if opt.json {
		text, err := unlessInterrupted(ctx, func() ([]byte, error) { return io.ReadAll(inv.stdin) })
		if err != nil {
			return fmt.Errorf("reading the remotes: %w", err)
		}
		if drafts, statuses, err = readRemotes(bytes.NewReader(text)); err != nil {
			return err
		}
	} else {
		change, err := inv.change(ctx, opt)
		if err != nil {
			return err
		}
		d, err := config.NewDraft(opt.name)
		if err != nil {
			return err
		}
		if err := change.Set(d); err != nil {
			return err
		}
		drafts = append(drafts, d)
	}
	added, err := r.Add(ctx, drafts, statuses)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if slices.Contains(added, d.Name()) {
			inv.say("note", "added "+d.Name()+": "+r.Path(d.Name()))
		} else {
			inv.say("note", d.Name()+" is there already, with these settings")
		}
	}
	return inv.announce(ctx, repo, added)
}

func (inv invocation) runRemoteSet(ctx context.Context, r *install.Remotes, repo *git.Repository, opt remoteOptions) error {
	change, err := inv.change(ctx, opt)
	if err != nil {
		return err
	}
	changed, err := r.Set(ctx, opt.name, change)
	if err != nil {
		return err
	}
	if !changed {
		inv.say("note", opt.name+" has these settings already")
		return nil
	}
	inv.say("note", "changed "+opt.name+": "+r.Path(opt.name))
	return inv.announce(ctx, repo, []string{opt.name})
}

func (inv invocation) runRemoteRemove(ctx context.Context, r *install.Remotes, repo *git.Repository, name string) error {
	left, err := r.Remove(ctx, name)
	if err != nil {
		return err
	}
	inv.say("note", "removed "+name+"; the mirror itself is as it was")
	if left != nil {
		inv.say("note", fmt.Sprintf("a remote of that name counts again: %s:%d", left.File, left.Line))
		return inv.announce(ctx, repo, []string{name})
	}
	if upstream, err := pushmirror.Open(ctx, repo, inv.getenv); err == nil { // else nobody can be told
		if inv.tellRetired(ctx, upstream, name); upstream.Untold(name) {
			return nil // the next worker tells them, by what is kept of it
		}
	}
	logged, err := pushmirror.Forget(repo.Dir(), name)
	if err != nil {
		return err
	}
	if logged {
		inv.say("note", "its log stays: "+inv.commandFor(repo.Dir(), "log "+name))
	}
	return nil
}

// announce has a worker look at remotes that are new or changed, without waiting for it. They
// are in place whatever comes of that.
func (inv invocation) announce(ctx context.Context, repo *git.Repository, names []string) error {
	upstream, err := pushmirror.Open(ctx, repo, inv.getenv)
	if err != nil {
		return err
	}
	remotes, err := upstream.Select(names)
	if err != nil {
		return err
	}
	for _, remote := range remotes {
		inv.tellRetired(ctx, upstream, remote.Name)
	}
	remotes = slices.DeleteFunc(slices.Clone(remotes), func(remote config.Remote) bool {
		return !remote.Enabled || !slices.Contains(names, remote.Name)
	})
	if len(remotes) == 0 {
		return nil
	}
	h, err := inv.hook()
	if err == nil {
		err = h.Announce(upstream, remotes)
	}
	if err != nil {
		inv.complain(fmt.Errorf("handing it to a worker: %w", err))
		inv.say("hint", "next: "+inv.commandFor(repo.Dir(), "sync"))
		return errTrouble
	}
	if runs, err := install.Runs(ctx, repo); err == nil && !runs {
		inv.say("hint", "no hook mirrors what is pushed: "+inv.commandFor(repo.Dir(), "install"))
	}
	return nil
}

// tellRetired has the owners told if a remote of whose failure they were told gets nothing any
// more.
func (inv invocation) tellRetired(ctx context.Context, upstream *pushmirror.Upstream, name string) {
	if !upstream.Notifies() {
		return
	}
	err := (pushmirror.Notifier{Env: inv.env}).TellRetired(ctx, upstream, name)
	if err != nil {
		err = errors.Join(err, inv.enter(upstream))
		inv.say("error", name+": "+err.Error())
	}
}
