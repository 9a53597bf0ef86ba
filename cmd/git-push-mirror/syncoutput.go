package main

import (
	"fmt"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// printUpdate tells what an update did: the refs on stdout, trouble on stderr.
func (inv invocation) printUpdate(label string, u pushmirror.Update, dryRun bool) {
	for _, r := range refResults(u.Steps) {
		result := string(r.Result)
		if dryRun {
			result = "would be " + result
		}
		line := fmt.Sprintf("%s: %s %s %s", label, result, r.Name, r.change())
		if r.Reason != nil {
			line += " (" + *r.Reason + ")"
		}
		_, _ = fmt.Fprintln(inv.stdout, git.Printable(line))
	}
	r := u.Record
	if r.Error == "" {
		if len(u.Steps) == 0 {
			_, _ = fmt.Fprintf(inv.stdout, "%s: up to date\n", git.Printable(label))
		}
		return
	}
	inv.say("error", label+": "+r.Error)
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

func refResults(steps []*plan.Step) []refResult {
	results := make([]refResult, 0, len(steps))
	for _, s := range steps {
		results = append(results, refResult{s.Name, s.Result, orNull(s.Old), orNull(s.New), orNull(s.Why())})
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
