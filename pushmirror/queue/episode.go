package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

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

// HasEpisodes reports whether any host's failure was told and has not ended, as far as can be seen.
func (q *Queue) HasEpisodes() bool {
	entries, err := os.ReadDir(filepath.Join(q.dir, "episodes"))
	return err != nil || len(entries) > 0
}

// EndEpisode notes that a host has recovered. It reports false if that is known.
func (q *Queue) EndEpisode(host string) (bool, error) {
	err := os.Remove(q.episode(host))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("noting a recovery of %s: %w", host, err)
	}
	return true, nil
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
