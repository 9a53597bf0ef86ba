package pushmirror

import (
	"maps"
	"testing"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// What was pushed and not answered for is ours where the next listing shows it. If that shows
// something else, it says nothing about who puts it there later.
func TestAListingTellsWhatBecameOfAValueThatWasNotAnsweredFor(t *testing.T) {
	const name git.RefName = "refs/heads/main"
	for text, c := range map[string]struct {
		listings []git.OID // one after the other
		foreign  bool
	}{
		"it arrived":                          {[]git.OID{"sent"}, false},
		"it did not":                          {[]git.OID{"other"}, true},
		"the ref is gone":                     {[]git.OID{""}, true},
		"it did not, and somebody brought it": {[]git.OID{"other", "sent"}, true},
	} {
		a := &attempt{unanswered: map[git.RefName]git.OID{name: "sent"}}
		for _, there := range c.listings {
			a.seen = &state.Seen{Mirror: plan.Mirror{Foreign: map[git.RefName]bool{name: true}}}
			if there != "" {
				a.seen.Mirror.Refs = git.Refs{{Name: name, OID: there}}
			}
			a.settleUnanswered()
		}
		if got := a.seen.Mirror.Foreign[name]; got != c.foreign {
			t.Errorf("%s: somebody else's: %t", text, got)
		}
	}
}

// A ref that is called changed, and is found as it was, is locked; one that did change is compared
// anew.
func TestAListingTellsWhatIsCalledChangedAndIsNot(t *testing.T) {
	const name git.RefName = "refs/heads/main"
	for text, c := range map[string]struct {
		there, here git.OID
		want        bool
	}{
		"both are as they were":     {"old", "new", true},
		"the mirror's has changed":  {"other", "new", false},
		"the mirror's is gone":      {"", "new", false},
		"upstream's has changed":    {"old", "newer", false},
		"the mirror has upstream's": {"new", "new", false},
	} {
		a := &attempt{
			changed: []change{{name, "old", "new"}}, upstream: git.Refs{{Name: name, OID: c.here}},
			unchanged: map[git.RefName]bool{"refs/heads/before": true}, seen: &state.Seen{},
		}
		if c.there != "" {
			a.seen.Mirror.Refs = git.Refs{{Name: name, OID: c.there}}
		}
		a.noteUnchanged()
		want := map[git.RefName]bool{}
		if c.want {
			want[name] = true
		}
		if !maps.Equal(a.unchanged, want) || len(a.changed) > 0 {
			t.Errorf("%s: %v, and %v is left", text, a.unchanged, a.changed)
		}
	}
}
