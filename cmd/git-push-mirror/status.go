package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	remotes    []string
	json       bool
	prometheus bool
	recursive  bool
	failed     bool
	root       string // of all repositories, with recursive
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
			&cli.BoolFlag{Name: "prometheus", Usage: "print metrics for node_exporter's textfile collector"},
			recursiveFlag(),
			&cli.BoolFlag{Name: "failed", Usage: "show only those that somebody should look at"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.Bool("prometheus") && (c.Bool("json") || c.Bool("failed")) {
				return usageError{errors.New("--prometheus goes neither with --json nor with --failed"), "its metrics are of all remotes, whatever their state"}
			}
			repositories, err := inv.repositories(c)
			if err != nil {
				return err
			}
			return inv.runStatus(c.Context, repositories, statusOptions{
				remotes: c.Args().Slice(), json: c.Bool("json"), prometheus: c.Bool("prometheus"),
				recursive: c.Bool("recursive"), failed: c.Bool("failed"), root: repositories[0].root,
			})
		},
	}
}

func (inv invocation) runStatus(ctx context.Context, repositories []repository, opt statusOptions) error {
	if opt.recursive {
		if err := knownSomewhere(repositories, opt.remotes); err != nil {
			return err
		}
	}
	rows := make([][]pushmirror.Status, len(repositories))
	errs := make([]error, len(repositories))
	concurrently(len(repositories), func(i int) { rows[i], errs[i] = opt.statuses(ctx, repositories[i]) })
	err := errors.Join(errs...)
	if err != nil {
		return err
	}
	if opt.recursive && !opt.prometheus { // cron would mail the notes each time
		inv.noteHookless(ctx, repositories, opt)
	}
	statuses := append([]pushmirror.Status{}, slices.Concat(rows...)...)
	if len(statuses) == 0 && !opt.recursive && !opt.prometheus {
		inv.say("note", noRemote)
		inv.say("hint", repositories[0].upstream.FirstRemote())
	}
	now := time.Now()
	sum := sumOf(len(repositories), statuses)
	if opt.failed {
		statuses = slices.DeleteFunc(statuses, func(s pushmirror.Status) bool { return s.OK(now) })
	}
	on, people := inv.terminal()
	switch {
	case opt.json:
		err = printJSON(inv.stdout, statuses)
	case opt.prometheus:
		err = printMetrics(inv.stdout, statuses)
	case people:
		err = opt.table(statuses, now).print(inv.stdout, on)
		if err == nil && opt.recursive {
			_, err = fmt.Fprintln(inv.stdout, sum)
		}
	default:
		err = opt.printTabbed(inv.stdout, statuses)
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(statuses, func(s pushmirror.Status) bool { return !s.OK(now) }) {
		return nil
	}
	if people && opt.recursive && !opt.json && !opt.prometheus {
		inv.say("hint", "git -C REPOSITORY push-mirror status tells what helps")
	}
	return errTrouble
}

// noRemote is said where there is nothing to mirror to.
const noRemote = "no remote is configured for this repository"

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
		remotes, err := selected(r.upstream, opt.remotes, opt.recursive)
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
		inv.say("hint", "git push-mirror install "+git.ShellQuote(hookless[0]))
	default:
		inv.say("hint", "git push-mirror install DIR… puts it into them, install --recursive into all")
	}
}

// statuses are the rows of one repository.
func (opt statusOptions) statuses(ctx context.Context, r repository) (rows []pushmirror.Status, err error) {
	if r.err != nil {
		return []pushmirror.Status{pushmirror.Unusable(r.dir, r.err)}, nil
	}
	remotes, err := selected(r.upstream, opt.remotes, opt.recursive)
	for _, remote := range remotes {
		rows = append(rows, r.upstream.Status(ctx, remote))
	}
	return rows, err
}

// selected are the remotes of those names. Of many repositories, not every one has to have them.
func selected(upstream *pushmirror.Upstream, names []string, recursive bool) ([]config.Remote, error) {
	remotes, err := upstream.Select(names)
	if _, unknown := errors.AsType[*pushmirror.UnknownRemoteError](err); unknown && recursive {
		return nil, nil
	}
	return remotes, err
}

// table is the status for people: those that somebody should look at first, then those whose
// work is on its way, then the others.
func (opt statusOptions) table(statuses []pushmirror.Status, now time.Time) table {
	t := table{titles: []string{"REMOTE", "STATUS", "LAST SUCCESS", "BEHIND", "ERROR"}}
	if opt.recursive {
		t.titles = append([]string{"REPOSITORY"}, t.titles...)
	}
	rank := func(s pushmirror.Status) int {
		switch {
		case !s.Enabled:
			return 4
		case s.Status == state.Failed:
			return 0
		case !s.OK(now):
			return 1
		case s.Status == state.Finished:
			return 3
		}
		return 2
	}
	statuses = slices.SortedStableFunc(slices.Values(statuses), func(a, b pushmirror.Status) int { return rank(a) - rank(b) })
	for _, s := range statuses {
		r := row{cells: []cell{
			{text: cmp.Or(s.Name, "-")},
			{stateOf(s), colourOf(s, now)},
			{text: ago(s.SucceededAt, now)},
			{text: behindSince(s, now)},
			{text: git.Printable(trouble(s))},
		}}
		if opt.recursive {
			r.cells = append([]cell{{text: git.Printable(strings.TrimPrefix(s.Repository, opt.root+"/"))}}, r.cells...)
		} else if s.Hint != nil {
			r.more = "hint: " + git.Printable(*s.Hint)
		}
		t.rows = append(t.rows, r)
	}
	return t
}

func colourOf(s pushmirror.Status, now time.Time) colour {
	switch {
	case !s.Enabled:
		return faint
	case s.Status == state.Failed:
		return red
	case !s.OK(now):
		return yellow
	case s.Status == state.Finished:
		return green
	}
	return ""
}

// sumOf is how many remotes stand how.
func sumOf(repositories int, statuses []pushmirror.Status) string {
	counts := map[string]int{}
	remotes := 0
	for _, s := range statuses {
		counts[stateOf(s)]++
		if s.Name != "" {
			remotes++
		}
	}
	var parts []string
	for _, each := range states {
		if n := counts[each]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, each))
		}
	}
	sum := count(repositories, "repository", "repositories") + ", " + count(remotes, "remote", "remotes")
	if len(parts) > 0 {
		sum += ": " + strings.Join(parts, ", ")
	}
	return sum
}

// states are how a remote can stand, the worst first.
var states = []string{
	string(state.Failed), string(state.ToRetry), string(state.Started), string(state.Scheduled), string(state.None),
	string(state.Finished), disabled,
}

// disabled is how one stands that is switched off, whatever the last update came to.
const disabled = "disabled"

func stateOf(s pushmirror.Status) string {
	if !s.Enabled {
		return disabled
	}
	return string(s.Status)
}

// printTabbed is the status for programs: tabs, no header, nothing cut.
func (opt statusOptions) printTabbed(w io.Writer, statuses []pushmirror.Status) error {
	for _, s := range statuses {
		columns := []string{cmp.Or(s.Name, "-"), stateOf(s), s.SucceededAt.String(), behind(s), git.Printable(trouble(s))}
		if opt.recursive {
			columns = append([]string{git.Printable(s.Repository)}, columns...)
		}
		if _, err := fmt.Fprintln(w, strings.Join(columns, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// behind says how many refs the mirror lacks or holds another value of.
func behind(s pushmirror.Status) string {
	n := s.Behind()
	switch {
	case s.Status == state.None && s.Enabled:
		return "never updated"
	case n == 0:
		return "-"
	}
	return count(n, "ref", "refs")
}

// behindSince says as well how many commits these are, where that is known, and for how long.
func behindSince(s pushmirror.Status, now time.Time) string {
	text := behind(s)
	since := s.BehindSince()
	if since.IsZero() || s.Status == state.None {
		return text
	}
	if s.Commits != nil && *s.Commits > 0 {
		text += ", " + count(*s.Commits, "commit", "commits")
	}
	if d := now.Sub(since.Time); d >= time.Minute {
		text += " for " + span(d)
	}
	return text
}

func trouble(s pushmirror.Status) string {
	if s.Error == nil {
		return "-"
	}
	var lines []string
	for line := range strings.SplitSeq(*s.Error, "\n") {
		if !excerpt().MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "; ")
}

// excerpt is the line of a config file that an error shows below its text.
var excerpt = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ +\d+ \| `) })

// ago is a moment as people say it.
func ago(t state.Time, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	if d := now.Sub(t.Time); d >= time.Minute {
		return span(d) + " ago"
	}
	return "just now"
}

// span is a time of a minute or more as people say it.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return count(int(d/time.Minute), "minute", "minutes")
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour", "hours")
	}
	return count(int(d/(24*time.Hour)), "day", "days")
}

// count is a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
