package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

// Installer puts the hook into repositories and takes it out.
type Installer struct {
	Program string   // what the hook runs, an absolute path
	Env     []string // the environment, "KEY=value"
	Force   bool     // not only into bare repositories
	DryRun  bool     // look, and change nothing

	step func() // called before each change; nil in use
}

// Done is what was done to a repository or, in a dry run, would be done.
type Done string

// Updated is a hook of ours, or a link to the program, that was replaced; Restored is one
// of somebody else's that came back as ours went.
const (
	Installed Done = "installed"
	Updated   Done = "updated"
	Unchanged Done = "unchanged"
	Removed   Done = "removed"
	Restored  Done = "restored"
	NotThere  Done = "not installed"
)

// Result tells what became of a repository.
type Result struct {
	Done Done
	Hook string // the hook's file, from the repository's folder
	Note string // what else there is to know; may be empty
}

// maxTries is how often an install starts again when somebody else changes the hook at the
// same time.
const maxTries = 5

// Install puts the hook into the repository of a GIT_DIR. An error that is a *RefusedError
// says what stands against it; with any error the repository's hooks are as they were.
func (i Installer) Install(ctx context.Context, dir string) (Result, error) {
	return i.retried(ctx, dir, func(t *tree, s settings) (Result, error) {
		if !s.bare && !i.Force {
			return Result{}, &RefusedError{
				"this is no bare repository, and pushes to one with a work tree are seldom meant",
				"--force installs the hook all the same",
			}
		}
		name, err := t.place(s)
		if err != nil {
			return Result{}, err
		}
		var result Result
		if name == plainHook {
			result, err = i.installPlain(t)
		} else {
			result, err = i.installBeside(t, name)
		}
		if closed := i.closedTo(t.inode.UID); err == nil && closed != "" {
			if result.Note != "" {
				result.Note += "; "
			}
			result.Note += "its owner may not be able to run " + i.Program + ", as " + closed + " is closed to others"
		}
		return result, err
	})
}

// Uninstall takes the hook out of the repository of a GIT_DIR, wherever it is, and brings
// the one that was there before back.
func (i Installer) Uninstall(ctx context.Context, dir string) (Result, error) {
	return i.retried(ctx, dir, func(t *tree, _ settings) (Result, error) { return i.uninstall(t) })
}

func (i Installer) retried(ctx context.Context, dir string, act func(*tree, settings) (Result, error)) (Result, error) {
	g, err := git.New(i.envFor(dir))
	if err != nil {
		return Result{}, err
	}
	repo, err := g.Open(dir)
	if err != nil {
		return Result{}, err
	}
	reading, cancel := context.WithTimeout(ctx, lockPatience) // of a configuration that is somebody else's
	s, err := readSettings(reading, repo)
	cancel()
	if err != nil {
		return Result{}, err
	}
	t, err := openTree(ctx, repo.Dir(), lockPatience, i.step)
	if err != nil {
		return Result{}, explain(repo.Dir(), err)
	}
	defer t.close()
	for try := 1; ; try++ {
		result, err := act(t, s)
		if !errors.Is(err, errChanged) || try == maxTries {
			return result, explain(repo.Dir(), err)
		}
	}
}

// envFor is the environment for git to be asked in: root asks what the repository's owner
// would be told, since it is they who run hooks.
func (i Installer) envFor(dir string) []string {
	owner := ownerOf(dir)
	if owner == nil || os.Geteuid() != 0 || owner.Uid == "0" {
		return i.Env
	}
	var env []string
	for _, kv := range i.Env {
		if !strings.HasPrefix(kv, "HOME=") && !strings.HasPrefix(kv, "XDG_CONFIG_HOME=") {
			env = append(env, kv)
		}
	}
	return append(env, "HOME="+owner.HomeDir)
}

// Owner is the name of the user whom a folder belongs to; "" if it is not known.
func Owner(dir string) string {
	if owner := ownerOf(dir); owner != nil {
		return owner.Username
	}
	return ""
}

// ownerOf is the user whom a folder belongs to; nil if that is nobody the machine knows.
func ownerOf(dir string) *user.User {
	info, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	owner, _ := user.LookupId(strconv.Itoa(disk.InodeOf(info).UID)) // nil with an error
	return owner
}

// closedTo gives the file or folder on the way to the program that the repository's owner, of that
// uid, may not be able to use, as with a program in root's home; "" if there is none.
func (i Installer) closedTo(uid int) string {
	if uid == os.Geteuid() || uid == 0 {
		return ""
	}
	for path := i.Program; ; path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o001 == 0 {
			return path
		}
		if path == filepath.Dir(path) {
			return ""
		}
	}
}

// explain adds what may help to an error of the file system.
func explain(dir string, err error) error {
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		path, mode := closed(dir, err)
		cure := "run it as the user whom the folder belongs to"
		switch owner := ownerOf(path); {
		case owner == nil:
		case owner.Uid == strconv.Itoa(os.Geteuid()):
			cure = fmt.Sprintf("chmod %s %s", mode, git.ShellQuote(path))
		default:
			cure = (&pushmirror.OwnerError{Dir: dir, Owner: owner.Username, Root: true}).Hint()
		}
		return &fileError{err, cure}
	case errors.Is(err, syscall.EROFS):
		return &fileError{err, "the disk is mounted read-only: mount it for writing"}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &fileError{err, "make room on the disk; nothing was changed"}
	}
	return err
}

// closed gives the file or folder whose mode an error below dir comes from, and the change that
// its owner can make.
func closed(dir string, err error) (path, mode string) {
	path = dir
	if onPath, ok := errors.AsType[*fs.PathError](err); ok && !filepath.IsAbs(onPath.Path) {
		path = filepath.Join(dir, onPath.Path)
	} else if onLink, ok := errors.AsType[*os.LinkError](err); ok {
		path = filepath.Join(dir, onLink.New)
	}
	if folder := filepath.Dir(path); path != dir && disk.MayWrite(folder) != nil {
		return folder, "u+w"
	}
	return path, "u+rwX"
}

// fileError is an error of the file system with a cure.
type fileError struct {
	error
	cure string
}

// Unwrap gives the cause.
func (e *fileError) Unwrap() error { return e.error }

// Hint is the cure.
func (e *fileError) Hint() string { return e.cure }
