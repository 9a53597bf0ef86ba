package hook

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// concernedBy are the remotes that changes concern: those whose filter lets one of the refs
// through.
func concernedBy(remotes []config.Remote, repository string, changes []change) (concerned []config.Remote) {
	targets := sync.OnceValues(func() ([]git.RefName, bool) { return through(repository, changes) })
	for _, remote := range remotes {
		if !remote.Enabled {
			continue
		}
		concerns := slices.ContainsFunc(changes, func(c change) bool { return plan.Inside(remote, c.name) })
		if !concerns {
			more, unknown := targets()
			concerns = unknown || slices.ContainsFunc(more, func(name git.RefName) bool { return plan.Inside(remote, name) })
		}
		if concerns {
			concerned = append(concerned, remote)
		}
	}
	return concerned
}

// maxTargets is how many of the refs of a push may be looked at for what they name.
const maxTargets = 1000

// maxSymbolic is how many symbolic refs git follows from one to the next.
const maxSymbolic = 5

// through are the refs that were pushed by way of symbolic ones, which are all that git names. They
// are unknown where refs have no files of their own (reftable), and where too many were pushed.
func through(repository string, changes []change) (targets []git.RefName, unknown bool) {
	if _, err := os.Stat(filepath.Join(repository, "reftable")); err == nil || len(changes) > maxTargets {
		return nil, true
	}
	for _, c := range changes {
		name := c.name
		for range maxSymbolic {
			target, ok := symref(filepath.Join(repository, string(name)))
			if !ok || !filepath.IsLocal(string(target)) {
				break
			}
			targets, name = append(targets, target), target
		}
	}
	return targets, false
}

// symref reads the file of a ref, if it is a symbolic one.
func symref(path string) (target git.RefName, ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", false // deleted or packed, as symbolic refs never are
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4<<10))
	name, ok := strings.CutPrefix(string(text), "ref:")
	return git.RefName(strings.TrimSpace(name)), ok && err == nil
}
