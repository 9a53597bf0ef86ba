package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"git-push-mirror/install"
	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// statusOptions are the flags of status.
type statusOptions struct {
	remotes   []string
	json      bool
	recursive bool
	failed    bool
}

func (inv invocation) statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show what the mirrors hold and what went wrong",
		ArgsUsage: "[REMOTE…]",
		Description: "Exits with 0 when every remote is finished, or what it lacks is younger than five\n" +
			"minutes; with 1 when one is not; with 2 when the configuration is wrong. Asks no mirror.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print an array of objects, one for each remote"},
			recursiveFlag(),
			&cli.BoolFlag{Name: "failed", Usage: "show only those that somebody should look at"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			repositories, err := inv.repositories(c)
			if err != nil {
				return err
			}
			return inv.runStatus(c.Context, repositories, statusOptions{
				remotes: c.Args().Slice(), json: c.Bool("json"), recursive: c.Bool("recursive"), failed: c.Bool("failed"),
			})
		},
	}
}

func (inv invocation) runStatus(ctx context.Context, repositories []repository, opt statusOptions) error {
	rows := make([][]pushmirror.Status, len(repositories))
	errs := make([]error, len(repositories))
	concurrently(len(repositories), func(i int) { rows[i], errs[i] = opt.statuses(ctx, repositories[i]) })
	err := errors.Join(errs...)
	if err != nil {
		return err
	}
	if opt.recursive {
		inv.noteHookless(ctx, repositories, opt)
	}
	statuses := append([]pushmirror.Status{}, slices.Concat(rows...)...)
	now := time.Now()
	if opt.failed {
		statuses = slices.DeleteFunc(statuses, func(s pushmirror.Status) bool { return s.OK(now) })
	}
	switch {
	case opt.json:
		err = printJSON(inv.stdout, statuses)
	case isTerminal(inv.stdout):
		err = opt.printTable(inv.stdout, statuses, now)
	default:
		err = opt.printTabbed(inv.stdout, statuses)
	}
	if err != nil {
		return err
	}
	for _, s := range statuses {
		if !s.OK(now) {
			return errTrouble
		}
	}
	return nil
}

// maxHookless is how many repositories without a hook are named.
const maxHookless = 10

// noteHookless tells of repositories that have mirrors and no hook, whose pushes wait until
// somebody looks.
func (inv invocation) noteHookless(ctx context.Context, repositories []repository, opt statusOptions) {
	var survey install.Survey
	without := make([]string, len(repositories))
	concurrently(len(repositories), func(i int) {
		r := repositories[i]
		if r.err != nil {
			return
		}
		remotes, err := opt.selected(r.upstream)
		if err != nil || !slices.ContainsFunc(remotes, func(remote config.Remote) bool { return remote.Enabled }) {
			return
		}
		if runs, err := survey.Runs(ctx, r.upstream.Repository()); err == nil && !runs {
			without[i] = r.dir
		}
	})
	hookless := slices.DeleteFunc(without, func(dir string) bool { return dir == "" })
	for i, dir := range hookless {
		if i == maxHookless {
			inv.say("note", fmt.Sprintf("and %d more repositories", len(hookless)-maxHookless))
			break
		}
		inv.say("note", dir+": no hook mirrors what is pushed")
	}
	switch len(hookless) {
	case 0:
	case 1:
		inv.say("hint", "git push-mirror install "+pushmirror.ShellQuote(hookless[0]))
	default:
		inv.say("hint", "git push-mirror install DIR… puts it into them, install --recursive into all")
	}
}

// statuses are the rows of one repository.
func (opt statusOptions) statuses(ctx context.Context, r repository) (rows []pushmirror.Status, err error) {
	if r.err != nil {
		return []pushmirror.Status{pushmirror.Unusable(r.dir, r.err)}, nil
	}
	remotes, err := opt.selected(r.upstream)
	for _, remote := range remotes {
		rows = append(rows, r.upstream.Status(ctx, remote))
	}
	return rows, err
}

// selected are the remotes to show. Of many repositories not each has to have them.
func (opt statusOptions) selected(upstream *pushmirror.Upstream) ([]config.Remote, error) {
	return selected(upstream, opt.remotes, opt.recursive)
}

func selected(upstream *pushmirror.Upstream, names []string, recursive bool) ([]config.Remote, error) {
	remotes, err := upstream.Select(names)
	var unknown *pushmirror.UnknownRemoteError
	if recursive && errors.As(err, &unknown) {
		return nil, nil
	}
	return remotes, err
}

// printTable is the status for people.
func (opt statusOptions) printTable(w io.Writer, statuses []pushmirror.Status, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	header := []string{"REMOTE", "STATUS", "LAST SUCCESS", "BEHIND", "ERROR"}
	if opt.recursive {
		header = append([]string{"REPOSITORY"}, header...)
	}
	_, _ = fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, s := range statuses {
		_, _ = fmt.Fprintln(table, strings.Join(opt.columns(s, ago(s.SucceededAt, now)), "\t"))
	}
	return table.Flush()
}

// printTabbed is the status for programs: tabs, no header, nothing cut.
func (opt statusOptions) printTabbed(w io.Writer, statuses []pushmirror.Status) error {
	for _, s := range statuses {
		if _, err := fmt.Fprintln(w, strings.Join(opt.columns(s, s.SucceededAt.String()), "\t")); err != nil {
			return err
		}
	}
	return nil
}

func (opt statusOptions) columns(s pushmirror.Status, success string) []string {
	status := string(s.Status)
	if !s.Enabled {
		status = "disabled"
	}
	columns := []string{cmp.Or(s.Name, "-"), status, success, behind(s), git.Printable(trouble(s))}
	if opt.recursive {
		columns = append([]string{git.Printable(s.Repository)}, columns...)
	}
	return columns
}

// behind says how many refs the mirror lacks or holds another value of.
func behind(s pushmirror.Status) string {
	n := len(s.Pending) + len(s.Divergent) + len(s.Rejected)
	switch {
	case s.Status == state.None && s.Enabled:
		return "never updated"
	case n == 0:
		return "-"
	case n == 1:
		return "1 ref"
	}
	return fmt.Sprintf("%d refs", n)
}

func trouble(s pushmirror.Status) string {
	if s.Error == nil {
		return "-"
	}
	return *s.Error
}

// ago is a moment as people say it.
func ago(t state.Time, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t.Time)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days ago", int(d/(24*time.Hour)))
}
