package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// statusOptions are the flags of status.
type statusOptions struct {
	remotes []string
	json    bool
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
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			upstream, err := inv.open(c)
			if err != nil {
				return err
			}
			return inv.runStatus(c.Context, upstream, statusOptions{remotes: c.Args().Slice(), json: c.Bool("json")})
		},
	}
}

func (inv invocation) runStatus(ctx context.Context, upstream *pushmirror.Upstream, opt statusOptions) error {
	remotes, err := upstream.Select(opt.remotes)
	if err != nil {
		return err
	}
	statuses := make([]pushmirror.Status, 0, len(remotes))
	for _, remote := range remotes {
		statuses = append(statuses, upstream.Status(ctx, remote))
	}
	now := time.Now()
	switch {
	case opt.json:
		err = printJSON(inv.stdout, statuses)
	case isTerminal(inv.stdout):
		err = printTable(inv.stdout, statuses, now)
	default:
		err = printTabbed(inv.stdout, statuses)
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

// printTable is the status for people.
func printTable(w io.Writer, statuses []pushmirror.Status, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "REMOTE\tSTATUS\tLAST SUCCESS\tBEHIND\tERROR")
	for _, s := range statuses {
		_, _ = fmt.Fprintln(table, strings.Join(columns(s, ago(s.SucceededAt, now)), "\t"))
	}
	return table.Flush()
}

// printTabbed is the status for programs: tabs, no header, nothing cut.
func printTabbed(w io.Writer, statuses []pushmirror.Status) error {
	for _, s := range statuses {
		if _, err := fmt.Fprintln(w, strings.Join(columns(s, s.SucceededAt.String()), "\t")); err != nil {
			return err
		}
	}
	return nil
}

func columns(s pushmirror.Status, success string) []string {
	status := string(s.Status)
	if !s.Enabled {
		status = "disabled"
	}
	return []string{s.Name, status, success, behind(s), git.Printable(trouble(s))}
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
