package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Queue is the list in a user's state directory.
type Queue struct {
	dir      string
	uid, gid int         // whom what we make is given to; -1: nobody
	mode     fs.FileMode // of folders, and of files without their x; 0700 unless it is shared
}

// private is the mode of a state directory that its owner alone may look at.
const private fs.FileMode = 0o700

// Dir finds the state directory: $PUSH_MIRROR_STATE_DIR, which named gives, else what the
// config says, else .local/state/push-mirror in the home that the password database
// tells: a hook's HOME may be anybody's.
func Dir(named, configured string) (string, error) {
	switch {
	case named != "":
		return filepath.Abs(named)
	case configured != "":
		return configured, nil
	}
	u, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return "", errors.Join(errors.New("this user has no home directory"), err)
	}
	return filepath.Join(u.HomeDir, ".local/state/push-mirror"), nil
}

// Open makes the state directory where it is missing, readable by its owner alone. That is
// us or, when root works in a folder of somebody else's, they: they have to go on with it.
// One that was prepared for a group, which may write to it and owns what is made in it
// (install -d -m 2770 -g GROUP DIR), is shared: all in it gets its mode, whatever the
// umask, as core.sharedRepository has git do it.
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

func (q *Queue) make() error {
	if err := os.MkdirAll(q.dir, private); err != nil {
		return err
	}
	err := q.give(q.dir)
	for _, sub := range []string{"repositories", "work", "episodes"} {
		err = errors.Join(err, q.makeDir(filepath.Join(q.dir, sub)))
	}
	for _, path := range []string{q.lock().Path(), q.Log()} {
		err = errors.Join(err, q.makeFile(path))
	}
	return err
}

// makeDir makes a folder. Somebody else may look at it as soon as it has its name, so it
// gets its mode first.
func (q *Queue) makeDir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		q.mend(path, info.Mode(), q.mode)
		return nil
	}
	temp, err := os.MkdirTemp(q.dir, newPrefix)
	if err != nil {
		return err
	}
	err = errors.Join(os.Chmod(temp, q.mode), q.give(temp))
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		return nil
	}
	err = errors.Join(err, os.Remove(temp))
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return nil // somebody else was faster
	}
	return err
}

// makeFile makes an empty file, and sees to it that we may write to one that is there. One
// that is shared gets its mode before its name.
func (q *Queue) makeFile(path string) error {
	flags := os.O_WRONLY | os.O_APPEND | syscall.O_NOFOLLOW
	if q.mode == private {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err == nil {
		if info, err := f.Stat(); err == nil {
			q.mend(path, info.Mode(), q.mode&0o666)
		}
		return errors.Join(q.give(path), f.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err = os.CreateTemp(q.dir, newPrefix)
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

// mend gives the mode of a shared list to what was made before the list was shared, if that
// is ours: nobody else can.
func (q *Queue) mend(path string, has, want fs.FileMode) {
	if q.mode != private && has&want != want {
		_ = os.Chmod(path, want)
	}
}

// share gives a new file the mode of the queue's files, and to whom it belongs.
func (q *Queue) share(f *os.File) error {
	return errors.Join(f.Chmod(q.mode&0o666), q.give(f.Name()))
}

// give gives what was made to whom it belongs.
func (q *Queue) give(path string) error {
	if q.uid < 0 {
		return nil
	}
	return os.Lchown(path, q.uid, q.gid)
}

// owner is whom a folder belongs to, or the nearest one above that exists; -1 if to us.
func owner(dir string) (uid, gid int) {
	info, err := os.Stat(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		info, err = os.Stat(dir)
	}
	if err != nil {
		return -1, -1
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return -1, -1
	}
	return int(stat.Uid), int(stat.Gid)
}

// Dir is the state directory.
func (q *Queue) Dir() string { return q.dir }

// Log is the path of the worker's log.
func (q *Queue) Log() string { return filepath.Join(q.dir, "worker.log") }

// Add enters a repository, by its absolute path, among those that are known and those that
// have work.
func (q *Queue) Add(repository string) error {
	if err := q.AddKnown(repository); err != nil {
		return err
	}
	if err := q.write("work", id(repository), repository, false); err != nil {
		return fmt.Errorf("entering the repository into the worker's list: %w", err)
	}
	return nil
}

// AddKnown enters a repository, by its absolute path, among those that are known: a worker
// looks into it now and then for what changed without a push.
func (q *Queue) AddKnown(repository string) error {
	name := id(repository)
	if content, err := os.ReadFile(filepath.Join(q.dir, "repositories", name)); err == nil && string(content) == format(repository) {
		return nil
	}
	if err := q.write("repositories", name, repository, true); err != nil {
		return fmt.Errorf("entering the repository into the worker's list: %w", err)
	}
	return nil
}

// id names the file of a repository.
func id(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return hex.EncodeToString(sum[:16])
}

// write puts a file into place as a whole; durably, if it has to outlive the machine.
func (q *Queue) write(sub, name, repository string, durably bool) error {
	dir := filepath.Join(q.dir, sub)
	f, err := os.CreateTemp(dir, newPrefix)
	if err != nil {
		return err
	}
	_, err = f.WriteString(format(repository))
	if durably {
		err = errors.Join(err, f.Sync())
	}
	err = errors.Join(err, q.share(f))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if !durably {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Known are the repositories that are known, in no order. It gives what it can read, also
// with an error.
func (q *Queue) Known() ([]string, error) { return q.list("repositories") }

// Take takes the repositories off the list of those that have work and returns them, also
// with an error. Their marks are to be looked for after that.
func (q *Queue) Take() ([]string, error) {
	paths, err := q.list("work")
	for _, path := range paths {
		err = errors.Join(err, remove(filepath.Join(q.dir, "work", id(path))))
	}
	return paths, err
}

// HasWork reports whether any repository has work.
func (q *Queue) HasWork() (bool, error) {
	paths, err := q.list("work")
	return len(paths) > 0, err
}

// Waiting tells since when a repository has been waiting for a worker to take it up; the zero
// Time if it is not.
func (q *Queue) Waiting(repository string) (time.Time, error) {
	return modified(filepath.Join(q.dir, "work", id(repository)))
}

// Worked is when a worker last took the lock; the zero Time if none ever did.
func (q *Queue) Worked() (time.Time, error) {
	path := q.lock().Path()
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		return time.Time{}, nil
	}
	return modified(path)
}

func modified(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("looking at the worker's list: %w", err)
	}
	return info.ModTime(), nil
}

// BeginEpisode notes that a host's failure is being told, by whatever names the host. It
// reports false if that was noted before and not ended since: the failure is told.
func (q *Queue) BeginEpisode(host string) (bool, error) {
	f, err := os.OpenFile(q.episode(host), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("noting a failure of %s: %w", host, err)
	}
	_, err = fmt.Fprintln(f, host)
	return true, errors.Join(err, q.share(f), f.Close())
}

// InEpisode reports whether a host's failure was told and has not ended.
func (q *Queue) InEpisode(host string) bool {
	_, err := os.Lstat(q.episode(host))
	return err == nil
}

// EndEpisode notes that a host has recovered. It reports false if that is known.
func (q *Queue) EndEpisode(host string) (bool, error) {
	err := os.Remove(q.episode(host))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (q *Queue) episode(host string) string { return filepath.Join(q.dir, "episodes", id(host)) }

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// list reads the paths in a folder. A file that is not one of ours must not keep the others
// from being read: it is set aside, and the error tells of it once. One that cannot be read
// stays, and is told of each time.
func (q *Queue) list(sub string) ([]string, error) {
	dir := filepath.Join(q.dir, sub)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the worker's list: %w", err)
	}
	var paths []string
	var errs []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || strings.HasSuffix(entry.Name(), damaged) {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading the worker's list: %w", err)) // which may be the machine's trouble, not the file's
			continue
		}
		path, ok := parse(content)
		if !ok || id(path) != entry.Name() {
			errs = append(errs, fmt.Errorf("the worker's list: %s is damaged and is set aside", file), os.Rename(file, file+damaged))
			continue
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths, errors.Join(errs...)
}

const damaged = ".damaged"

// format writes the content of a file in the list: a quoted absolute path.
func format(repository string) string { return strconv.Quote(repository) + "\n" }

// parse reads what format wrote.
func parse(content []byte) (string, bool) {
	path, err := strconv.Unquote(strings.TrimSuffix(string(content), "\n"))
	return path, err == nil && filepath.IsAbs(path)
}

// Lock takes the worker's lock. It reports false, or with wait blocks, while another
// worker holds it.
func (q *Queue) Lock(ctx context.Context, wait bool) (unlock func() error, ok bool, err error) {
	lock := q.lock()
	if wait {
		ok, err = lock.TryLockContext(ctx, 100*time.Millisecond)
	} else {
		ok, err = lock.TryLock()
	}
	if err == nil && ok {
		// For people: the lock is the kernel's, and holds on a full disk too.
		err = writeOver(lock.Path(), fmt.Sprintf("pid %d\n", os.Getpid()))
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = nil
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("locking %s: %w", lock.Path(), err)
	}
	if ok {
		q.clearUnfinished()
	}
	return lock.Unlock, ok, nil
}

// clearUnfinished removes what hooks that were killed left half-written. What is being
// written is younger.
func (q *Queue) clearUnfinished() {
	for _, sub := range []string{"", "repositories", "work"} {
		left, _ := filepath.Glob(filepath.Join(q.dir, sub, newPrefix+"*"))
		for _, path := range left {
			if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(path)
			}
		}
	}
}

// newPrefix begins the name of what is about to get its own.
const newPrefix = ".new-"

// Working reports whether a worker holds the lock.
func (q *Queue) Working() (bool, error) {
	lock := q.lock()
	free, err := lock.TryRLock()
	if err != nil {
		return false, fmt.Errorf("looking at %s: %w", lock.Path(), err)
	}
	if free {
		return false, lock.Unlock()
	}
	return true, nil
}

func (q *Queue) lock() *flock.Flock {
	return flock.New(filepath.Join(q.dir, "worker.lock"),
		flock.SetFlag(os.O_CREATE|os.O_RDONLY|syscall.O_NOFOLLOW), flock.SetPermissions(q.mode&0o666))
}

// writeOver replaces the content of a file. A link that somebody of the group put in its
// place must not lead to a file of ours.
func writeOver(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
