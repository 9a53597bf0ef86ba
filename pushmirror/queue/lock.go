package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Worked is when a worker last took the lock; the zero Time if none did, or only on a full disk,
// where it cannot write to the lock file.
func (q *Queue) Worked() (time.Time, error) {
	path := q.lock().Path()
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		return time.Time{}, nil
	}
	return modified(os.Stat(path))
}

// Lock takes the worker's lock. While another worker holds it, Lock waits if wait is set, and else
// returns ok false.
func (q *Queue) Lock(ctx context.Context, wait bool) (unlock func() error, ok bool, err error) {
	lock := q.lock()
	if wait {
		ok, err = lock.TryLockContext(ctx, 100*time.Millisecond)
	} else {
		ok, err = lockUnlessHeld(lock)
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

// lockUnlessHeld takes the lock unless a worker holds it. Those who only ask whether one does share
// the lock for a moment; a worker that left because of them would leave its work undone.
func lockUnlessHeld(lock *flock.Flock) (bool, error) {
	for {
		if ok, err := lock.TryLock(); ok || err != nil {
			return ok, err
		}
		onlyLookedAt, err := lock.TryRLock()
		if !onlyLookedAt || err != nil {
			return false, err
		}
		if err := lock.Unlock(); err != nil {
			return false, err
		}
		time.Sleep(time.Millisecond)
	}
}

// Working reports whether a worker runs with that state directory. It creates nothing there.
func Working(dir string) (bool, error) {
	q := &Queue{dir: dir, mode: private}
	if made, err := modified(os.Stat(q.lock().Path())); err != nil || made.IsZero() {
		return false, err
	}
	return q.Working()
}

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

// writeOver replaces the content of a file. It follows no link: one of the group may have made one
// to another file of ours.
func writeOver(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
