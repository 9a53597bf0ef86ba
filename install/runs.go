package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	h, err := locate(repo, func() (settings, error) { return readSettings(ctx, repo) })
	return h.isRun(func() bool { return runsCommands(ctx, repo.Git()) }), err
}

// Bare reports whether a repository is bare: Install refuses one that is not.
func Bare(ctx context.Context, repo *git.Repository) (bool, error) {
	s, err := readSettings(ctx, repo)
	return s.bare, err
}

// Survey looks at many repositories. Git is asked once for what they share, and again only for
// those whose own configuration could say more. The zero Survey is ready to begin.
type Survey struct {
	once   sync.Once
	shared []git.Setting
	err    error

	asked        sync.Once
	runsCommands bool
}

// Runs is what the function of that name reports. It can be called from many goroutines.
func (s *Survey) Runs(ctx context.Context, repo *git.Repository) (bool, error) {
	h, err := locate(repo, func() (settings, error) {
		s.once.Do(func() { s.shared, s.err = repo.Git().Settings(ctx, hookSettings+`|^includeif\.`) })
		if s.err != nil || speaksOfHooks(repo.Dir()) || slices.ContainsFunc(s.shared, isConditional) {
			return readSettings(ctx, repo)
		}
		return settingsOf(repo, s.shared), nil
	})
	return h.isRun(func() bool {
		s.asked.Do(func() { s.runsCommands = runsCommands(ctx, repo.Git()) })
		return s.runsCommands
	}), err
}

// runsCommands reports whether git runs hook.*.command: 2.54 and newer do.
func runsCommands(ctx context.Context, g *git.Git) bool {
	version, err := g.Version(ctx)
	return err == nil && version.AtLeast(2, 54)
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

// Check tells how pushes to a repository come to the program, as far as can be seen from it.
// An error that is a *RefusedError says why they do not, or not any more.
func Check(ctx context.Context, repo *git.Repository) (string, error) {
	h, err := locate(repo, func() (settings, error) { return readSettings(ctx, repo) })
	if err != nil {
		return "", err
	}
	again := "git push-mirror install " + git.ShellQuote(repo.Dir())
	if h.command != "" {
		if version, err := repo.Git().Version(ctx); err == nil && !version.AtLeast(2, 54) {
			return "", &RefusedError{
				fmt.Sprintf("git is told to run %q, which git %s does not do", h.command, version.Text),
				"install git 2.54 or newer, or: " + again,
			}
		}
		return fmt.Sprintf("git runs %q", h.command), nil
	}
	program := h.program()
	switch {
	case !h.runs() && h.elsewhere != nil:
		return "", h.elsewhere
	case h.kind == absent:
		return "", &RefusedError{"no hook mirrors what is pushed", again}
	case h.kind == changed:
		return "", changedError(h.name)
	case !h.runs():
		return "", &RefusedError{h.name + " does not run git-push-mirror", again + " has it run as well"}
	case program != "" && !isExecutable(program):
		return "", &RefusedError{
			fmt.Sprintf("%s runs %s, which is not there or not executable", h.name, program), "put the program there, or: " + again,
		}
	case !h.executable():
		return "", notExecutable(h.name, h.path)
	case program != "":
		return h.name + " runs " + program, nil
	}
	return h.name + " runs git-push-mirror", nil
}

// hookFile is the hook that is run for pushes to a repository.
type hookFile struct {
	found
	name      string // from the repository's folder, or absolute if it is outside
	path      string // absolute
	command   string // what git is told to run in place of a file
	elsewhere error  // git looks for hooks outside of the repository
}

// isRun reports whether the hook runs the program, and is run itself. Whether git runs commands is
// asked only if that matters.
func (h hookFile) isRun(runsCommands func() bool) bool {
	if h.command != "" {
		return runsCommands()
	}
	return h.runs() && h.executable()
}

// locate finds the hook that runs the program or, if none does, the one that git runs. It
// reads git's settings only if it has to.
func locate(repo *git.Repository, read func() (settings, error)) (hookFile, error) {
	root, err := os.OpenRoot(repo.Dir())
	if err != nil {
		return hookFile{}, err
	}
	defer root.Close()
	t := &tree{root: root, dir: repo.Dir()}
	for _, folder := range []string{hookFolder, gitlabHooks, gitlabFolder} {
		others, err := t.entries(folder)
		if err != nil {
			continue // a link out of the repository
		}
		for _, name := range slices.Sorted(maps.Keys(others)) {
			if f := others[name]; f.runs() {
				return hookFile{found: f, name: name, path: filepath.Join(t.dir, name)}, nil
			}
		}
	}
	s, err := read()
	if err != nil {
		return hookFile{}, err
	}
	h := hookFile{name: plainHook, path: filepath.Join(t.dir, plainHook)}
	if h.elsewhere = t.checkHooksPath(s.hooksPath); h.elsewhere != nil {
		h.path = filepath.Join(s.hooksPath.Value, filepath.Base(plainHook))
		if !filepath.IsAbs(h.path) {
			h.path = filepath.Join(t.dir, h.path)
		}
		h.name = h.path
	}
	if h.found, err = lookAt(h.path); err != nil || h.runs() {
		return h, err
	}
	for _, command := range s.commands {
		if callsUs(command) {
			return hookFile{command: command}, nil
		}
	}
	return h, nil
}

// lookAt tells what there is at a path, whatever links lead to its folder.
func lookAt(path string) (found, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if os.IsNotExist(err) {
		return found{kind: absent}, nil
	}
	if err != nil {
		return found{}, err
	}
	defer root.Close()
	return (&tree{root: root, dir: filepath.Dir(path)}).look(filepath.Base(path))
}

// runs reports whether the program is run by way of this hook.
func (f found) runs() bool { return f.kind == ours || f.kind == program || f.kind == calling }

func (h hookFile) executable() bool { return isExecutable(h.path) }

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// notExecutable tells of a hook that would run the program.
func notExecutable(name, path string) error {
	return &RefusedError{name + " is not executable, so it is not run", "chmod +x " + git.ShellQuote(path)}
}

// program is the path of the program that the hook runs; "" where that cannot be told.
func (h hookFile) program() string {
	if h.kind == program && h.target != "" {
		if filepath.IsAbs(h.target) {
			return h.target
		}
		return filepath.Join(filepath.Dir(h.path), h.target)
	}
	return programOf(h.text)
}
