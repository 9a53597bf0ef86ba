package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// What the user sees: data goes to stdout, talk to stderr. An error is a line
// "push-mirror: error: …" and, where a cure is known, a line "push-mirror: hint: …",
// without a capital at the beginning or a period at the end.

// The exit codes, as the manual has them.
const (
	exitOK        = 0
	exitTrouble   = 1   // a remote is not up to date, or the output is lost
	exitUsage     = 2   // the command or the configuration is wrong
	exitInterrupt = 130 // SIGINT
	exitTerminate = 143 // SIGTERM
)

// errTrouble says that remotes are not up to date; what is wrong was printed.
var errTrouble = errors.New("a remote is not up to date")

// invocation is a call of the program.
type invocation struct {
	args   []string // with the program's name
	env    []string // "KEY=value"
	dir    string   // the working directory
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// run runs the program and returns its exit code.
func run(ctx context.Context, inv invocation) int {
	ctx, catch, stop := interruptible(ctx)
	defer stop()
	if inv.isHook() {
		// Catching signals starts a thread, which pushers would wait for. Until the push is marked,
		// which takes a moment and must not be cut short, they are ignored instead.
		if f, ok := inv.stdin.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
			signal.Ignore(os.Interrupt, syscall.SIGTERM)
			defer time.AfterFunc(time.Second/2, catch).Stop()
		}
		return inv.runHook(ctx, catch)
	}
	catch()
	data := &dataWriter{to: inv.stdout}
	inv.stdout = data
	app := inv.app()
	err := app.RunContext(ctx, interspersed(app, inv.args))
	// A reader who has gone has seen enough, and that is no trouble.
	if data.err != nil && !errors.Is(data.err, syscall.EPIPE) {
		inv.complain(fmt.Errorf("writing the output: %w", data.err))
		if err == nil {
			err = errTrouble
		}
	}
	return inv.exitCode(ctx, err)
}

// interruptible gives a context that ends with the first SIGINT or SIGTERM after a call of catch. A
// second one ends us whatever we do, unless it follows at once: git passes on the signal that the
// terminal has sent to both of us.
func interruptible(parent context.Context) (ctx context.Context, catch, stop func()) {
	ctx, end := context.WithCancelCause(parent)
	catch = sync.OnceFunc(func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		go func() {
			select {
			case sig := <-signals:
				end(signalError{sig})
			case <-ctx.Done():
				return
			}
			for atOnce := time.After(time.Second / 2); ; {
				select {
				case <-atOnce:
					atOnce = nil
				case sig := <-signals:
					if atOnce == nil {
						os.Exit(signalError{sig}.exitCode())
					}
				}
			}
		}()
	})
	return ctx, catch, func() { end(nil) }
}

// dataWriter is where data goes. A write that fails does not stop the command, since a sync still
// delivers: the first error is kept for the end, and nothing more is written.
type dataWriter struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (w *dataWriter) Write(text []byte) (int, error) {
	if w.err == nil {
		_, w.err = w.to.Write(text)
	}
	return len(text), nil
}

// signalError is the signal that ended us.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return "interrupted" }

func (e signalError) exitCode() int {
	if e.Signal == syscall.SIGTERM {
		return exitTerminate
	}
	return exitInterrupt
}

// Is makes a signal count as a cancelled context.
func (e signalError) Is(target error) bool { return target == context.Canceled }

// unlessInterrupted does what no signal can end, such as reading standard input, and abandons it
// when ctx is done.
func unlessInterrupted[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), context.Cause(ctx)
	}
}

// exitCode prints an error and gives its exit code.
func (inv invocation) exitCode(ctx context.Context, err error) int {
	if sig, ok := errors.AsType[signalError](context.Cause(ctx)); ok {
		return sig.exitCode()
	}
	if chained, ok := errors.AsType[chainedError](err); ok {
		return chained.code
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errTrouble):
		return exitTrouble
	}
	inv.complain(err)
	return exitUsage
}

// complain prints an error, or each of several, with its hint.
func (inv invocation) complain(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if _, several := err.(config.Errors); !several { //nolint:errorlint // these are told below
			for _, one := range joined.Unwrap() {
				inv.complain(one)
			}
			return
		}
	}
	if several, ok := errors.AsType[config.Errors](err); ok {
		for _, e := range several {
			inv.say("error", e.Error())
			inv.say("hint", e.Hint)
		}
		return
	}
	inv.say("error", err.Error())
	inv.say("hint", pushmirror.HintOf(err))
}

// say prints a line of talk; a text of several lines keeps them.
func (inv invocation) say(what, text string) {
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = git.Printable(line)
	}
	_, _ = fmt.Fprintf(inv.stderr, "push-mirror: %s: %s\n", what, strings.Join(lines, "\n"))
}

// isHook reports whether git, or a dispatcher of hooks, calls us: without arguments, by the hook's
// name or from a folder of hooks, or as the hook that we install does, with the word hook. Setting
// up the other commands takes time, and a pusher waits.
func (inv invocation) isHook() bool {
	name := inv.args[0]
	return len(inv.args) == 2 && inv.args[1] == "hook" || len(inv.args) == 1 &&
		(filepath.Base(name) == "post-receive" || filepath.Base(filepath.Dir(name)) == "post-receive.d")
}

func (inv invocation) app() *cli.App {
	app := cli.NewApp()
	app.Name = "git-push-mirror"
	app.Usage = "keep copies of a bare repository on other servers"
	app.HideVersion = true
	app.HideHelpCommand = true // interspersed knows help
	app.Reader, app.Writer, app.ErrWriter = inv.stdin, inv.stdout, inv.stderr
	app.ExitErrHandler = func(*cli.Context, error) {}
	app.OnUsageError = usage
	app.Flags = []cli.Flag{
		&cli.StringFlag{Name: "C", Usage: "act on the repository `DIR` instead of the current directory's"},
		&cli.BoolFlag{Name: "version", Usage: "show the version"},
	}
	app.Commands = []*cli.Command{
		inv.hookCommand(),
		inv.syncCommand(),
		inv.statusCommand(),
		inv.checkCommand(),
		inv.logCommand(),
		inv.hostKeysCommand(),
		inv.workerCommand(),
		inv.credentialCommand(),
		inv.installCommand(),
		inv.uninstallCommand(),
		inv.initCommand(),
		inv.remoteCommand(),
		inv.generateCommand(),
		inv.remoteNamesCommand(),
	}
	hideHelpCommand(app.Commands)
	app.Action = func(c *cli.Context) error {
		if c.Bool("version") {
			_, err := fmt.Fprintln(inv.stdout, "git-push-mirror version", programVersion())
			return err
		}
		if c.Args().Present() {
			return unknownCommand(c.App.Commands, "", c.Args().First())
		}
		return cli.ShowAppHelp(c)
	}
	return app
}

// hideHelpCommand keeps the library from giving each command a subcommand help, or h: a remote may
// have that name.
func hideHelpCommand(commands []*cli.Command) {
	for _, c := range commands {
		c.HideHelpCommand = true
		hideHelpCommand(c.Subcommands)
	}
}

// usageError is a command that cannot be understood.
type usageError struct {
	error
	hint string
}

// Hint says what could have been meant.
func (e usageError) Hint() string { return e.hint }

func usage(c *cli.Context, err error, _ bool) error {
	_, command, _ := strings.Cut(c.Command.HelpName+" -h", " ")
	hint := "git push-mirror " + command + " shows how it is called"
	// The library speaks of options with one dash.
	said, name, found := strings.Cut(err.Error(), ": -")
	if !found || strings.ContainsAny(name, " :") {
		return usageError{err, hint}
	}
	if said == "flag provided but not defined" {
		said = "there is no such option"
		if meant := nearestOption(c, name); meant != "" {
			hint = "did you mean " + meant + "? " + hint
		} else if name == "C" {
			hint = "-C stands before the command: git push-mirror -C DIR " + strings.TrimSuffix(command, " -h")
		}
	}
	return usageError{errors.New(said + ": " + dashed(name)), hint}
}

// nearestOption is the option of a command that a misspelt one was most likely meant to be; "" if
// none is near.
func nearestOption(c *cli.Context, name string) string {
	flags := c.Command.Flags
	if len(flags) == 0 {
		flags = c.App.Flags
	}
	var names []string
	for _, flag := range flags {
		names = append(names, flag.Names()...)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return len(name) == 1 }) // which is near to any other letter
	if meant := config.Nearest(name, names); meant != "" {
		return dashed(meant)
	}
	return ""
}

// dashed is an option as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// unknownCommand tells of a command that is none of these.
func unknownCommand(commands []*cli.Command, parent, name string) error {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	hint := "git push-mirror " + parent + "-h lists the commands"
	if meant := config.Nearest(name, names); meant != "" {
		hint = fmt.Sprintf("did you mean %s? %s", meant, hint)
	}
	return usageError{fmt.Errorf("there is no command %q", parent+name), hint}
}

func (inv invocation) getenv(key string) string { return git.Getenv(inv.env, key) }
