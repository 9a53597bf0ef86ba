package bench

import (
	"fmt"
	"strings"
)

// mirrorPush is what a hook of one line does.
func mirrorPush(w *world) {
	w.git("up.git", "push", "-q", "--mirror", w.path("mirror.git"))
}

// giteasWay is how Gitea and Forgejo push.
func giteasWay(w *world) {
	w.git("up.git", "push", "-f", "--mirror", w.path("mirror.git"))
}

// gitlabsWay lists the mirror, compares each ref that differs by a process of its own, and pushes
// ten refs at a time.
func gitlabsWay(w *world) {
	there := map[string]string{}
	for line := range strings.Lines(w.git("up.git", "ls-remote", "--heads", "--tags", w.path("mirror.git"))) {
		oid, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\trefs/heads/")
		there[name] = oid
	}
	var batch []string
	push := func() {
		if len(batch) > 0 {
			w.git("up.git", append([]string{"push", "-q", w.path("mirror.git")}, batch...)...)
		}
		batch = nil
	}
	for name, oid := range w.branches("up.git") {
		if there[name] == oid {
			continue
		}
		if there[name] != "" {
			w.git("up.git", "merge-base", "--is-ancestor", there[name], oid)
		}
		if batch = append(batch, "refs/heads/"+name+":refs/heads/"+name); len(batch) == 10 {
			push()
		}
	}
	push()
}

// releases are the branches that half of them are.
const releases = "refs/heads/release/*:refs/heads/release/*"

// wildcardPush is what somebody does who has a filter that git understands.
func wildcardPush(w *world) {
	w.git("up.git", "push", "-q", w.path("mirror.git"), releases)
}

// lookAndPush are the commands of git that an update has run.
func lookAndPush(refspec string) func(*world) {
	return func(w *world) {
		w.run(w.command("up.git", "sh", "-c", fmt.Sprintf("git for-each-ref; exec git push -q %s '%s'", w.path("mirror.git"), refspec)))
	}
}

// pushOne is what somebody does who knows what has changed, and that bitmaps would make it slow.
func pushOne(w *world) {
	w.git("up.git", "-c", "pack.useBitmaps=false", "push", "-q", w.path("mirror.git"), "main")
}

// pushOfEach is pushOne for xargs.
func pushOfEach(w *world) []string {
	return []string{"git", "-C", "up/{}.git", "push", "-q", w.path("mirrors/{}.git"), "main"}
}

// lookAndPushOfEach is lookAndPush for xargs.
func lookAndPushOfEach(w *world) []string {
	return []string{"sh", "-c", fmt.Sprintf("cd up/{}.git; git for-each-ref; exec git push -q %s main", w.path("mirrors/{}.git"))}
}
