package queue

import (
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
)

// Queue is the list in a user's state directory. It can be used from many goroutines and processes.
type Queue struct {
	dir      string
	uid, gid int         // the owner of what we make; -1: us
	mode     fs.FileMode // of folders and, without x, of files; 0700 unless it is shared
}

// Log is the path of the worker's log.
func (q *Queue) Log() string { return filepath.Join(q.dir, "worker.log") }

// Add enters a repository, by its absolute path, among those that are known and those that
// have work.
func (q *Queue) Add(repository string) error {
	if err := q.AddKnown(repository); err != nil {
		return err
	}
	if err := q.replace("work", id(repository), format(repository), disk.Cached); err != nil {
		return fmt.Errorf("entering the repository into the worker's list: %w", err)
	}
	return nil
}

// AddKnown enters a repository, by its absolute path, among those that are known: a worker
// looks into it now and then for what changed without a push.
func (q *Queue) AddKnown(repository string) error {
	name := id(repository)
	if content, err := q.read("repositories", name); err == nil && string(content) == format(repository) {
		return nil
	}
	if err := q.replace("repositories", name, format(repository), disk.Durable); err != nil {
		return fmt.Errorf("entering the repository into the worker's list: %w", err)
	}
	return nil
}

// id names the file of a repository.
func id(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return hex.EncodeToString(sum[:16])
}

// folder opens a folder of the list, or with "" the state directory itself. Where a group shares
// the list, no link that one of them makes leads out of it.
func (q *Queue) folder(sub string) (*os.Root, error) {
	root, err := os.OpenRoot(q.dir)
	if err != nil || sub == "" {
		return root, err
	}
	defer root.Close()
	return root.OpenRoot(sub)
}

// replace replaces a file of the list, as [disk.Replace] does.
func (q *Queue) replace(sub, name, content string, lasts disk.Durability) error {
	folder, err := q.folder(sub)
	if err != nil {
		return err
	}
	defer folder.Close()
	return disk.Replace(folder, name, lasts, disk.Text(content), q.share)
}

// Known lists the repositories that are known, sorted; with an error, those that can be read.
func (q *Queue) Known() ([]string, error) { return q.list("repositories") }

// Knows reports whether workers with that state directory know a repository; true if that cannot be
// found out.
func Knows(dir, repository string) bool {
	_, err := (&Queue{dir: dir}).read("repositories", id(repository))
	return !errors.Is(err, fs.ErrNotExist)
}

// Take takes the repositories that have work off the list and returns them, with an error too. Only
// after that may the caller look for their marks.
func (q *Queue) Take() ([]string, error) {
	paths, err := q.list("work")
	for _, path := range paths {
		err = errors.Join(err, q.remove("work", id(path)))
	}
	return paths, err
}

// HasWork reports whether any repository has work.
func (q *Queue) HasWork() (bool, error) {
	paths, err := q.list("work")
	return len(paths) > 0, err
}

// Waiting returns since when a repository has been waiting for a worker to take it; the zero Time
// if it is not.
func (q *Queue) Waiting(repository string) (time.Time, error) {
	folder, err := q.folder("work")
	if err != nil {
		return time.Time{}, fmt.Errorf("looking at the worker's list: %w", err)
	}
	defer folder.Close()
	return modified(folder.Lstat(id(repository)))
}

// modified is when a file was last written to; the zero Time if there is none.
func modified(info fs.FileInfo, err error) (time.Time, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("looking at the worker's list: %w", err)
	}
	return info.ModTime(), nil
}

// remove removes a file of the list, if it is there.
func (q *Queue) remove(sub, name string) error {
	folder, err := q.folder(sub)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// list returns the repositories in a folder of the list, sorted. A file that is not one of ours
// must not keep the others from being read: it is set aside, and the error tells of it this once.
// One that cannot be read stays, and every error tells of it.
func (q *Queue) list(sub string) ([]string, error) {
	folder, err := q.folder(sub)
	if err != nil {
		return nil, fmt.Errorf("reading the worker's list: %w", err)
	}
	defer folder.Close()
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("reading the worker's list: %w", err)
	}
	var paths []string
	var errs []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || strings.HasSuffix(entry.Name(), damaged) {
			continue
		}
		content, err := readIn(folder, entry.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading the worker's list: %w", err)) // maybe the disk's fault
			continue
		}
		path, ok := parse(content)
		if !ok || id(path) != entry.Name() {
			errs = append(errs, fmt.Errorf("reading the worker's list: %s is damaged and is set aside", filepath.Join(q.dir, sub, entry.Name())),
				folder.Rename(entry.Name(), entry.Name()+damaged))
			continue
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths, errors.Join(errs...)
}

const damaged = ".damaged"

// largest is more than the size of any file of the list, in bytes.
const largest = 1 << 20

// read reads a file in a folder of the list or, with "", in the state directory.
func (q *Queue) read(sub, name string) ([]byte, error) {
	folder, err := q.folder(sub)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return readIn(folder, name)
}

// readIn reads a file of the list. Where a group shares the list, one of them may have put anything
// in its place: it follows no link and waits for no pipe, but takes either for an empty file.
func readIn(folder *os.Root, name string) ([]byte, error) {
	if info, err := folder.Lstat(name); err != nil || info.Mode().Type()&^fs.ModeDir != 0 {
		return nil, err
	}
	f, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Type()&^fs.ModeDir != 0 {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, largest))
}

// format writes the content of a file in the list: a quoted absolute path.
func format(repository string) string { return strconv.Quote(repository) + "\n" }

// parse reads what format wrote.
func parse(content []byte) (string, bool) {
	path, err := strconv.Unquote(strings.TrimSuffix(string(content), "\n"))
	return path, err == nil && filepath.IsAbs(path)
}

// clearUnfinished removes what killed hooks left half-written.
func (q *Queue) clearUnfinished() {
	for _, sub := range []string{"", "repositories", "work"} {
		disk.Sweep(q.folder(sub))
	}
}
