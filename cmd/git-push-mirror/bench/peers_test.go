package bench

import "strings"

// mirrorPush is what a hook of one line does.
func mirrorPush(w *world) {
	w.git("up.git", "push", "-q", "--mirror", w.path("mirror.git"))
}

// giteasWay is how Gitea and Forgejo push.
func giteasWay(w *world) {
	w.git("up.git", "push", "-f", "--mirror", w.path("mirror.git"))
}

// gitlabsWay lists the mirror, compares each ref that differs by a process of its own, and pushes ten refs at a time.
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
