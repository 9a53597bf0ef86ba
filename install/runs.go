package install

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"git-push-mirror/pushmirror/git"
)

// Runs reports whether git, or the repository's host, runs the program for pushes to this
// repository, as far as can be seen from it.
func Runs(ctx context.Context, repo *git.Repository) (bool, error) {
	return runs(repo, func() (settings, error) { return readSettings(ctx, repo) })
}

// Survey looks at many repositories. Git is asked once for what they share, and again only for
// those whose own configuration could say more. The zero Survey is ready to begin.
type Survey struct {
	once   sync.Once
	shared []git.Setting
	err    error
}

// Runs is what the function of that name reports. It can be called from many goroutines.
func (s *Survey) Runs(ctx context.Context, repo *git.Repository) (bool, error) {
	return runs(repo, func() (settings, error) {
		s.once.Do(func() { s.shared, s.err = repo.Git().Settings(ctx, hookSettings+`|^includeif\.`) })
		if s.err != nil || speaksOfHooks(repo.Dir()) || slices.ContainsFunc(s.shared, isConditional) {
			return readSettings(ctx, repo)
		}
		return settingsOf(repo, s.shared), nil
	})
}

// isConditional reports whether a setting includes a file for some repositories only.
func isConditional(s git.Setting) bool { return strings.HasPrefix(s.Key, "includeif.") }

// speaksOfHooks reports whether a repository's own configuration may set anything about
// hooks, itself or in a file that it names. Names of keys stand in it as they are, in
// whatever case, and a file that is named takes "include" or "worktreeConfig".
func speaksOfHooks(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "config"))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	text = bytes.ToLower(text)
	for _, word := range []string{"hook", "include", "worktreeconfig"} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

func runs(repo *git.Repository, read func() (settings, error)) (bool, error) {
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
	s, err := read()
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
