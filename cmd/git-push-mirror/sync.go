package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// syncOptions are the flags of sync.
type syncOptions struct {
	remotes     []string
	dryRun      bool
	json        bool
	overwrite   []string
	pruneAnyway bool
}

func (inv invocation) syncCommand() *cli.Command {
	return &cli.Command{
		Name:      "sync",
		Usage:     "bring remotes up to date now, from a fresh look at them",
		ArgsUsage: "[REMOTE…]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would be pushed, change nothing"},
			&cli.BoolFlag{Name: "json", Usage: "print an array of objects, one for each remote"},
			&cli.StringSliceFlag{Name: "overwrite", Usage: "replace `REF` although it diverged, if the mirror still holds what status showed"},
			&cli.BoolFlag{Name: "prune-anyway", Usage: "delete more refs than prune_limit allows"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			upstream, err := inv.open(c)
			if err != nil {
				return err
			}
			return inv.runSync(c.Context, upstream, syncOptions{
				remotes: c.Args().Slice(), dryRun: c.Bool("dry-run"), json: c.Bool("json"),
				overwrite: c.StringSlice("overwrite"), pruneAnyway: c.Bool("prune-anyway"),
			})
		},
	}
}

// runSync updates the remotes side by side and prints each as it is done.
func (inv invocation) runSync(ctx context.Context, upstream *pushmirror.Upstream, opt syncOptions) error {
	remotes, err := enabled(upstream, opt.remotes)
	if err != nil {
		return err
	}
	refs, err := opt.refs(remotes)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	outcomes := make([]syncOutcome, len(remotes))
	trouble := false
	for i, remote := range remotes {
		all.Go(func() {
			update := upstream.Update(ctx, remote, pushmirror.Options{
				Fresh: true, DryRun: opt.dryRun, Overwrite: refs, PruneAnyway: opt.pruneAnyway,
				Progress: inv.progress(remote.Name, len(remotes), &mu),
				Waiting: func() {
					mu.Lock()
					defer mu.Unlock()
					inv.say("note", remote.Name+": waiting for the update that is running")
				},
			})
			status := upstream.StatusAfter(context.WithoutCancel(ctx), update)
			mu.Lock()
			defer mu.Unlock()
			trouble = trouble || update.Record.Status != state.Finished
			outcomes[i] = syncOutcome{Status: status, Refs: refResults(update.Steps)}
			if !opt.json {
				inv.printUpdate(update, opt.dryRun)
			}
		})
	}
	all.Wait()
	if opt.json {
		if err := printJSON(inv.stdout, outcomes); err != nil {
			return err
		}
	}
	if trouble {
		return errTrouble
	}
	return nil
}

// enabled selects remotes that are switched on; one that is named has to be.
func enabled(upstream *pushmirror.Upstream, names []string) ([]config.Remote, error) {
	selected, err := upstream.Select(names)
	if err != nil {
		return nil, err
	}
	var on []config.Remote
	for _, remote := range selected {
		switch {
		case remote.Enabled:
			on = append(on, remote)
		case len(names) > 0:
			return nil, usageError{fmt.Errorf("the remote %q is switched off", remote.Name), "set enabled = true for it"}
		}
	}
	switch {
	case len(on) > 0:
		return on, nil
	case len(selected) > 0:
		return nil, usageError{errors.New("every remote is switched off"), "set enabled = true for one"}
	default:
		return nil, usageError{
			errors.New("no remote is configured for this repository"),
			"write a [[remote]] with a name and a url into " + upstream.Dir() + "/push-mirror.toml",
		}
	}
}

// refs are the full names of the refs to overwrite.
func (opt syncOptions) refs(remotes []config.Remote) ([]git.RefName, error) {
	if len(opt.overwrite) > 0 && len(remotes) != 1 {
		return nil, usageError{errors.New("--overwrite wants the name of one remote"), "git push-mirror sync REMOTE --overwrite REF"}
	}
	var refs []git.RefName
	for _, ref := range opt.overwrite {
		name := git.RefName(ref)
		if !strings.HasPrefix(ref, "refs/") {
			name = "refs/heads/" + name
		}
		refs = append(refs, name)
	}
	return refs, nil
}

// progress is where git's own progress goes: to the terminal, if there is one, each
// line behind the remote's name when there are several.
func (inv invocation) progress(remote string, of int, mu *sync.Mutex) io.Writer {
	if !isTerminal(inv.stderr) {
		return nil
	}
	prefix := ""
	if of > 1 {
		prefix = remote + ": "
	}
	return &progress{to: inv.stderr, mu: mu, prefix: prefix}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress passes lines on, whole and printable: some are a remote's words.
type progress struct {
	to     io.Writer
	mu     *sync.Mutex
	prefix string
	line   []byte
}

// Write implements io.Writer.
func (p *progress) Write(text []byte) (int, error) {
	for _, c := range text {
		if c != '\r' && c != '\n' {
			if len(p.line) < 1000 {
				p.line = append(p.line, c)
			}
			continue
		}
		p.mu.Lock()
		_, _ = fmt.Fprintf(p.to, "%s%s%c", p.prefix, git.Printable(string(p.line)), c)
		p.mu.Unlock()
		p.line = p.line[:0]
	}
	return len(text), nil
}

// printUpdate tells what an update did: the refs on stdout, trouble on stderr.
func (inv invocation) printUpdate(u pushmirror.Update, dryRun bool) {
	for _, r := range refResults(u.Steps) {
		result := string(r.Result)
		if dryRun {
			result = "would be " + result
		}
		line := fmt.Sprintf("%s: %s %s %s", u.Remote.Name, result, r.Name, r.change())
		if r.Reason != nil {
			line += " (" + *r.Reason + ")"
		}
		_, _ = fmt.Fprintln(inv.stdout, git.Printable(line))
	}
	r := u.Record
	if r.Error == "" {
		if len(u.Steps) == 0 {
			_, _ = fmt.Fprintf(inv.stdout, "%s: up to date\n", u.Remote.Name)
		}
		return
	}
	inv.say("error", u.Remote.Name+": "+r.Error)
	inv.say("hint", r.Hint)
}

// syncOutcome is what sync --json prints for a remote.
type syncOutcome struct {
	pushmirror.Status
	Refs []refResult `json:"refs"`
}

// refResult is what became of a ref.
type refResult struct {
	Name   git.RefName `json:"ref"`
	Result plan.Result `json:"result"`
	Old    *git.OID    `json:"old"`
	New    *git.OID    `json:"new"`
	Reason *string     `json:"reason"`
}

func refResults(steps []plan.Step) []refResult {
	results := make([]refResult, 0, len(steps))
	for _, s := range steps {
		r := refResult{Name: s.Name, Result: s.Result}
		if s.Old != "" {
			r.Old = &s.Old
		}
		if s.New != "" {
			r.New = &s.New
		}
		if s.Reason != "" {
			r.Reason = &s.Reason
		}
		results = append(results, r)
	}
	return results
}

// change is what a ref went from and to, shortly.
func (r refResult) change() string {
	short := func(oid *git.OID) string {
		if oid == nil {
			return "none"
		}
		return oid.Short()
	}
	dots := ".."
	if r.Result == plan.Forced || r.Result == plan.Divergent {
		dots = "..."
	}
	return short(r.Old) + dots + short(r.New)
}

// printJSON prints data for programs. What could steer a terminal is written as an
// escape, which JSON does by itself for ASCII only.
func printJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	var safe strings.Builder
	for _, r := range text.String() {
		if r <= '~' || unicode.IsPrint(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, safe.String())
	return err
}
