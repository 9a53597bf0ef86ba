package pushmirror

import (
	"fmt"
	"maps"
	"testing"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

func TestARefIsTheLastOnesWhoPushedIt(t *testing.T) {
	before := map[git.RefName]string{"left": "ada"}
	for name, c := range map[string]struct {
		pushes []state.Push
		want   map[git.RefName]string // "other" is a ref that nobody named
	}{
		"by a former push": {nil, map[git.RefName]string{"left": "ada", "other": ""}},
		"by one of two pushes": {
			[]state.Push{{Pusher: "bob", Refs: []git.RefName{"left", "new"}}, {Pusher: "carl", Refs: []git.RefName{"new"}}},
			map[git.RefName]string{"left": "bob", "new": "carl", "other": ""},
		},
		"by a push of too many refs to name": {
			[]state.Push{{Pusher: "bob"}, {Pusher: "carl", Refs: []git.RefName{"new"}}},
			map[git.RefName]string{"left": "bob", "new": "carl", "other": "bob"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			known := knownPushers(before, c.pushes)
			for ref, want := range c.want {
				if got := known.of(ref); got != want {
					t.Errorf("%s is %q's", ref, got)
				}
			}
		})
	}
}

func TestWhoPushedWhatIsLeftIsRemembered(t *testing.T) {
	r := state.Record{Divergent: []state.Divergence{{Name: "a"}}, Rejected: []plan.Refusal{{Name: "b"}, {Name: "nobodys"}}}
	got := pushers{"a": "ada", "b": "bob", "delivered": "carl"}.ofThose(r)
	if want := map[git.RefName]string{"a": "ada", "b": "bob"}; !maps.Equal(got, want) {
		t.Errorf("it is %v", got)
	}
	many := pushers{}
	for i := range maxPushers + 1 {
		name := git.RefName(fmt.Sprint(i))
		many[name] = "ada"
		r.Divergent = append(r.Divergent, state.Divergence{Name: name})
	}
	if got := many.ofThose(r); len(got) != maxPushers {
		t.Errorf("of very many, %d are", len(got))
	}
}
