package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"git-push-mirror/pushmirror/disk"
)

// tree is a repository that is written to. No link leads a write out of it.
type tree struct {
	root  *os.Root
	dir   string // absolute
	mode  fs.FileMode
	inode disk.Inode // of its folder
	held  *os.File   // the lock; nil where there is none
	step  func()     // called before each change
}

// openTree opens a repository and keeps other runs of ours out of it. The lock is on the
// repository's folder, so that nothing is left behind; it is waited for as long as patience says.
// step, unless nil, is called before each change.
func openTree(ctx context.Context, dir string, patience time.Duration, step func()) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if step == nil {
		step = func() {}
	}
	t := &tree{root: root, dir: dir, step: step}
	info, err := root.Stat(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	t.mode = info.Mode() & (fs.ModePerm | fs.ModeSetgid)
	t.inode = disk.InodeOf(info)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := t.lock(ctx); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return t, nil
}

// pushers are the bits of a file's mode that let those read it, beside its owner, who may push:
// those who may write to the repository.
func (t *tree) pushers() fs.FileMode { return (t.mode & 0o022) << 1 }

// lockPoll is how often a lock that somebody else holds is tried, lockPatience for how long:
// installing takes milliseconds, and no owner of a repository shall hold up a root that
// installs into many.
const (
	lockPoll     = 20 * time.Millisecond
	lockPatience = 30 * time.Second
)

func (t *tree) lock(ctx context.Context) error {
	// NFS locks what is open for writing only, and no folder is.
	for _, lockable := range []struct {
		name string
		flag int
	}{{".", os.O_RDONLY}, {"HEAD", os.O_RDWR}} {
		f, err := t.root.OpenFile(lockable.name, lockable.flag|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if err = flock(ctx, f); err == nil {
			t.held = f
			return nil
		}
		_ = f.Close()
		if ctx.Err() != nil {
			return fmt.Errorf("somebody else holds a lock on %s", t.dir)
		}
	}
	return nil
}

func flock(ctx context.Context, f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lockPoll):
		}
	}
}

func (t *tree) close() {
	if t.held != nil {
		_ = t.held.Close()
	}
	_ = t.root.Close()
}

// newPrefix begins the names of files that are being written. Nothing runs hidden files.
const newPrefix = ".push-mirror-new-"

// write writes a complete file into the folder and returns its name, which is a passing
// one. A run that was killed may have left others.
func (t *tree) write(folder string, content []byte, mode fs.FileMode) (name string, err error) {
	if err := t.sweep(folder); err != nil {
		return "", err
	}
	name = filepath.Join(folder, disk.TempName(newPrefix))
	t.step()
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	t.step()
	_, err = f.Write(content)
	t.step()
	err = errors.Join(err, f.Chmod(mode), t.give(f), f.Sync(), f.Close())
	if err != nil {
		return "", errors.Join(err, t.root.Remove(name))
	}
	return name, nil
}

// give makes a file that root made the repository owner's, as all else there is.
func (t *tree) give(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(t.inode.UID, t.inode.GID)
}

// keepGroup gives a file that was written the group of the one that it is to replace, if the user
// may do that. Somebody else's that has its name by now has another one besides.
func (t *tree) keepGroup(name string, old fs.FileInfo) {
	t.step()
	f, err := t.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && disk.InodeOf(info).Links == 1 {
		_ = f.Chown(-1, disk.InodeOf(old).GID)
	}
}

// sweep removes what runs that were killed left in the folder.
func (t *tree) sweep(folder string) error {
	if t.held == nil {
		return nil // they may not be dead
	}
	entries, err := fs.ReadDir(t.root.FS(), filepath.ToSlash(folder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), newPrefix) {
			t.step()
			if err := t.root.RemoveAll(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// mkdir makes a folder with the repository's mode, if it is not there.
func (t *tree) mkdir(name string) error { return t.mkdirAs(name, t.mode) }

// mkdirAs makes a folder with that mode, if it is not there.
func (t *tree) mkdirAs(name string, mode fs.FileMode) error {
	t.step()
	err := t.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := t.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(mode), t.give(f), f.Close(), t.sync(filepath.Dir(name)))
}

// errChanged says that somebody else was faster.
var errChanged = errors.New("it was changed at the same time")

// create gives a file that was written its name, if nothing has it. The passing name is
// gone in any case.
func (t *tree) create(written, name string) error {
	t.step()
	err := t.root.Link(written, name)
	switch {
	case errors.Is(err, fs.ErrExist):
		err = errChanged
	case err != nil:
		// A disk without links of this kind. Its users have the lock alone.
		if _, statErr := t.root.Lstat(name); !errors.Is(statErr, fs.ErrNotExist) {
			err = errChanged
			break
		}
		if err = t.root.Rename(written, name); err == nil {
			return t.sync(filepath.Dir(name))
		}
	}
	t.step()
	if removeErr := t.root.Remove(written); !errors.Is(removeErr, fs.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return errors.Join(err, t.sync(filepath.Dir(name)))
}

// replace gives a file that was written its name, in place of what had it.
func (t *tree) replace(written, name string) error {
	err := t.rename(written, name)
	if errors.Is(err, fs.ErrNotExist) {
		return errChanged // swept away
	}
	if err != nil {
		return errors.Join(err, t.remove(written))
	}
	return nil
}

// rename gives a hook another name, in place of what had it.
func (t *tree) rename(name, other string) error {
	t.step()
	if err := t.root.Rename(name, other); err != nil {
		return err
	}
	return t.sync(filepath.Dir(other))
}

// double gives a hook a second name, which nothing has yet: for a link another link, for a
// file one more name of the same file or, where only its owner may do that (Linux's
// fs.protected_hardlinks), a copy.
func (t *tree) double(name string, hook found, second string) error {
	t.step()
	link := func() error { return t.root.Link(name, second) }
	if hook.target != "" {
		link = func() error { return t.root.Symlink(hook.target, second) }
	}
	err := link()
	if err == nil {
		return t.sync(filepath.Dir(second))
	}
	if errors.Is(err, fs.ErrExist) {
		return errChanged
	}
	if hook.target != "" || hook.text == nil || hook.info.Size() >= maxScript || hook.info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return err
	}
	return t.copy(hook, second)
}

func (t *tree) copy(hook found, second string) error {
	written, err := t.write(filepath.Dir(second), hook.text, hook.info.Mode().Perm())
	if err != nil {
		return err
	}
	return t.create(written, second)
}

// remove removes a name, if it is there.
func (t *tree) remove(name string) error {
	t.step()
	if err := t.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.sync(filepath.Dir(name))
}

// sync has what happened to the names in a folder outlive a power failure.
func (t *tree) sync(folder string) error {
	t.step()
	f, err := t.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
