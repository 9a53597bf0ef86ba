package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// EndEpisode notes that a host has recovered. It reports false if that is known.
func (q *Queue) EndEpisode(host string) (bool, error) {
	err := os.Remove(q.episode(host))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (q *Queue) episode(host string) string { return filepath.Join(q.dir, "episodes", id(host)) }
