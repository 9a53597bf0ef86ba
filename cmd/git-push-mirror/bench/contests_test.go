package bench

import (
	"fmt"
	"os"
	"strings"
)

// The configurations. Who measures the worker starts it; the hook only marks then.
const (
	workerAlone = "[hook]\nwait = \"0s\"\n[worker]\nstart = \"never\"\n"
	hookAlone   = "[hook]\nwait = \"0s\"\n"
)

var (
	refs         = []int{100, 1_000, 5_000, 10_000, 100_000}
	fewRefs      = []int{100, 1_000}
	manyRefs     = []int{1_000, 10_000, 100_000}
	repositories = []int{10, 100, 1_000}
)

// contests are the rows of the table that tell of ratios. Those beside ls-remote or for-each-ref
// tell how much of the row before is git's: the peer runs the commands that an update does, from a
// shell, and keeps nothing.
var contests = []contest{
	{name: "first update", beside: "push --mirror", atMost: 1.3, small: 1.5, unit: "refs", sizes: refs, quick: fewRefs, stage: firstUpdate(mirrorPush), config: workerAlone},
	{name: "first update", beside: "for-each-ref, push", unit: "refs", sizes: []int{100, 5_000}, quick: fewRefs, stage: firstUpdate(lookAndPush("refs/*:refs/*")), config: workerAlone},
	{name: "first update, long history", beside: "push --mirror", atMost: 1.3, unit: "commits", sizes: []int{1_000, 10_000, 100_000}, quick: []int{1_000}, stage: firstOfHistory, config: workerAlone},
	{name: "each branch one ahead", beside: "push --mirror", atMost: 1.3, small: 1.5, unit: "refs", sizes: refs, quick: fewRefs, stage: oneAhead(mirrorPush), config: workerAlone},
	{name: "each branch one ahead", beside: "Gitea's way", unit: "refs", sizes: []int{5_000}, quick: []int{100}, stage: oneAhead(giteasWay), config: workerAlone},
	{name: "each branch one ahead", beside: "GitLab's way", unit: "refs", sizes: []int{100, 5_000}, quick: []int{100}, stage: oneAhead(gitlabsWay), config: workerAlone},
	{name: "each branch divergent", beside: "push --mirror", atMost: 1.3, small: 1.5, unit: "refs", sizes: refs, quick: fewRefs, stage: divergent, config: workerAlone},
	{name: "half of the branches", beside: "push of a wildcard", atMost: 1.5, small: 1.5, unit: "refs", sizes: refs, quick: fewRefs, stage: filtered(wildcardPush), config: workerAlone},
	{name: "half of the branches", beside: "for-each-ref, push", unit: "refs", sizes: []int{100, 5_000}, quick: fewRefs, stage: filtered(lookAndPush(releases)), config: workerAlone},
	{name: "one branch changed", beside: "push of it, no bitmap", atMost: 1.5, unit: "refs", sizes: manyRefs, quick: fewRefs, stage: oneChanged(pushOne), config: workerAlone},
	{name: "one branch changed", beside: "push --mirror", atMost: 0.2, unit: "refs", sizes: manyRefs, quick: fewRefs, stage: oneChanged(mirrorPush), config: workerAlone},
	{name: "sync, nothing to do", beside: "ls-remote, for-each-ref", atMost: 1.5, unit: "refs", sizes: manyRefs, quick: fewRefs, stage: nothingToDo, config: workerAlone},
	{name: "a local push, wait = 0s", beside: "an empty sh hook", atMost: 1.25, unit: "push", sizes: []int{1}, quick: []int{1}, rounds: 100, stage: localPush, config: hookAlone},
	{name: "the same, a service delivers", beside: "an empty sh hook", atMost: 1.25, unit: "push", sizes: []int{1}, quick: []int{1}, rounds: 100, stage: servedPush, config: workerAlone},
	{name: "the hook alone", beside: "an empty sh hook", unit: "run", sizes: []int{1}, quick: []int{1}, rounds: 40, stage: hookRun, config: hookAlone},
	{name: "ten commits, ten large files", beside: "lfs push, then push", unit: "older large files", sizes: []int{100, 1_000, 10_000}, quick: []int{100}, stage: largeFiles, config: workerAlone},
	{name: "a push in each repository", beside: "xargs -P4 git push", atMost: 1.3, unit: "repositories", sizes: repositories, quick: []int{10}, stage: manyRepositories(pushOfEach), config: workerAlone},
	{name: "a push in each repository", beside: "xargs -P4 for-each-ref, push", unit: "repositories", sizes: repositories, quick: []int{10}, stage: manyRepositories(lookAndPushOfEach), config: workerAlone},
}

// mirrored is an upstream with n branches and its mirror, which holds the same and is known to.
func (w *world) mirrored(n int, config string) {
	w.upstream("up.git", n)
	w.run(w.command(".", "cp", "-a", "up.git", "mirror.git"))
	w.remote(config)
	w.mark("up.git", "refs/heads/main")
	w.deliver()
}

// remote configures the mirror.
func (w *world) remote(config string) {
	w.write("up.git/push-mirror.toml", fmt.Sprintf("%s\n[[remote]]\nname = \"m\"\nurl = %q\n", config, w.path("mirror.git")))
}

// due marks what has changed in up.git, and has each round begin here.
func (w *world) due(ref string) {
	w.mark("up.git", ref)
	w.save("mirror.git", "up.git/push-mirror", "state")
}

func firstUpdate(peer func(*world)) func(*world, int) stage {
	return func(w *world, n int) stage {
		w.upstream("up.git", n)
		return w.toEmpty(peer)
	}
}

// firstOfHistory is a first update with n commits behind one branch.
func firstOfHistory(w *world, n int) stage {
	w.history("up.git", n)
	return w.toEmpty(mirrorPush)
}

// toEmpty is a first update of up.git.
func (w *world) toEmpty(peer func(*world)) stage {
	w.git(".", "init", "-q", "--bare", "--template=", "mirror.git")
	w.remote("")
	w.due("refs/heads/main")
	return stage{
		reset: w.reset, ours: w.deliver, peer: func() { peer(w) },
		check: func() { w.same("up.git", "mirror.git") },
	}
}

func oneAhead(peer func(*world)) func(*world, int) stage {
	return func(w *world, n int) stage {
		w.mirrored(n, "")
		w.advance("up.git", "third", n)
		w.due("refs/heads/main")
		return stage{
			reset: w.reset, ours: w.deliver, peer: func() { peer(w) },
			check: func() { w.same("up.git", "mirror.git") },
		}
	}
}

func divergent(w *world, n int) stage {
	w.mirrored(n, "")
	w.advance("up.git", "third", n)
	w.advance("mirror.git", "foreign", n)
	w.due("refs/heads/main")
	foreign := w.refs("mirror.git")
	return stage{
		reset: w.reset, ours: w.deliver, peer: func() { mirrorPush(w) },
		check: func() {
			if w.refs("mirror.git") != foreign {
				w.b.Fatal("the mirror has changed")
			}
			if out := w.program("up.git", "status"); !strings.Contains(out, fmt.Sprintf("\t%d refs\t", n)) {
				w.b.Fatalf("not all refs have diverged: %.200s", out)
			}
		},
	}
}

func filtered(peer func(*world)) func(*world, int) stage {
	return func(w *world, n int) stage {
		w.mirrored(n, `protected_branches = ["release/*"]`)
		w.advance("up.git", "third", n)
		w.due("refs/heads/release/000002")
		return stage{
			reset: w.reset, ours: w.deliver, peer: func() { peer(w) },
			check: func() {
				up, mirror := w.branches("up.git"), w.branches("mirror.git")
				for name := range up {
					if (up[name] == mirror[name]) != strings.HasPrefix(name, "release/") {
						w.b.Fatalf("%s is %s here and %s there", name, up[name], mirror[name])
					}
				}
			},
		}
	}
}

func oneChanged(peer func(*world)) func(*world, int) stage {
	return func(w *world, n int) stage {
		w.mirrored(n, "")
		w.commitToMain("up.git", "changed")
		w.due("refs/heads/main")
		return stage{
			reset: w.reset, ours: w.deliver, peer: func() { peer(w) },
			check: func() { w.same("up.git", "mirror.git") },
		}
	}
}

func nothingToDo(w *world, n int) stage {
	w.mirrored(n, "")
	return stage{
		ours: func() { w.program("up.git", "sync") },
		peer: func() {
			w.git("up.git", "ls-remote", w.path("mirror.git"))
			w.git("up.git", "for-each-ref", "--format=%(objectname) %(refname)")
		},
	}
}

// largeFiles are ten new ones in ten commits, of a mirror that has all the older ones.
func largeFiles(w *world, n int) stage {
	w.upstream("up.git", 10)
	w.largeCommit("up.git", "older", n)
	w.run(w.command(".", "cp", "-a", "up.git", "mirror.git"))
	w.remote("[defaults]\nlfs = \"on\"\n")
	w.mark("up.git", "refs/heads/main")
	w.deliver()
	for i := range 10 {
		w.largeCommit("up.git", fmt.Sprintf("new%d", i), 1)
	}
	w.due("refs/heads/main")
	return stage{
		reset: w.reset, ours: w.deliver,
		peer: func() {
			w.git("up.git", "lfs", "push", "file://"+w.path("mirror.git"), "main")
			w.git("up.git", "push", "-q", w.path("mirror.git"), "main")
		},
		check: func() {
			w.same("up.git", "mirror.git")
			if got := w.run(w.command(".", "sh", "-c", "find mirror.git/lfs/objects -type f | wc -l")); got != fmt.Sprint(n+10) {
				w.b.Fatalf("the mirror has %s large files, not %d", got, n+10)
			}
		},
	}
}

// withHooks are a repository with the hook and one with an empty one, and work.git to push to them
// from.
func (w *world) withHooks() {
	w.b.Cleanup(w.awaitIdle) // or a worker would write into a folder that is being removed
	w.mirrored(10, "")
	w.run(w.command(".", "cp", "-a", "up.git", "plain.git"))
	w.git(".", "clone", "-q", "--bare", "up.git", "work.git")
	w.program(".", "install", "up.git")
	w.write("plain.git/hooks/post-receive", "#!/bin/sh\n")
}

// localPush is measured while nothing else is pushed: the worker that it starts works on its own
// time.
func localPush(w *world, _ int) stage {
	w.withHooks()
	push := func(to string) func() {
		return func() { w.git("work.git", "push", "-q", w.path(to), "main") }
	}
	return stage{
		reset: func() {
			w.awaitIdle()
			w.commitToMain("work.git", "another")
		},
		ours: push("up.git"), peer: push("plain.git"),
	}
}

// servedPush is localPush where hooks start no worker.
func servedPush(w *world, n int) stage {
	s := localPush(w, n)
	s.check = w.deliver
	return s
}

// hookRun is the hook without the push.
func hookRun(w *world, _ int) stage {
	w.withHooks()
	line := fmt.Sprintf("%s %[1]s refs/heads/main\n", w.git("up.git", "rev-parse", "main"))
	run := func(repository string) func() {
		return func() {
			cmd := w.command(repository, "hooks/post-receive")
			cmd.Stdin = strings.NewReader(line)
			w.run(cmd)
		}
	}
	return stage{reset: w.awaitIdle, ours: run("up.git"), peer: run("plain.git")}
}

// site is n repositories, each one commit ahead of its mirror. They are copies of one.
func (w *world) site(n int) {
	w.write("config.toml", fmt.Sprintf("root = %q\n%s[[remote]]\nname = \"m\"\nrepositories = [\"*\"]\nurl = %q\n",
		w.path("up"), workerAlone, w.path("mirrors/{path}.git")))
	w.upstream("one.git", 10)
	for i := range n {
		for _, base := range []string{"up", "mirrors"} {
			w.check(os.MkdirAll(w.path(base), 0o700))
			w.run(w.command(".", "cp", "-a", "one.git", fmt.Sprintf("%s/%d.git", base, i)))
		}
		hooks := w.path(fmt.Sprintf("up/%d.git/hooks", i))
		w.check(os.MkdirAll(hooks, 0o700))
		w.check(os.Symlink(program, hooks+"/post-receive"))
	}
	w.program("up", "sync", "--recursive")
}

// manyRepositories is beside a command that xargs runs for each, with {} for its number.
func manyRepositories(peer func(*world) []string) func(*world, int) stage {
	return func(w *world, n int) stage {
		w.site(n)
		var list strings.Builder
		for i := range n {
			repository := fmt.Sprintf("up/%d.git", i)
			w.commitToMain(repository, "another")
			w.mark(repository, "refs/heads/main")
			fmt.Fprintln(&list, i)
		}
		w.save("mirrors", "state")
		for i := range n {
			w.save(fmt.Sprintf("up/%d.git/push-mirror", i)) // a copy of the whole would be another repository, whose first update lists
		}
		return stage{
			reset: w.reset, ours: w.deliver,
			peer: func() {
				cmd := w.command(".", "xargs", append([]string{"-P4", "-I{}"}, peer(w)...)...)
				cmd.Stdin = strings.NewReader(list.String())
				w.run(cmd)
			},
			check: func() { w.same(fmt.Sprintf("up/%d.git", n-1), fmt.Sprintf("mirrors/%d.git", n-1)) },
		}
	}
}
