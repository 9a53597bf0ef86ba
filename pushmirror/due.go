package pushmirror

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// due tells whether and when a remote is to be updated.
func (u *Upstream) due(ctx context.Context, remote config.Remote, thoroughly bool) (worker.Task, bool, error) {
	task := worker.Task{Key: worker.Key{Repository: u.Dir(), Remote: remote.Name}, Host: hostOf(remote), Login: loginOf(remote), Since: u.clock()}
	dir, err := state.Of(u.Dir(), remote.Name)
	if err != nil {
		return task, false, err
	}
	record, err := dir.Record()
	if err != nil {
		return task, false, err
	}
	record = record.AsOf(u.clock())
	if record.URL != remote.URL.Identity() || u.Mended(remote, record) {
		record.NextAttemptAt = state.Time{}
	}
	if record.Status == state.Finished {
		task.Succeeded = record.UpdatedAt.Time
	}
	since, marked, err := dir.Marked()
	if err != nil {
		return task, false, err
	}
	again := !record.NextAttemptAt.IsZero()
	task.Failing = record.Unreached && again
	if task.Failing {
		task.Blamed, task.Failed = record.ToldHost, record.UpdatedAt.Time
	}
	if marked {
		task.Since = since.Time
	}
	if !marked || record.Unreached {
		task.NotBefore = record.NextAttemptAt.Time
	}
	task.Earliest = afterInterval(remote, record.StartedAt.Time)
	if marked || again || !thoroughly {
		return task, marked || again, nil
	}
	due, err := u.behind(ctx, remote, dir, record)
	return task, due, err
}

// afterInterval is when a remote may be updated after an update that began then; the zero Time if
// at once.
func afterInterval(remote config.Remote, began time.Time) time.Time {
	if remote.MinInterval == 0 {
		return time.Time{}
	}
	return began.Add(remote.MinInterval)
}

// Mended reports whether the configuration of a remote, or a file with its password or keys, was
// changed after the update of that record began: what failed may go well now, and does not wait for
// its time.
func (u *Upstream) Mended(remote config.Remote, record state.Record) bool {
	began := record.StartedAt.Time
	return u.config.Modified.After(began) || slices.ContainsFunc(remote.Files(), func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && config.ModifiedAt(info).After(began)
	})
}

// readable tells what keeps the repository from being mirrored although its configuration is sound.
func (u *Upstream) readable(ctx context.Context) error {
	for _, remote := range u.config.Remotes {
		if !remote.Enabled {
			continue
		}
		dir, err := state.Of(u.Dir(), remote.Name)
		if err != nil {
			return err
		}
		record, err := dir.Record()
		if err != nil {
			return err
		}
		if _, err := u.shortfall(ctx, remote, dir, record); err != nil {
			return err
		}
	}
	return nil
}

// behind reports whether a remote that no mark tells of is to be looked at: it has never
// been, its configuration changed, it was not listed for long, or refs are pending.
func (u *Upstream) behind(ctx context.Context, remote config.Remote, dir *state.Dir, record state.Record) (bool, error) {
	if record.URL != remote.URL.Identity() || u.Mended(remote, record) {
		return true, nil
	}
	seen, err := dir.Seen(remote.URL.Identity())
	if err != nil || seen == nil || u.old(seen) {
		return true, err
	}
	lacks, err := u.shortfall(ctx, remote, dir, record)
	if broken := (*git.UnreadableError)(nil); errors.As(err, &broken) || git.BrokenObject(err) {
		return true, nil // the update tells
	}
	return len(lacks.pending) > 0, err
}
