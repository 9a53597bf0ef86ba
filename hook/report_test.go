package hook

import (
	"fmt"
	"slices"
	"testing"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

func TestThePusherIsToldWhatBecameOfTheirRefs(t *testing.T) {
	main := change{name: "refs/heads/main", old: oidA, new: oidB}
	dev := change{name: "refs/heads/dev", old: oidA, new: oidB}
	finished := state.Record{Status: state.Finished}
	diverged := state.Record{
		Status: state.Failed, Kind: state.KindDivergent, Error: "1 ref has diverged and was not updated: refs/heads/dev",
		Divergent: []state.Divergence{{Name: "refs/heads/dev"}},
	}
	updated := state.RefResult{Name: "refs/heads/main", Result: plan.Updated, Old: oidA, New: oidB}
	divergent := state.RefResult{Name: "refs/heads/dev", Result: plan.Divergent, Old: oidA, New: oidB, Reason: "the mirror has work that is not here (1111111)"}
	for _, c := range []struct {
		name    string
		changes []change
		record  state.Record
		steps   []state.RefResult
		want    []string
	}{
		{"all is well", []change{main}, finished, []state.RefResult{updated}, []string{"main 1111111..2222222"}},
		{"another update was faster", []change{main}, finished, nil, []string{"up to date"}},
		{"trouble comes first", []change{main, dev}, diverged, []state.RefResult{updated, divergent}, []string{
			"dev diverged, not mirrored: the mirror has work that is not here (1111111)", "main 1111111..2222222",
		}},
		{"older trouble is one line", []change{main}, diverged, []state.RefResult{updated, divergent}, []string{
			"older trouble: 1 ref has diverged and was not updated: refs/heads/dev", "main 1111111..2222222",
		}},
		{"the mirror cannot be reached", []change{main}, state.Record{Status: state.ToRetry, Kind: git.KindNetwork, Error: "no\x1b[2J route"}, nil, []string{
			"not mirrored yet: no?[2J route",
		}},
		{"the mirror does not let us in", []change{main}, state.Record{Status: state.Failed, Kind: git.KindAuth, Error: "no"}, nil, []string{
			"not mirrored: no",
		}},
		{"a new, a forced and a deleted ref", []change{main, dev, {name: "refs/tags/v1"}}, finished, []state.RefResult{
			{Name: "refs/heads/dev", Result: plan.Forced, Old: oidA, New: oidB},
			{Name: "refs/heads/main", Result: plan.Created, New: oidA},
			{Name: "refs/tags/v1", Result: plan.Deleted, Old: oidA},
		}, []string{"main created at 1111111", "dev 1111111...2222222 (forced)", "v1 deleted (was 1111111)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, trouble := report(withResults(c.record, c.steps), c.changes, config.ShowAll, 10)
			if !slices.Equal(got, c.want) || trouble != (c.record.Status != state.Finished) {
				t.Errorf("got %q, trouble %v", got, trouble)
			}
		})
	}
}

func TestManyRefsAreCounted(t *testing.T) {
	var changes []change
	var steps []state.RefResult
	for i := range 101 {
		name := git.RefName(fmt.Sprintf("refs/heads/%03d", i))
		changes = append(changes, change{name: name})
		steps = append(steps, state.RefResult{Name: name, Result: plan.Created, New: oidA})
	}
	got, _ := report(state.Record{Status: state.Finished, Results: steps}, changes, config.ShowAll, 10)
	if len(got) != 11 || got[9] != "009 created at 1111111" || got[10] != "and 91 more refs" {
		t.Errorf("got %q", got)
	}
}

func withResults(r state.Record, results []state.RefResult) state.Record {
	r.Results = results
	return r
}

func TestWhoWantsOnlyProblemsGetsOnlyProblems(t *testing.T) {
	main := change{name: "refs/heads/main", old: oidA, new: oidB}
	fine := state.Record{Status: state.Finished, Results: []state.RefResult{{Name: main.name, Result: plan.Updated, Old: oidA, New: oidB}}}
	if got, trouble := report(fine, []change{main}, config.ShowProblems, 10); len(got) != 0 || trouble {
		t.Errorf("got %q, trouble %v", got, trouble)
	}
	bad := state.Record{Status: state.ToRetry, Kind: git.KindNetwork, Error: "no route"}
	if got, trouble := report(bad, []change{main}, config.ShowProblems, 10); len(got) != 1 || !trouble {
		t.Errorf("got %q, trouble %v", got, trouble)
	}
}
