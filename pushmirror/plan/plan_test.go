package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// oid makes an object id out of a letter. In these tests, "a" is an ancestor of "b", "b"
// of "c"; "x" and "y" are commits that upstream has, aside of those; "z" is one that it
// does not have.
func oid(letter string) git.OID {
	if letter == "" {
		return ""
	}
	return git.OID(strings.Repeat(fmt.Sprintf("%02x", letter[0]), 20))
}

type line struct{}

func (line) Known(o git.OID) bool { return o != oid("z") }

func (line) IsAncestor(p git.Pair) bool {
	abc := []git.OID{oid("a"), oid("b"), oid("c")}
	old, new := slices.Index(abc, p.Old), slices.Index(abc, p.New)
	return old >= 0 && new >= old || p.Old == p.New && line{}.Known(p.Old)
}

// refs reads "name=letter" pairs; ">" makes a symbolic ref: "name=letter>target".
func refs(text string) git.Refs {
	var refs git.Refs
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		value, target, _ := strings.Cut(value, ">")
		refs = append(refs, git.Ref{Name: full(name), OID: oid(value), Symref: full(target)})
	}
	return git.Sort(refs)
}

// full makes a ref's name: what begins with "v" is a tag.
func full(short string) git.RefName {
	switch {
	case short == "" || strings.HasPrefix(short, "refs/"):
		return git.RefName(short)
	case short[0] == 'v':
		return git.RefName("refs/tags/" + short)
	}
	return git.RefName("refs/heads/" + short)
}

func set(text string) map[git.RefName]bool {
	m := map[git.RefName]bool{}
	for _, name := range strings.Fields(text) {
		m[full(name)] = true
	}
	return m
}

func remote(change func(*config.Remote)) config.Remote {
	r := config.Remote{Name: "m", Branches: config.AllBranches(), KeepDivergentRefs: true, Tags: config.TagsAll, Prune: config.PruneNever, PruneLimit: 100}
	if change != nil {
		change(&r)
	}
	return r
}

// show writes a plan's steps as "result name", in order.
func show(p Plan) string {
	var out []string
	for _, s := range p.Steps {
		lease := ""
		if s.Leased() {
			lease = "!"
		}
		out = append(out, string(s.Result)+lease+" "+s.Name.Short())
	}
	return strings.Join(out, ", ")
}

func nokeep(r *config.Remote) { r.KeepDivergentRefs = false; r.Prune = config.PruneMerged }

func with(fs ...func(*config.Remote)) func(*config.Remote) {
	return func(r *config.Remote) {
		for _, f := range fs {
			f(r)
		}
	}
}

func prune(p config.Prune) func(*config.Remote) { return func(r *config.Remote) { r.Prune = p } }
func follow(r *config.Remote)                   { r.FollowRewrites = true }
func limit(n int) func(*config.Remote)          { return func(r *config.Remote) { r.PruneLimit = n } }
func tags(t config.Tags) func(*config.Remote)   { return func(r *config.Remote) { r.Tags = t } }

// Leases, which take the place of git's own check, are marked with "!".
func TestEachRefGetsWhatTheTableSays(t *testing.T) {
	for _, c := range []struct {
		name            string
		remote          func(*config.Remote)
		up, mirror      string
		foreign, guilty string
		outside         string
		head            string // default main; "-" for none
		overwrite       string
		want            string
	}{
		{name: "what the mirror lacks is created", up: "main=a v1=a", want: "created main, created v1"},
		{name: "without keep too", remote: nokeep, up: "main=a v1=a", want: "created main, created v1"},
		{name: "the same value is left", up: "main=a v1=a", mirror: "main=a v1=a"},
		{name: "a branch that moved forward goes unforced, a tag with a lease", up: "main=b v1=b", mirror: "main=a v1=a", want: "updated main, updated! v1"},
		{name: "without keep just the same", remote: nokeep, up: "main=b v1=b", mirror: "main=a v1=a", want: "updated main, updated! v1"},
		{name: "what is no ancestor has diverged", up: "main=b v1=b", mirror: "main=x v1=x", foreign: "main v1", want: "divergent main, divergent v1"},
		{name: "what is unknown has diverged", up: "main=b v1=b", mirror: "main=z v1=z", foreign: "main v1", want: "divergent main, divergent v1"},
		{name: "a mirror that is ahead has diverged", up: "main=a", mirror: "main=b", want: "divergent main"},
		{name: "without keep it is forced, with a lease", remote: nokeep, up: "main=b v1=b", mirror: "main=x v1=z", foreign: "main v1", want: "forced! main, forced! v1"},

		{name: "a ref that upstream lacks stays", up: "main=b", mirror: "main=b old=a new=x v1=a"},
		{name: "without keep the merged ones go", remote: nokeep, up: "main=b", mirror: "main=b old=a new=x far=z v1=a v2=x", want: "deleted! old, deleted! v1"},
		{name: "with prune never nothing goes", remote: with(nokeep, prune(config.PruneNever)), up: "main=b", mirror: "main=b old=a"},
		{name: "with prune merged and keep the merged ones go", remote: prune(config.PruneMerged), up: "main=b", mirror: "main=b old=a new=x", want: "deleted! old"},
		{name: "with prune all everything goes", remote: with(nokeep, prune(config.PruneAll)), up: "main=b", mirror: "main=b old=a far=z v9=z", want: "deleted! far, deleted! old, deleted! v9"},
		{name: "nothing goes while upstream is empty", remote: with(nokeep, prune(config.PruneAll)), mirror: "main=b old=a", head: "-"},
		{name: "nothing goes while HEAD names no branch", remote: nokeep, up: "main=b", mirror: "main=b old=a", head: "-"},
		{name: "the branch of the mirror's HEAD is kept", remote: nokeep, up: "main=b", mirror: "main=b trunk=a HEAD>trunk", want: "kept trunk"},
		{name: "more deletions than the limit are not done", remote: with(nokeep, limit(1)), up: "main=c", mirror: "main=b old=a older=a", want: "updated main"},
		{name: "as many as the limit are", remote: with(nokeep, limit(2)), up: "main=c", mirror: "main=b old=a older=a", want: "updated main, deleted! old, deleted! older"},
		{name: "no limit", remote: with(nokeep, limit(0)), up: "main=c", mirror: "main=c old=a older=a", want: "deleted! old, deleted! older"},
		{name: "a deletion that git would find ambiguous is rejected", remote: nokeep, up: "main=c", mirror: "main=c old=a refs/heads/refs/heads/old=x", want: "rejected old"},
		{name: "also for the sake of a tag", remote: nokeep, up: "main=c", mirror: "main=c old=a refs/tags/refs/heads/old=x", want: "rejected old"},

		{name: "a rewrite is followed where the mirror holds ours", remote: follow, up: "main=b v1=b", mirror: "main=x v1=x", want: "forced! main, forced! v1"},
		{name: "and where ours is forgotten here", remote: follow, up: "main=b", mirror: "main=z", want: "forced! main"},
		{name: "and not where somebody else's is", remote: follow, up: "main=b", mirror: "main=x", foreign: "main", want: "divergent main"},
		{name: "a divergence is overwritten on demand", up: "main=b", mirror: "main=x", foreign: "main", overwrite: "main=x", want: "forced! main"},
		{name: "and not when the mirror moved since it was shown", up: "main=b", mirror: "main=y", foreign: "main", overwrite: "main=x", want: "divergent main"},
		{name: "and not when it was never shown", up: "main=b", mirror: "main=y", foreign: "main", overwrite: "main=", want: "divergent main"},

		{name: "a symbolic ref upstream is ignored", up: "main=b sym=b>main", mirror: "main=b sym=a"},
		{name: "a symbolic ref upstream is not created", up: "main=b sym=b>main", mirror: "main=b"},
		{name: "a symbolic ref on the mirror is never written through", up: "main=b sym=c", mirror: "main=b sym=b>main", want: "rejected sym"},
		{name: "nor without keep", remote: nokeep, up: "main=b sym=c", mirror: "main=b sym=b>main", want: "rejected sym"},
		{name: "a symbolic ref that only the mirror has is never deleted", remote: with(nokeep, prune(config.PruneAll)), up: "main=b", mirror: "main=b sym=b>main"},
		{name: "other refs are nobody's business", up: "main=b", mirror: "main=b refs/notes/x=a", remote: with(nokeep, prune(config.PruneAll))},

		{name: "no tags", remote: tags(config.TagsNone), up: "main=b v1=b", mirror: "main=b v2=a", want: ""},
		{name: "a tag outside the mirrored branches is left out", remote: tags(config.TagsReachable), up: "main=b v1=b v2=x", outside: "v2", want: "created main, created v1"},
		{name: "nor is it deleted", remote: with(nokeep, prune(config.PruneAll), tags(config.TagsReachable)), up: "main=b", mirror: "main=b v2=x", outside: "v2"},

		{name: "a ref in the way of another is told", up: "main=a a/b=a", mirror: "a=a", want: "rejected a/b, created main"},
		{name: "from the other side too", up: "main=a a=a", mirror: "a/b/c=a", want: "rejected a, created main"},
		{name: "unless it goes", remote: nokeep, up: "main=b a/b=a", mirror: "main=b a=a", want: "deleted! a, created a/b"},
		{name: "and not when too many go", remote: with(nokeep, limit(1)), up: "main=b a/b=a", mirror: "main=b a=a c=a", want: "rejected a/b"},
		{name: "and not when the mirror would not let it go", remote: nokeep, up: "main=b a/b=a", mirror: "main=b a=a", guilty: "a=", want: "rejected a, rejected a/b"},

		{name: "a ref that made the mirror decline is not sent again", up: "main=b bad=b", guilty: "bad=b", want: "rejected bad, created main"},
		{name: "unless its value changed", up: "main=b bad=c", guilty: "bad=b", want: "created bad, created main"},
		{name: "what is not sent is told for what it is", up: "bad=b", mirror: "bad=x", foreign: "bad", guilty: "bad=b", want: "divergent bad"},
		{name: "a deletion that the mirror declined counts for the limit", remote: with(nokeep, limit(1)), up: "main=b", mirror: "main=b a=a c=a", guilty: "a="},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := Input{Remote: remote(c.remote), Upstream: refs(c.up), Default: "refs/heads/main", Overwrite: map[git.RefName]git.OID{}}
			if c.head == "-" {
				in.Default = ""
			}
			mirror, head, _ := strings.Cut(c.mirror, " HEAD>")
			in.Mirror = Mirror{Refs: refs(mirror), Head: full(head), Foreign: set(c.foreign)}
			for _, ref := range refs(c.guilty) {
				in.Guilty = append(in.Guilty, Refusal{Name: ref.Name, New: ref.OID, Reason: "no", Guilty: true})
			}
			for _, ref := range refs(c.overwrite) {
				in.Overwrite[ref.Name] = ref.OID
			}
			got := Make(in, Facts{Ancestry: asked{in.Questions()}, Outside: set(c.outside)})
			if show(got) != c.want {
				t.Errorf("got  %s\nwant %s", show(got), c.want)
			}
		})
	}
}

// asked answers only what was asked, as git does.
type asked struct{ pairs []git.Pair }

func (a asked) IsAncestor(p git.Pair) bool {
	return slices.Contains(a.pairs, p) && line{}.IsAncestor(p)
}

func (a asked) Known(o git.OID) bool {
	return line{}.Known(o) && slices.ContainsFunc(a.pairs, func(p git.Pair) bool { return p.Old == o || p.New == o })
}

func TestWithheldDeletionsAreTold(t *testing.T) {
	in := Input{Remote: remote(with(nokeep, limit(1))), Upstream: refs("main=c"), Default: "refs/heads/main", Mirror: Mirror{Refs: refs("main=c a=a b=b")}}
	facts := Facts{Ancestry: line{}}
	if got := Make(in, facts).Withheld; got != (Withheld{Count: 2, Limit: 1}) {
		t.Errorf("over the limit: %+v", got)
	}
	in.PruneAnyway = true
	if got := Make(in, facts); got.Withheld != (Withheld{}) || show(got) != "deleted! a, deleted! b" {
		t.Errorf("with the limit lifted: %+v", got)
	}
	in.Default = ""
	if got := Make(in, facts); got.Withheld != (Withheld{Count: 2}) || show(got) != "" || !maps.Equal(got.Left, set("a b")) {
		t.Errorf("without a default branch: %+v", got)
	}
	in.Mirror.Refs = refs("main=c a=a far=z")
	if got := Make(in, facts); got.Withheld != (Withheld{Count: 1}) || !maps.Equal(got.Left, set("a far")) {
		t.Errorf("one that would have stayed anyway: %+v", got)
	}
}

// A symbolic branch is not mirrored, so what it leads to is in no mirrored branch for that.
func TestTagsAreDecidedByTheBranchesThatAreMirrored(t *testing.T) {
	in := Input{
		Remote:   remote(func(r *config.Remote) { r.Branches, r.Tags = config.PatternFilter("*a*"), config.TagsReachable }),
		Upstream: refs("main=b hidden=x alias=x>hidden v1=b v2=x"), Default: "refs/heads/main",
	}
	gotTags, gotBranches := in.UndecidedTags()
	if !slices.Equal(gotTags, refs("v1=b v2=x")) || !slices.Equal(gotBranches, refs("main=b")) {
		t.Errorf("tags %v, by the branches %v", gotTags, gotBranches)
	}
}

func TestPendingIsWhatUpstreamChanged(t *testing.T) {
	in := Input{
		Remote: remote(nokeep), Upstream: refs("main=b new=a sym=a>main v1=a v2=x"), Default: "refs/heads/main",
		Mirror: Mirror{Refs: refs("main=a gone=a left=x there=a>main v1=a"), Left: set("left")},
	}
	var got []string
	for _, name := range in.Pending(set("v2")) {
		got = append(got, name.Short())
	}
	if want := []string{"gone", "main", "new"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	in.Remote.Prune = config.PruneNever
	if got := in.Pending(set("v2")); len(got) != 2 {
		t.Errorf("without pruning: %q", got)
	}
}

func TestAListingClearsWhatIsNotOurs(t *testing.T) {
	before := Mirror{Refs: refs("main=a dev=a old=a"), Foreign: set("old")}
	got := Listed(refs("main=a dev=x new=y equal=b old=a"), "", before, refs("main=c dev=b equal=b"))
	if want := set("dev new old"); !maps.Equal(got.Foreign, want) {
		t.Errorf("foreign are %v", got.Foreign)
	}
}

func TestWhatWasPushedIsOurs(t *testing.T) {
	m := Mirror{Refs: refs("dev=x gone=a main=a"), Foreign: set("dev")}
	got := m.After([]*Step{
		{Name: "refs/heads/dev", Result: Forced, New: oid("b")},
		{Name: "refs/heads/gone", Result: Deleted},
		{Name: "refs/heads/new", Result: Created, New: oid("c")},
		{Name: "refs/heads/main", Result: Divergent, New: oid("c")},
	}, refs("dev=b new=c"))
	if want := refs("dev=b main=a new=c"); !slices.Equal(got.Refs, want) || len(got.Foreign) != 0 {
		t.Errorf("got %v, foreign %v", got.Refs, got.Foreign)
	}
}

// What is presumed goes unforced, or the push would not tell.
func TestWhatMayBePresumed(t *testing.T) {
	for _, c := range []struct {
		name       string
		remote     func(*config.Remote)
		up, mirror string
		want       bool
	}{
		{name: "nothing differs", up: "main=a v1=a", mirror: "main=a v1=a", want: true},
		{name: "new refs", up: "main=a v1=a", want: true},
		{name: "two branches", up: "main=b topic=c", mirror: "main=a topic=x", want: true},
		{name: "three are too many", up: "main=b topic=c other=c", mirror: "main=a topic=x other=a"},
		{name: "a tag has a lease", up: "main=b v1=b", mirror: "main=a v1=a"},
		{name: "so has a deletion", remote: prune(config.PruneMerged), up: "main=b", mirror: "main=b old=a"},
		{name: "and what is forced", remote: nokeep, up: "main=b", mirror: "main=a"},
		{name: "and a rewrite that is followed", remote: follow, up: "main=b", mirror: "main=a"},
		{name: "what is not pruned stays", up: "main=b", mirror: "main=a old=a v9=a", want: true},
		{name: "nor does a symbolic ref matter", up: "main=b", mirror: "main=a>other", want: true},
	} {
		in := Input{Remote: remote(c.remote), Upstream: refs(c.up), Mirror: Mirror{Refs: refs(c.mirror)}, Default: "refs/heads/main"}
		if got := in.Presumes(2); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
		if !c.want {
			continue
		}
		for _, s := range Make(in, Facts{Ancestry: Presumed{}}).Steps {
			if s.Leased() {
				t.Errorf("%s: %s goes with a lease", c.name, s.Name)
			}
		}
	}
}
