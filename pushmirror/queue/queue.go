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
)

// Queue is the list in a user's state directory. It can be used from many goroutines and processes.
type Queue struct {
	dir      string
	uid, gid int         // whom what we make is given to; -1: nobody
	mode     fs.FileMode // of folders, and of files without their x; 0700 unless it is shared
}

// Log is the path of the worker's log.
func (q *Queue) Log() string { return filepath.Join(q.dir, "worker.log") }

// Add enters a repository, by its absolute path, among those that are known and those that
// have work.
func (q *Queue) Add(repository string) error {
	if err := q.AddKnown(repository); err != nil {
		return err
	}
	if err := q.replace("work", id(repository), format(repository), false); err != nil {
		return fmt.Errorf("entering the repository into the worker's list: %w", err)
	}
	return nil
}

// AddKnown enters a repository, by its absolute path, among those that are known: a worker
// looks into it now and then for what changed without a push.
func (q *Queue) AddKnown(repository string) error {
	name := id(repository)
	if content, err := read(filepath.Join(q.dir, "repositories", name)); err == nil && string(content) == format(repository) {
		return nil
	}
	if err := q.replace("repositories", name, format(repository), true); err != nil {
		return fmt.Errorf("entering the repository into the worker's list: %w", err)
	}
	return nil
}

// id names the file of a repository.
func id(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return hex.EncodeToString(sum[:16])
}

// replace puts a file into place as a whole; durably, if it has to outlive the machine.
func (q *Queue) replace(sub, name, content string, durably bool) error {
	dir := filepath.Join(q.dir, sub)
	f, err := os.CreateTemp(dir, newPrefix)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
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
		content, err := read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading the worker's list: %w", err)) // which may be the machine's trouble, not the file's
			continue
		}
		path, ok := parse(content)
		if !ok || id(path) != entry.Name() {
			errs = append(errs, fmt.Errorf("reading the worker's list: %s is damaged and is set aside", file), os.Rename(file, file+damaged))
			continue
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths, errors.Join(errs...)
}

const damaged = ".damaged"

// largest is more than any file of the list takes, in bytes.
const largest = 1 << 20

// read reads a file of the list. Where a group shares that, one of them could have put anything in
// its place: it follows no link, and waits for no pipe. What is one of these has no content.
func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) { // a link or a socket
		return nil, nil
	}
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

// clearUnfinished removes what hooks that were killed left half-written. What is being
// written is younger.
func (q *Queue) clearUnfinished() {
	for _, sub := range []string{"", "repositories", "work"} {
		dir := filepath.Join(q.dir, sub)
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), newPrefix) {
				continue
			}
			if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(filepath.Join(dir, entry.Name()))
			}
		}
	}
}

// newPrefix begins the name of what is about to get its own.
const newPrefix = ".new-"
