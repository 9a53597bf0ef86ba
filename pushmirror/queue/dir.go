package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"git-push-mirror/pushmirror/disk"
)

// private is the mode of a state directory that only its owner may enter.
const private fs.FileMode = 0o700

// DirVariable is the environment variable that names the state directory.
const DirVariable = "PUSH_MIRROR_STATE_DIR"

// Dir finds the state directory: the one that the variable names, else the configured one, else
// .local/state/push-mirror in the user's home by the password database: a hook's HOME may be
// anybody's.
func Dir(getenv func(string) string, configured string) (string, error) {
	named := getenv(DirVariable)
	switch {
	case named != "" && !filepath.IsAbs(named):
		return "", relativeError{}
	case named != "":
		return filepath.Clean(named), nil
	case configured != "":
		return configured, nil
	}
	u, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return "", errors.Join(errors.New("this user has no home directory"), err)
	}
	return filepath.Join(u.HomeDir, ".local/state/push-mirror"), nil
}

// OwnDir is a repository's own state directory, for hooks that cannot write to their user's.
func OwnDir(repository string) string { return filepath.Join(repository, "push-mirror", ".worker") }

// relativeError tells of a state directory that is named by a relative path.
type relativeError struct{}

// Error implements error.
func (relativeError) Error() string {
	return "the state directory is named by a relative path, which means another one in each folder"
}

// Hint is the cure.
func (relativeError) Hint() string { return "write its absolute path in $" + DirVariable }

// Open creates the state directory if it is missing, readable by its owner alone. The owner is us
// or, when root works below somebody else's folder, they, since they have to go on with it. A
// directory that was prepared for a group (install -d -m 2770 -g GROUP DIR) is shared: all that is
// made in it gets its mode, whatever the umask, as git does by core.sharedRepository.
func Open(dir string) (*Queue, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("%q is no state directory", dir)
	}
	q := &Queue{dir: dir, uid: -1, gid: -1, mode: private}
	if info, err := os.Stat(dir); err == nil && info.Mode()&fs.ModeSetgid != 0 && info.Mode()&0o020 != 0 {
		q.mode = info.Mode() & (fs.ModePerm | fs.ModeSetgid)
	}
	if os.Geteuid() == 0 {
		q.uid, q.gid = owner(dir)
	}
	if err := q.make(); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	return q, nil
}

// Look returns the list in a state directory, for reading, and creates nothing; nil if there is
// none yet.
func Look(dir string) *Queue {
	q := &Queue{dir: dir, uid: -1, gid: -1, mode: private}
	for _, part := range []string{q.lock().Path(), filepath.Join(dir, "work")} {
		if _, err := os.Lstat(part); err != nil {
			return nil
		}
	}
	return q
}

func (q *Queue) make() error {
	if err := os.MkdirAll(q.dir, private); err != nil {
		return err
	}
	top, err := os.Open(q.dir)
	if err != nil {
		return err
	}
	err = errors.Join(q.give(top), top.Close())
	for _, sub := range []string{"repositories", "work", "episodes"} {
		err = errors.Join(err, q.makeDir(sub))
	}
	for _, path := range []string{q.lock().Path(), q.Log()} {
		err = errors.Join(err, q.makeFile(path))
	}
	return err
}

// makeDir makes a folder. It gets its mode before its name: from then on others may use it.
func (q *Queue) makeDir(name string) error {
	root, err := q.folder("")
	if err != nil {
		return err
	}
	defer root.Close()
	if folder, err := root.Open(name); err == nil {
		defer folder.Close()
		info, err := folder.Stat()
		if err != nil || !info.IsDir() {
			return errors.Join(err, fmt.Errorf("%s is no folder", filepath.Join(q.dir, name)))
		}
		q.mend(folder, info.Mode(), q.mode)
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temp := disk.TempName(disk.Unfinished)
	if err := root.Mkdir(temp, 0o700); err != nil {
		return err
	}
	folder, err := root.Open(temp)
	if err == nil {
		err = errors.Join(folder.Chmod(q.mode), q.give(folder), folder.Close())
	}
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err == nil {
		return disk.Sync(root.Open("."))
	}
	err = errors.Join(err, root.Remove(temp))
	if info, statErr := root.Lstat(name); statErr == nil && info.IsDir() {
		return nil // somebody else was faster
	}
	return err
}

// makeFile makes an empty file if there is none; it is an error if we may not write to it. In a
// shared list it gets its mode before its name.
func (q *Queue) makeFile(path string) error {
	flags := os.O_WRONLY | os.O_APPEND | syscall.O_NOFOLLOW
	if q.mode == private {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err == nil {
		if info, err := f.Stat(); err == nil {
			q.mend(f, info.Mode(), q.mode&0o666)
		}
		return errors.Join(q.give(f), f.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err = os.CreateTemp(q.dir, disk.Unfinished)
	if err != nil {
		return err
	}
	if err = errors.Join(q.share(f), f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // somebody else was faster
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// mend gives the mode of a shared list to what was made before the list was shared, if it is ours:
// only its owner can.
func (q *Queue) mend(f *os.File, has, want fs.FileMode) {
	if q.mode != private && has&want != want {
		_ = f.Chmod(want)
	}
}

// share gives a new file the mode and the owner of the list's files.
func (q *Queue) share(f *os.File) error {
	return errors.Join(f.Chmod(q.mode&0o666), q.give(f))
}

// give gives a new file or folder its owner.
func (q *Queue) give(f *os.File) error {
	if q.uid < 0 {
		return nil
	}
	return f.Chown(q.uid, q.gid)
}

// owner is the owner of a folder, or of the nearest one above it that exists; -1 if that is us.
func owner(dir string) (uid, gid int) {
	info, err := os.Stat(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		info, err = os.Stat(dir)
	}
	if err == nil {
		if folder := disk.InodeOf(info); folder.UID != os.Geteuid() {
			return folder.UID, folder.GID
		}
	}
	return -1, -1
}

// Dir is the state directory.
func (q *Queue) Dir() string { return q.dir }
