package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"git-push-mirror/pushmirror/disk"

	"github.com/gofrs/flock"
)

// Dir is the folder that holds the state of one remote of one repository. A Dir is for one
// goroutine; others, and other processes, call Of for their own.
type Dir struct {
	path       string
	repository string
	inode      disk.Inode  // of the repository's folder: a copy of it has another
	mode       fs.FileMode // of the repository's folder
	held       bool        // we hold the lock
}

// Folder is the folder in a repository (a GIT_DIR) that holds the state folders of its remotes.
func Folder(repository string) string { return filepath.Join(repository, "push-mirror") }

// Of returns the state folder of a remote of a repository (a GIT_DIR). It creates nothing.
func Of(repository, remote string) (*Dir, error) {
	info, err := os.Stat(repository)
	if err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	return &Dir{
		path:       filepath.Join(Folder(repository), remote),
		repository: repository,
		inode:      disk.InodeOf(info),
		mode:       info.Mode() & (fs.ModePerm | fs.ModeSetgid),
	}, nil
}

// Scratch is how the paths of the remote's scratch repositories begin: in its folder or, where
// others may write to that, in [os.TempDir], where nobody can rename somebody else's files.
func (d *Dir) Scratch() string {
	for _, path := range []string{d.repository, filepath.Dir(d.path), d.path} {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o022 != 0 {
			sum := sha256.Sum256([]byte(d.path))
			return filepath.Join(os.TempDir(), "push-mirror-"+hex.EncodeToString(sum[:8])+"-")
		}
	}
	return filepath.Join(d.path, "scratch-")
}

// make makes the folder.
func (d *Dir) make() error {
	if err := d.mkdir(filepath.Dir(d.path)); err != nil {
		return err
	}
	return d.mkdir(d.path)
}

const lockName = "lock"

// lockPoll is the pause between two attempts to take a lock that somebody else holds.
const lockPoll = 20 * time.Millisecond

// Lock creates the folder and takes the lock of the remote, so that only one update of it runs at a
// time. If somebody else holds it, waiting is called once; its error ends the wait. The lock is
// released by unlock, or when this process dies. The time by clock is what Running returns.
func (d *Dir) Lock(ctx context.Context, clock func() time.Time, waiting func() error) (unlock func() error, err error) {
	if err := d.make(); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	path := filepath.Join(d.path, lockName)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(d.mode&0o666))
	ok, err := lock.TryLock()
	if err == nil && !ok {
		if err = waiting(); err == nil {
			_, err = lock.TryLockContext(ctx, lockPoll)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	// The content is for people and for Running; the lock is the kernel's.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "pid %d\nsince %s\n", os.Getpid(), At(clock()))
		err = errors.Join(err, d.share(f), f.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), lock.Unlock())
	}
	d.held = true
	return func() error {
		d.held = false
		return lock.Unlock()
	}, nil
}

// LockTelling waits until nobody else sends notifications about the remote. It locks the folder
// itself, since a new file may not fit on a full disk.
func (d *Dir) LockTelling(ctx context.Context) (unlock func() error, err error) {
	lock := flock.New(d.path, flock.SetFlag(os.O_RDONLY))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("locking %s: %w", d.path, err)
	}
	return lock.Unlock, nil
}

// Forget removes the state, except the log, of a remote that is no longer configured. While an
// update of it runs it removes nothing: the update would write it again.
func (d *Dir) Forget() error {
	lock := flock.New(filepath.Join(d.path, lockName), flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		// No update was ever begun. A mark may have been made.
		ok, err = true, nil
	}
	if err != nil || !ok {
		return err
	}
	return errors.Join(d.removeAll(), lock.Unlock())
}

// removeAll removes what is in the folder, unless that is a link out of the repository.
func (d *Dir) removeAll() error {
	repository, err := os.OpenRoot(d.repository)
	if err != nil {
		return err
	}
	defer repository.Close()
	below, err := filepath.Rel(d.repository, d.path)
	if err != nil {
		return err
	}
	root, err := repository.OpenRoot(below)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, entry := range entries {
		// The lock file stays: those who have it open must share it with those who open it later.
		if name := entry.Name(); name != lockName && !slices.Contains(logNames, name) {
			err = errors.Join(err, root.RemoveAll(name))
		}
	}
	return err
}

// Running returns when the update that now runs of the remote began; the zero Time if none runs,
// also if one died.
func (d *Dir) Running() (Time, error) {
	path := filepath.Join(d.path, lockName)
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Time{}, nil
	case err != nil:
		return Time{}, fmt.Errorf("looking at %s: %w", path, err)
	case free:
		return Time{}, lock.Unlock()
	}
	text, err := os.ReadFile(path)
	if err == nil {
		_, since, _ := strings.Cut(string(text), "since ")
		if t, err := parseTime(strings.TrimSpace(since)); err == nil {
			return t, nil
		}
	}
	// Whoever took it has not written the time yet.
	info, err := os.Stat(path)
	if err != nil {
		return Time{}, fmt.Errorf("looking at %s: %w", path, err)
	}
	return At(info.ModTime()), nil
}

// errDamaged says that a file does not hold what was written to it.
var errDamaged = errors.New("damaged")

// read reads a state file and passes its content to parse. It reports false for a file that is
// missing or, by parse's errDamaged, damaged; if we hold the lock, a damaged one is set aside.
func (d *Dir) read(name string, parse func(string) error) (found bool, err error) {
	path := filepath.Join(d.path, name)
	content, err := readText(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the state: %w", err)
	}
	switch err := parse(content); {
	case errors.Is(err, errDamaged):
		if !d.held {
			return false, nil
		}
		if err := os.Rename(path, path+".damaged"); err != nil {
			return false, fmt.Errorf("setting a damaged file aside: %w", err)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading %s: %w", path, err)
	}
	return true, nil
}

// readText reads a file into a string without a second copy of it in memory.
func readText(path string) (string, error) {
	f, err := disk.OpenRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	// Most files are smaller than io.Copy's own buffer, and there are many of them.
	buffer := make([]byte, min(info.Size()+1, 32<<10))
	_, err = io.CopyBuffer(&text, struct{ io.Reader }{f}, buffer)
	return text.String(), err
}

// versionError tells of a state file that a newer version of the program wrote.
type versionError struct{ Got, Known int }

// Error implements error.
func (e *versionError) Error() string {
	return "it was written by a newer version of git-push-mirror (format " + strconv.Itoa(e.Got) +
		", this one knows " + strconv.Itoa(e.Known) + ")"
}

// Hint is the cure: an older version would lose what it does not know of.
func (e *versionError) Hint() string {
	return "update git-push-mirror on this machine: git-push-mirror --version tells how old it is"
}
