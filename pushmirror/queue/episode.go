package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// BeginEpisode begins to tell of a host's failure, by whatever names the host: done says whether it was told. It reports false if it was
// told before and has not ended since, or is being told. Whoever dies while they tell leaves an empty file, and it is told again.
func (q *Queue) BeginEpisode(host string) (done func(told bool) error, ok bool, err error) {
	f, ok, err := q.lockEpisode(host, os.O_CREATE)
	if !ok {
		return nil, false, err
	}
	info, err := f.Stat()
	if err != nil || info.Size() > 0 {
		return nil, false, errors.Join(err, f.Close())
	}
	return func(told bool) error {
		if !told {
			return errors.Join(remove(f.Name()), f.Close())
		}
		_, err := fmt.Fprintln(f, host)
		// Who is back since it began may be so before it was told.
		return errors.Join(err, q.share(f), f.Close(), os.Chtimes(f.Name(), info.ModTime(), info.ModTime()))
	}, true, nil
}

// EndEpisode begins to tell that a host has recovered: done says whether it was told. It reports false if nobody was told of a failure,
// or somebody is being told. Whoever dies while they tell leaves it to be told again.
func (q *Queue) EndEpisode(host string) (done func(told bool) error, ok bool, err error) {
	f, ok, err := q.lockEpisode(host, 0)
	if !ok {
		return nil, false, err
	}
	if info, err := f.Stat(); err != nil || info.Size() == 0 {
		return nil, false, errors.Join(err, f.Close())
	}
	return func(told bool) error {
		if !told {
			return f.Close()
		}
		return errors.Join(remove(f.Name()), f.Close())
	}, true, nil
}

// lockEpisode opens the file of a host and locks it; ok is false while somebody else has it, and if there is none.
func (q *Queue) lockEpisode(host string, flag int) (f *os.File, ok bool, err error) {
	path := q.episode(host)
	f, err = os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|flag, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("noting how %s does: %w", host, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	mine, mineErr := f.Stat()
	there, thereErr := os.Lstat(path)
	if err == nil && mineErr == nil && thereErr == nil && os.SameFile(mine, there) {
		return f, true, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = nil
	}
	return nil, false, errors.Join(err, f.Close())
}

// InEpisode reports whether a host's failure was told and has not ended.
func (q *Queue) InEpisode(host string) bool {
	_, ok := q.Episode(host)
	return ok
}

// Episode tells when the episode began of a host whose failure was told and has not ended; ok is false if there is none.
func (q *Queue) Episode(host string) (began time.Time, ok bool) {
	info, err := os.Lstat(q.episode(host))
	if err != nil || info.Size() == 0 {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

// HasEpisodes reports whether any host's failure was told and has not ended, as far as can be seen.
func (q *Queue) HasEpisodes() bool {
	entries, err := os.ReadDir(filepath.Join(q.dir, "episodes"))
	return err != nil || len(entries) > 0
}

// ForgetEpisodes ends those that began before a time, of hosts that nobody asks any more: there will
// be no one to notice that they are back, and who asks them again some day has to be told anew.
func (q *Queue) ForgetEpisodes(before time.Time, asked map[string]bool) error {
	dir := filepath.Join(q.dir, "episodes")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking at what hosts failed: %w", err)
	}
	keep := map[string]bool{}
	for host := range asked {
		keep[id(host)] = true
	}
	for _, entry := range entries {
		info, infoErr := entry.Info()
		if infoErr == nil && !keep[entry.Name()] && info.ModTime().Before(before) {
			err = errors.Join(err, remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

func (q *Queue) episode(host string) string { return filepath.Join(q.dir, "episodes", id(host)) }
