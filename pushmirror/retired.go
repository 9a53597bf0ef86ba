package pushmirror

import (
	"context"
	"errors"
	"os"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/state"
)

// retired are the remotes of whose end of failure somebody is to be told, and that get nothing any
// more: they were switched off, or are configured no more, maybe since they have another name.
// Those of a host that failed are of its episode.
func (u *Upstream) retired() (names []string) {
	if !u.Notifies() {
		return nil
	}
	entries, _ := os.ReadDir(state.Folder(u.Dir())) // without one, there are none
	for _, entry := range entries {
		remote, configured := u.remote(entry.Name())
		if configured && remote.Enabled || !entry.IsDir() {
			continue
		}
		dir, err := state.Of(u.Dir(), entry.Name())
		if err != nil {
			continue
		}
		if r, err := dir.Record(); err == nil && endsRetired(r, configured) {
			names = append(names, entry.Name())
		}
	}
	return names
}

// endsRetired reports whether, by its record, somebody is to be told once a remote gets nothing any
// more: they know that it has failed and not, maybe as they could not be told, that it recovered.
// What is to be told of one that is configured still is told first, as of all.
func endsRetired(r state.Record, configured bool) bool {
	if configured && r.Untold != "" {
		return false
	}
	return r.Told && r.ToldHost == "" || !r.Told && r.Untold == string(EventRecovered)
}

// TellRetired tells, if that is so, that a remote of whose failure somebody was told gets nothing
// any more: nobody needs to look after it, and a later failure is another one.
func (n Notifier) TellRetired(ctx context.Context, u *Upstream, name string) (err error) {
	remote, configured := u.remote(name)
	if configured && remote.Enabled {
		return nil
	}
	if !configured {
		remote = config.Remote{Name: name}
	}
	update := Update{Remote: remote}
	unlockTelling, err := u.claim(ctx, &update)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlockTelling()) }()
	if !endsRetired(update.Record, configured) {
		return nil
	}
	dir, err := state.Of(u.Dir(), name)
	if err != nil {
		return err
	}
	unlock, err := dir.Lock(ctx, u.clock, func() error { return errBusy })
	if errors.Is(err, errBusy) {
		return nil // it is told later
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	r, err := dir.Record()
	switch {
	case err != nil || !endsRetired(r, configured):
		return err
	case (r.Untold == "" || !r.Told) && u.Notifies():
		s := statusOf(u.Dir(), remote, r)
		s.URL = r.URL
		if err := n.run(ctx, u.config.Notify, Notice{Event: EventRecovered, Time: state.At(u.clock()), Repositories: 1, Remote: s}); err != nil {
			return err
		}
	}
	r.Told, r.Untold = false, ""
	return dir.WriteRecord(r)
}
