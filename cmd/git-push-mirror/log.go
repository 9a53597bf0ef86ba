package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

func (inv invocation) logCommand() *cli.Command {
	return &cli.Command{
		Name:      "log",
		Usage:     "show what was pushed when, and by whose push",
		ArgsUsage: "[REMOTE]",
		Description: "The oldest entry comes first. Those of what was overwritten or deleted on a mirror, with\n" +
			"its object id, are kept for a year, even if the remote is removed; of the others, the latest.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print a JSON object a line"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			repo, err := inv.find(c)
			if err != nil {
				return err
			}
			upstream, err := pushmirror.Open(c.Context, repo, inv.getenv)
			if _, broken := errors.AsType[config.Errors](err); broken {
				upstream, err = pushmirror.Unconfigured(repo, inv.getenv), nil
			}
			if err != nil {
				return err
			}
			remotes, err := upstream.Logged(c.Args().Slice())
			if err != nil {
				return err
			}
			var entries []state.Entry
			for _, remote := range remotes {
				more, err := upstream.Log(remote)
				if err != nil {
					return err
				}
				entries = append(entries, more...)
			}
			slices.SortStableFunc(entries, func(a, b state.Entry) int { return a.Time.Compare(b.Time.Time) })
			if c.Bool("json") {
				return printLogJSON(inv.stdout, entries)
			}
			if on, ok := inv.terminal(); ok {
				return printLogTable(inv.stdout, entries, on)
			}
			return printLogTabbed(inv.stdout, entries)
		},
	}
}

// printLogJSON prints an object a line, so that a reader need not wait for the end. The file of the
// log has "" where other JSON of ours has null.
func printLogJSON(w io.Writer, entries []state.Entry) error {
	type object struct {
		state.Entry
		Old *git.OID `json:"old"`
		New *git.OID `json:"new"`
	}
	for _, e := range entries {
		if err := printJSONLine(w, object{e, orNull(e.Old), orNull(e.New)}); err != nil {
			return err
		}
	}
	return nil
}

// printLogTable is the log for people.
func printLogTable(w io.Writer, entries []state.Entry, on terminal) error {
	t := table{titles: []string{"TIME", "REMOTE", "WHAT", "REF", "FROM", "TO", "BY", "WHY"}}
	for _, e := range entries {
		columns := logColumns(e)
		columns[0] = e.Time.Local().Format(time.DateTime)
		for i, id := range []git.OID{e.Old, e.New} {
			if id == "" || i == 0 && e.Drops() {
				continue // what was dropped is found again by its whole id alone
			}
			columns[4+i] = id.Short()
		}
		cells := make([]cell, len(columns))
		for i, text := range columns {
			cells[i].text = text
		}
		t.rows = append(t.rows, row{cells: cells})
	}
	return t.print(w, on)
}

// printLogTabbed is the log for programs: tabs, no header, nothing cut.
func printLogTabbed(w io.Writer, entries []state.Entry) error {
	for _, e := range entries {
		if _, err := fmt.Fprintln(w, strings.Join(logColumns(e), "\t")); err != nil {
			return err
		}
	}
	return nil
}

func logColumns(e state.Entry) []string {
	what := string(e.Result)
	if e.Announced {
		what += "?" // the update was killed before it could tell
	}
	columns := []string{e.Time.String(), e.Remote, what, string(e.Name), string(e.Old), string(e.New), e.Pusher, e.Reason}
	for i, text := range columns {
		columns[i] = cmp.Or(git.Printable(text), "-")
	}
	return columns
}
