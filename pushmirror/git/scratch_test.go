package git

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testRepo is a real bare repository with git's environment kept apart.
type testRepo struct {
	t *testing.T
	*Repository
	env []string
}

func newTestRepo(t *testing.T, args ...string) *testRepo {
	t.Helper()
	home := t.TempDir()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
	g, err := New(env)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), `odd "name" \ #`)
	r := &testRepo{t: t, env: env}
	r.run(append(append([]string{"init", "--quiet", "--bare", "--initial-branch=main"}, args...), dir)...)
	if r.Repository, err = g.Open(dir); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *testRepo) run(args ...string) string {
	r.t.Helper()
	return r.input("", args...)
}

func (r *testRepo) input(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Env = r.env
	cmd.Stdin = strings.NewReader(stdin)
	if r.Repository != nil {
		cmd.Dir = r.dir
	}
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, stderrOf(err))
	}
	return strings.TrimSuffix(string(out), "\n")
}

func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output returns it as it is
		return exit.Stderr
	}
	return nil
}

// commit makes a commit and returns its id.
func (r *testRepo) commit(message string, parents ...OID) OID {
	args := []string{"commit-tree", "-m", message}
	for _, p := range parents {
		args = append(args, "-p", string(p))
	}
	return OID(r.run(append(args, r.run("mktree"))...))
}

func (r *testRepo) scratch(url string) *Scratch {
	r.t.Helper()
	s, err := r.NewScratch(r.t.Context(), r.t.TempDir()+"/scratch-", Target{URL: url})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			r.t.Error(err)
		}
	})
	return s
}

func TestCompareAgreesWithMergeBase(t *testing.T) {
	r := newTestRepo(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	commits := []OID{r.commit("0")}
	for i := range 30 {
		parents := []OID{commits[random.IntN(len(commits))]}
		if other := commits[random.IntN(len(commits))]; other != parents[0] && random.IntN(3) == 0 {
			parents = append(parents, other)
		}
		commits = append(commits, r.commit(fmt.Sprint(i+1), parents...))
	}
	var pairs []Pair
	for range 60 {
		pairs = append(pairs, Pair{commits[random.IntN(len(commits))], commits[random.IntN(len(commits))]})
	}
	got, err := r.scratch("/nowhere").Compare(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		want := exec.CommandContext(t.Context(), "git", "-C", r.dir, "merge-base", "--is-ancestor", string(p.Old), string(p.New)).Run() == nil
		if got.IsAncestor(p) != want {
			t.Errorf("%s is an ancestor of %s: %v, merge-base says %v", p.Old.Short(), p.New.Short(), got.IsAncestor(p), want)
		}
	}
}

func TestCompareLooksThroughTagsAndNotThroughWhatIsNoCommit(t *testing.T) {
	r := newTestRepo(t)
	a := r.commit("a")
	b := r.commit("b", a)
	r.run("tag", "-a", "-m", "x", "old", string(a))
	r.run("tag", "-a", "-m", "x", "new", string(b))
	old, tagged := OID(r.run("rev-parse", "old")), OID(r.run("rev-parse", "new"))
	blob := OID(r.run("hash-object", "-w", "--stdin"))
	want := map[Pair]bool{
		{old, tagged}: true, {tagged, old}: false, {a, tagged}: true, {blob, b}: false, {a, blob}: false, {oidA, b}: false, {b, ""}: false, {b, b}: true,
	}
	pairs := slices.Collect(maps.Keys(want))
	// What one is hidden behind depends on those that it is asked with.
	for some := range slices.Chunk(pairs, 1) {
		compareAll(t, r.scratch("/nowhere"), some, want)
	}
	compareAll(t, r.scratch("/nowhere"), pairs, want)
}

func compareAll(t *testing.T, s *Scratch, pairs []Pair, want map[Pair]bool) {
	t.Helper()
	got, err := s.Compare(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		if got.IsAncestor(p) != want[p] {
			t.Errorf("%v among %d: got %v", p, len(pairs), !want[p])
		}
		if known := p.Old != oidA; got.Known(p.Old) != known {
			t.Errorf("%s among %d is known: %v", p.Old, len(pairs), !known)
		}
	}
}

func TestReplaceRefsAndGraftsDoNotMakeAncestors(t *testing.T) {
	r := newTestRepo(t)
	stranger, ours := r.commit("stranger"), r.commit("ours")
	fake := r.commit("fake", stranger)
	r.run("replace", string(ours), string(fake))
	if err := os.MkdirAll(filepath.Join(r.dir, "info"), 0o755); err != nil {
		t.Fatal(err)
	}
	grafted := r.commit("grafted")
	if err := os.WriteFile(filepath.Join(r.dir, "info/grafts"), fmt.Appendf(nil, "%s %s\n", grafted, stranger), 0o600); err != nil {
		t.Fatal(err)
	}
	pairs := []Pair{{stranger, ours}, {stranger, grafted}}
	compareAll(t, r.scratch("/nowhere"), pairs, nil)
	unreachable, err := r.Unreachable(t.Context(), []OID{stranger}, []OID{ours, grafted})
	if err != nil || !unreachable[stranger] {
		t.Errorf("a replace ref or a graft made a commit reachable (%v)", err)
	}
}

func TestAScratchRepositoryShowsNothingToOthers(t *testing.T) {
	r := newTestRepo(t)
	s := r.scratch("/nowhere")
	if err := s.setRefs(Refs{{Name: "refs/heads/secret", OID: r.commit("a")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.borrow(); err != nil { // or it could show nothing
		t.Fatal(err)
	}
	if out := r.run("ls-remote", s.dir); out != "" {
		t.Errorf("it shows %s", out)
	}
	info, err := os.Stat(s.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v (%v)", info.Mode(), err)
	}
}

// Git tells of what it took over from a pack by its bitmap as "pack-reused".
func TestBitmapsServeTheFirstPushAlone(t *testing.T) {
	r, mirror := newTestRepo(t), newTestRepo(t)
	tip := r.commit("0")
	for i := range 100 {
		tip = r.commit(fmt.Sprint(i+1), tip)
	}
	r.run("update-ref", "refs/heads/main", string(tip))
	r.run("repack", "-adbq")
	for _, first := range []bool{false, true} {
		_, text, err := r.scratch(mirror.dir).Push(t.Context(), Push{Update: Refs{{Name: "refs/heads/main", OID: tip}}, First: first})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "pack-reused 0") == first || !strings.Contains(text, "pack-reused") {
			t.Errorf("first: %v, and git said\n%s", first, text)
		}
		mirror.run("update-ref", "-d", "refs/heads/main")
	}
}

func TestPushOfSHA256(t *testing.T) {
	r := newTestRepo(t, "--object-format=sha256")
	mirror := newTestRepo(t, "--object-format=sha256")
	a := r.commit("a")
	outcomes, text, err := r.scratch(mirror.dir).Push(t.Context(), Push{Update: Refs{{Name: "refs/heads/main", OID: a}}})
	if err != nil || len(outcomes) != 1 || outcomes[0].Flag != '*' {
		t.Fatalf("got %+v, %v\n%s", outcomes, err, text)
	}
	refs, head, err := r.scratch(mirror.dir).List(t.Context(), true)
	if err != nil || len(refs) != 1 || refs[0].OID != a || head != "refs/heads/main" {
		t.Errorf("the mirror holds %v, its HEAD names %q (%v)", refs, head, err)
	}
}

func TestAnIncompleteObjectIsFound(t *testing.T) {
	r := newTestRepo(t)
	r.run("hash-object", "-w", "--stdin")
	tree := r.input("100644 blob e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\tfile\n", "mktree")
	b := OID(r.run("commit-tree", "-m", "b", "-p", string(r.commit("a")), tree))
	if ok, err := r.Complete(t.Context(), []OID{b}, nil); !ok || err != nil {
		t.Errorf("a sound commit counts as incomplete (%v)", err)
	}
	if err := os.Remove(filepath.Join(r.dir, "objects", tree[:2], tree[2:])); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Complete(t.Context(), []OID{b}, nil); ok || err != nil {
		t.Errorf("a commit without its tree counts as complete (%v)", err)
	}
	if ok, err := r.Complete(t.Context(), []OID{b}, []OID{b}); !ok || err != nil {
		t.Errorf("what the mirror has is looked for (%v)", err)
	}
}

func TestTryPushAsksAnyMirrorAndChangesNone(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r := newTestRepo(t, "--object-format="+format)
		r.run("update-ref", "refs/heads/main", string(r.commit("a")))
		empty, filled := newTestRepo(t, "--object-format="+format), newTestRepo(t, "--object-format="+format)
		filled.run("update-ref", "refs/none/x", string(filled.commit("b")))
		for _, mirror := range []*testRepo{empty, filled} {
			before := mirror.run("for-each-ref")
			if err := r.scratch(mirror.dir).TryPush(t.Context()); err != nil {
				t.Errorf("%s: %v", format, err)
			}
			if after := mirror.run("for-each-ref"); after != before {
				t.Errorf("%s: there was %q, and is %q", format, before, after)
			}
		}
	}
	other := newTestRepo(t, "--object-format=sha256")
	other.run("update-ref", "refs/heads/main", string(other.commit("c")))
	for name, mirror := range map[string]string{
		"another format": other.dir, "another format, empty": newTestRepo(t, "--object-format=sha256").dir, "no repository": t.TempDir(), "nothing": "/nowhere/m.git",
	} {
		if err := newTestRepo(t).scratch(mirror).TryPush(t.Context()); err == nil {
			t.Errorf("%s would take a push", name)
		}
	}
}

func TestAScratchRepositoryFollowsAnUpstreamThatBecomesShallow(t *testing.T) {
	r := newTestRepo(t)
	root := r.commit("root")
	tip := r.commit("tip", root)
	s := r.scratch("/nowhere")
	pairs := []Pair{{root, tip}}
	compareAll(t, s, pairs, map[Pair]bool{{root, tip}: true})
	if err := os.WriteFile(filepath.Join(r.dir, "shallow"), []byte(tip+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	compareAll(t, s, pairs, nil) // what is behind the boundary is nobody's ancestor any more
}

func TestAMirrorIsNotAskedWhereItsFoldersShowThatItIsEmpty(t *testing.T) {
	for name, c := range map[string]struct {
		change string // run in the mirror's folder
		asked  bool
	}{
		"empty":                      {},
		"without folders of refs":    {change: "rmdir refs/heads refs/tags"},
		"a ref of another kind":      {change: "git update-ref refs/notes/x $C"},
		"a branch":                   {change: "git update-ref refs/heads/main $C", asked: true},
		"a branch in a folder":       {change: "git update-ref refs/heads/a/b $C", asked: true},
		"a tag":                      {change: "git tag v1 $C", asked: true},
		"a packed branch":            {change: "git update-ref refs/heads/main $C; git pack-refs --all; rm -rf refs/heads/*", asked: true},
		"an empty packed-refs":       {change: ">packed-refs", asked: true},
		"a symbolic branch":          {change: "git symbolic-ref refs/heads/x refs/heads/y", asked: true},
		"another format of refs":     {change: "mkdir reftable", asked: true},
		"a repository in its .git":   {change: "git init --quiet --bare .git; git --git-dir=.git fetch --quiet \"$UP\" $C:refs/heads/main", asked: true},
		"a folder of another's refs": {change: "rmdir refs/heads; ln -s \"$UP/refs/heads\" refs/heads", asked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, mirror := newTestRepo(t), newTestRepo(t)
			commit := r.commit("x")
			r.run("update-ref", "refs/heads/main", string(commit))
			r.run("push", "--quiet", mirror.dir, string(commit)+":refs/heads/passing")
			mirror.run("update-ref", "-d", "refs/heads/passing")
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", c.change)
			cmd.Dir, cmd.Env = mirror.dir, append(slices.Clone(r.env), "C="+string(commit), "UP="+r.dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := r.run("ls-remote", "--heads", "--tags", mirror.dir)
			asked := 0
			r.git.Watch(func([]string, time.Duration, error) { asked++ })
			refs, head, err := r.scratch(mirror.dir).List(t.Context(), true)
			if err != nil || head != "" && !strings.Contains(want, string(head)) || asked > 0 != c.asked {
				t.Errorf("its HEAD is %q, and git was asked %d times: %v", head, asked, err)
			}
			var got []string
			for _, ref := range refs {
				got = append(got, string(ref.OID)+"\t"+string(ref.Name))
			}
			if strings.Join(got, "\n") != want {
				t.Errorf("it lists %q, git ls-remote %q", got, want)
			}
		})
	}
}
