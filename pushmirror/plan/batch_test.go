package plan

import (
	"fmt"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/git"
)

func showBatches(batches []Batch) string {
	var out []string
	for _, b := range batches {
		out = append(out, show(Plan{Steps: b}))
	}
	return strings.Join(out, " | ")
}

func step(result Result, name string) *Step {
	return &Step{Name: full(name), Result: result, Old: oid("a"), New: oid("b")}
}

func TestBatchesHoldWhatMayGoTogether(t *testing.T) {
	suspicious := func(result Result, name string) *Step {
		s := step(result, name)
		s.Suspect = true
		return s
	}
	for _, c := range []struct {
		name  string
		steps []*Step
		limit int
		want  string
	}{
		{name: "nothing to send", steps: []*Step{step(Divergent, "a"), step(Rejected, "b"), step(Kept, "c")}},
		{name: "one push for all", steps: []*Step{step(Updated, "a"), step(Deleted, "b"), step(Updated, "main"), step(Updated, "v1")}, want: "updated main, deleted! b, updated a, updated! v1"},
		{name: "the default branch is in the first", steps: []*Step{step(Updated, "a"), step(Deleted, "b"), step(Updated, "main")}, limit: 2, want: "updated main, deleted! b | updated a"},
		{name: "after what is in its way", steps: []*Step{step(Created, "main"), step(Deleted, "main/x")}, limit: 1, want: "deleted! main/x | created main"},
		{name: "deletions make room", steps: []*Step{step(Created, "a/b"), step(Deleted, "a")}, limit: 1, want: "deleted! a | created a/b"},
		{name: "suspects go last and alone", steps: []*Step{suspicious(Updated, "bad"), step(Updated, "a"), step(Updated, "z")}, want: "updated a, updated z | updated bad"},
		{name: "those that make room go first of them, too", steps: []*Step{suspicious(Created, "a"), suspicious(Deleted, "a/b")}, want: "deleted! a/b | created a"},
		{name: "a lease does not govern its namesake", steps: []*Step{step(Forced, "x"), step(Updated, "refs/heads/refs/heads/x"), step(Updated, "y")}, want: "forced! x, updated y | updated refs/heads/x"},
		{name: "nor the other way round", steps: []*Step{step(Updated, "refs/heads/refs/heads/x"), step(Forced, "x")}, want: "updated refs/heads/x | forced! x"},
		{name: "nor that of a tag", steps: []*Step{step(Updated, "refs/heads/refs/tags/v1"), step(Updated, "v1")}, want: "updated refs/tags/v1 | updated! v1"},
		{name: "without a lease they go together", steps: []*Step{step(Updated, "refs/heads/refs/heads/x"), step(Updated, "x")}, want: "updated refs/heads/x, updated x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := showBatches(Batches(c.steps, "refs/heads/main", c.limit)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestLeasesAreBoundedInAPush(t *testing.T) {
	var steps []*Step
	for i := range 2*maxLeases + 1 {
		steps = append(steps, step(Forced, fmt.Sprintf("b%d", i)))
	}
	batches := Batches(steps, "refs/heads/main", 0)
	if len(batches) != 3 {
		t.Errorf("%d pushes", len(batches))
	}
	seen := map[git.RefName]bool{}
	for _, b := range batches {
		for _, s := range b {
			seen[s.Name] = true
		}
	}
	if len(seen) != len(steps) {
		t.Errorf("%d of %d refs are sent", len(seen), len(steps))
	}
}

// A push takes deletions and leases as arguments, of which no system takes any amount.
func TestNoPushHasMoreArgumentsThanASystemTakes(t *testing.T) {
	var steps []*Step
	for i := range maxLeases {
		name := git.RefName(fmt.Sprintf("refs/heads/%s/%d", strings.Repeat("x", 2000), i))
		steps = append(steps, &Step{Name: name, Result: Deleted, Old: git.OID(strings.Repeat("1", 40))})
	}
	sent := 0
	for _, batch := range Batches(steps, "refs/heads/main", 0) {
		length := 0
		for _, s := range batch {
			length += len("--force-with-lease=:") + len(s.Name) + len(s.Old) + 1 + len(":") + len(s.Name) + 1
		}
		if sent += len(batch); length > 1<<20 {
			t.Errorf("%d deletions take %d bytes", len(batch), length)
		}
	}
	if sent != len(steps) {
		t.Errorf("%d of %d are sent", sent, len(steps))
	}
}
