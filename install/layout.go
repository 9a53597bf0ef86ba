package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"git-push-mirror/hook"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

// The places of a post-receive hook, from the repository's folder.
const (
	hooksFolder   = "hooks"
	plainHook     = "hooks/post-receive"
	formerHook    = "hooks/" + hook.ChainedName
	hookFolder    = "hooks/post-receive.d"
	gitlabFolder  = "custom_hooks"
	gitlabHooks   = "custom_hooks/post-receive.d"
	ownName       = "zz-push-mirror" // a dispatcher runs hooks in the order of their names, and the host's go first
	dispatchedBy  = hookFolder + "/" + ownName
	gitlabRunsOne = gitlabHooks + "/" + ownName
)

// RefusedError says why a repository gets no hook, or keeps the one that it has. Nothing
// was changed.
type RefusedError struct {
	Reason string
	Cure   string
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Reason }

// Hint is the cure.
func (e *RefusedError) Hint() string { return e.Cure }

// settings is what git's configuration says of a repository's hooks.
type settings struct {
	hooksPath git.Setting // the zero Setting if core.hooksPath is not set
	bare      bool
	gitlab    bool
	commands  []string // hook.*.command: git 2.54 and newer run them
}

// hookSettings are the keys that make up settings.
const hookSettings = `^(core\.(hookspath|bare)|gitlab\..*|hook\..*\.command)$`

// readSettings asks git.
func readSettings(ctx context.Context, repo *git.Repository) (settings, error) {
	all, err := repo.Settings(ctx, hookSettings)
	return settingsOf(repo, all), err
}

// settingsOf sorts what git said. What is not set is guessed as git does.
func settingsOf(repo *git.Repository, all []git.Setting) settings {
	s := settings{bare: filepath.Base(repo.Dir()) != ".git"}
	for _, setting := range all {
		switch key := setting.Key; {
		case key == "core.hookspath":
			setting.Value = expandUser(setting.Value)
			s.hooksPath = setting
		case key == "core.bare":
			s.bare = setting.IsTrue()
		case strings.HasPrefix(key, "gitlab."):
			s.gitlab = true
		case strings.HasPrefix(key, "hook."):
			s.commands = append(s.commands, setting.Value)
		}
	}
	return s
}

// expandUser puts the home of the user in place of ~, and that of another in place of ~NAME,
// as git does for values that are paths.
func expandUser(path string) string {
	name, rest, _ := strings.Cut(path, "/")
	other, ok := strings.CutPrefix(name, "~")
	if !ok {
		return path
	}
	home := os.Getenv("HOME")
	if other != "" {
		account, err := user.Lookup(other)
		if err != nil {
			return path
		}
		home = account.HomeDir
	}
	return filepath.Join(home, rest)
}

// place finds where the hook goes, or why it cannot: gitlab and dispatched hooks have a
// folder that they share with others, the plain one is alone.
func (t *tree) place(s settings) (string, error) {
	if t.isGitLab(s) {
		return gitlabRunsOne, nil
	}
	if err := t.checkHooksPath(s.hooksPath); err != nil {
		return "", err
	}
	if err := t.checkShared(hooksFolder); err != nil {
		return "", err
	}
	there, err := t.look(plainHook)
	if err != nil {
		return "", err
	}
	if t.dispatches(there) {
		return dispatchedBy, t.checkShared(hookFolder)
	}
	return plainHook, t.checkGitolite(there)
}

// isGitLab reports whether GitLab serves the repository: it runs no hook from hooks.
func (t *tree) isGitLab(s settings) bool {
	return s.gitlab || strings.Contains(t.dir, "/@hashed/") || t.isFolder(gitlabFolder)
}

func (t *tree) isFolder(name string) bool {
	info, err := t.root.Stat(name)
	return err == nil && info.IsDir()
}

// checkHooksPath refuses a repository whose hooks git does not run.
func (t *tree) checkHooksPath(path git.Setting) error {
	if path.Key == "" {
		return nil
	}
	dir := path.Value
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(t.dir, dir)
	}
	if ownDir := filepath.Join(t.dir, hooksFolder); dir == ownDir || disk.Same(dir, ownDir) {
		return nil
	}
	unset := "git config --" + path.Scope + " --unset core.hooksPath"
	if path.Scope == "local" || path.Scope == "worktree" {
		unset = "git -C " + git.ShellQuote(t.dir) + " config --" + path.Scope + " --unset core.hooksPath"
	}
	return &RefusedError{
		fmt.Sprintf("git runs no hook of this repository: core.hooksPath is %q in %s", path.Value, strings.TrimPrefix(path.Origin, "file:")),
		"have " + filepath.Join(dir, "post-receive") + " run git-push-mirror hook, which serves all repositories that it is run for; or: " + unset,
	}
}

// checkShared refuses a folder of hooks that lies outside of the repository.
func (t *tree) checkShared(name string) error {
	_, err := t.root.Stat(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		info, err := t.root.Lstat(name)
		if err != nil || info.Mode().Type() != fs.ModeSymlink || t.isFolder(name) {
			return nil //nolint:nilerr // what is not there is made
		}
	}
	target, readErr := t.root.Readlink(name)
	if readErr != nil {
		return err
	}
	return &RefusedError{
		fmt.Sprintf("%s is a link to %s, so what is put there is not of this repository alone", name, target),
		"have the post-receive there run git-push-mirror hook, or put a folder in place of the link",
	}
}

// dispatches reports whether hooks/post-receive is somebody's script that runs what is in
// hooks/post-receive.d. Gitea's makes that name up from its own. One that calls the program itself
// needs no other hook there.
func (t *tree) dispatches(there found) bool {
	if there.kind != foreign || !t.isFolder(hookFolder) {
		return false
	}
	return bytes.Contains(there.text, []byte("post-receive.d")) || bytes.Contains(there.text, []byte(".d/")) ||
		bytes.Contains(there.text, []byte(`.d"`)) || !bytes.HasPrefix(there.text, []byte("#!"))
}

// checkGitolite refuses a link that gitolite makes anew, over whatever stands there, each
// time it is set up.
func (t *tree) checkGitolite(there found) error {
	update, err := t.root.Readlink("hooks/update")
	if err != nil || !strings.HasSuffix(update, "/hooks/common/update") || there.target == "" || there.kind == calling {
		return nil //nolint:nilerr // no link, so not gitolite's
	}
	return &RefusedError{
		fmt.Sprintf("%s is gitolite's link to %s, and gitolite would put it back", plainHook, there.target),
		"install once for all of its repositories: examples/gitolite.sh puts the hook into ~/.gitolite/hooks/common, " +
			"and has gitolite setup --hooks-only link it",
	}
}
