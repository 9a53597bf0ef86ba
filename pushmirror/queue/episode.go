package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// BeginEpisode begins the notification that a host, or a login there, fails; the caller sends it
// and calls done with whether that succeeded. It reports false if the failure was told and has not
// ended, or is being told. A process that dies before done leaves an empty file: it is told again.
func (q *Queue) BeginEpisode(host string) (done func(told bool) error, ok bool, err error) {
	e, ok, err := q.lockEpisode(host, os.O_CREATE)
	if !ok {
		return nil, false, err
	}
	if e.info.Size() > 0 {
		return nil, false, e.close()
	}
	return func(told bool) error {
		if !told {
			return errors.Join(q.remove("episodes", e.name), e.close())
		}
		_, err := fmt.Fprintln(e.file, host)
		// The time stays that of the beginning: a success after it ends the episode, even if it came
		// before the notification.
		return errors.Join(err, q.share(e.file), e.folder.Chtimes(e.name, e.info.ModTime(), e.info.ModTime()), e.close())
	}, true, nil
}

// EndEpisode begins the notification that a host has recovered; the caller sends it and calls done
// with whether that succeeded. It reports false if no failure was told, or one is being told. If
// the process dies before done, it is told again.
func (q *Queue) EndEpisode(host string) (done func(told bool) error, ok bool, err error) {
	e, ok, err := q.lockEpisode(host, 0)
	if !ok {
		return nil, false, err
	}
	if e.info.Size() == 0 {
		return nil, false, e.close()
	}
	return func(told bool) error {
		if !told {
			return e.close()
		}
		return errors.Join(q.remove("episodes", e.name), e.close())
	}, true, nil
}

// episode is the file of a host, locked.
type episode struct {
	folder *os.Root
	name   string
	file   *os.File
	info   fs.FileInfo
}

func (e *episode) close() error { return errors.Join(e.file.Close(), e.folder.Close()) }

// lockEpisode opens the file of a host and locks it; ok is false if there is none, or somebody else
// holds the lock.
func (q *Queue) lockEpisode(host string, flag int) (e *episode, ok bool, err error) {
	e = &episode{name: id(host)}
	fail := func(err error) (*episode, bool, error) {
		if err != nil {
			err = fmt.Errorf("noting how %s does: %w", host, err)
		}
		return nil, false, err
	}
	if e.folder, err = q.folder("episodes"); err != nil {
		return fail(err)
	}
	e.file, err = e.folder.OpenFile(e.name, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|flag, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(e.folder.Close())
	}
	if err != nil {
		return fail(errors.Join(err, e.folder.Close()))
	}
	err = syscall.Flock(int(e.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fail(e.close())
	}
	if err == nil {
		e.info, err = e.file.Stat()
	}
	if err != nil {
		return fail(errors.Join(err, e.close()))
	}
	if there, err := e.folder.Lstat(e.name); err != nil || !os.SameFile(e.info, there) {
		return fail(e.close()) // it has ended
	}
	return e, true, nil
}

// InEpisode reports whether a host's failure was told and has not ended.
func (q *Queue) InEpisode(host string) bool {
	_, ok := q.Episode(host)
	return ok
}

// Episode returns when the failure of a host began that was told and has not ended; ok is false if
// there is none.
func (q *Queue) Episode(host string) (began time.Time, ok bool) {
	folder, err := q.folder("episodes")
	if err != nil {
		return time.Time{}, false
	}
	defer folder.Close()
	info, err := folder.Lstat(id(host))
	if err != nil || info.Size() == 0 {
		return time.Time{}, false
	}
	return beganAt(info), true
}

// beganAt is when an episode began, by its file. If that lies ahead, the clock was wrong then: it
// counts as just begun, so that the next success ends it.
func beganAt(info fs.FileInfo) time.Time {
	const skew = time.Minute // how far a clock may be set back
	if now := time.Now(); info.ModTime().After(now.Add(skew)) {
		return now.Add(-skew)
	}
	return info.ModTime()
}

// HasEpisodes reports whether any host's failure was told and has not ended; true if that cannot be
// found out.
func (q *Queue) HasEpisodes() bool {
	folder, err := q.folder("episodes")
	if err != nil {
		return true
	}
	defer folder.Close()
	entries, err := fs.ReadDir(folder.FS(), ".")
	return err != nil || len(entries) > 0
}

// ForgetEpisodes ends the episodes that began before a time, except those of the names in asked, to
// which some remote still connects. Nobody would notice that the others are back, and if they are
// used again some day, their failure has to be told anew.
func (q *Queue) ForgetEpisodes(before time.Time, asked map[string]bool) error {
	folder, err := q.folder("episodes")
	if err != nil {
		return fmt.Errorf("looking at what hosts failed: %w", err)
	}
	defer folder.Close()
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return fmt.Errorf("looking at what hosts failed: %w", err)
	}
	keep := map[string]bool{}
	for host := range asked {
		keep[id(host)] = true
	}
	for _, entry := range entries {
		info, infoErr := entry.Info()
		if infoErr == nil && !keep[entry.Name()] && beganAt(info).Before(before) {
			err = errors.Join(err, folder.Remove(entry.Name()))
		}
	}
	return err
}
