package install

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"git-push-mirror/pushmirror/git"
)

// Runs reports whether git, or the repository's host, runs the program for pushes to this
// repository, as far as can be seen from it.
func Runs(ctx context.Context, repo *git.Repository) (bool, error) {
	root, err := os.OpenRoot(repo.Dir())
	if err != nil {
		return false, err
	}
	defer root.Close()
	t := &tree{root: root, dir: repo.Dir()}
	for _, folder := range []string{hookFolder, gitlabHooks, gitlabFolder} {
		others, err := t.entries(folder)
		if err != nil {
			continue // a link out of the repository
		}
		for _, f := range others {
			if f.runs() {
				return true, nil
			}
		}
	}
	s, err := readSettings(ctx, repo)
	if err != nil {
		return false, err
	}
	for _, command := range s.commands {
		if strings.Contains(command, "push-mirror") {
			return true, nil
		}
	}
	dir := filepath.Join(t.dir, hooksFolder)
	if s.hooksPath.Key != "" {
		if dir = s.hooksPath.Value; !filepath.IsAbs(dir) {
			dir = filepath.Join(t.dir, dir)
		}
	}
	return runsIn(dir), nil
}

// runsIn reports whether the post-receive in a folder runs the program, or the one that ours
// set aside does.
func runsIn(dir string) bool {
	path := filepath.Join(dir, filepath.Base(plainHook))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o111 == 0 {
		return false
	}
	text, _ := readRegular(path)
	return runsUs(text) || isProgram(path)
}

// runs reports whether the program is run by way of this hook.
func (f found) runs() bool { return f.kind == ours || f.kind == program || f.kind == calling }
