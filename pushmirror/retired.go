package pushmirror

import (
	"context"
	"errors"
	"os"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/state"
)

// retired are the remotes of whose failure somebody was told, and that get nothing any more: they
// were switched off, or are configured no more, maybe since they have another name. Those of a host
// that failed are of its episode.
func (u *Upstream) retired() (names []string) {
	if !u.Notifies() {
		return nil
	}
	entries, _ := os.ReadDir(state.Folder(u.Dir())) // without one, there are none
	for _, entry := range entries {
		if remote, ok := u.remote(entry.Name()); ok && remote.Enabled || !entry.IsDir() {
			continue
		}
		dir, err := state.Of(u.Dir(), entry.Name())
		if err != nil {
			continue
		}
		if r, err := dir.Record(); err == nil && r.Told && r.ToldHost == "" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// TellRetired tells, if that is so, that a remote of whose failure somebody was told gets nothing
// any more: nobody needs to look after it, and a later failure is another one.
func (n Notifier) TellRetired(ctx context.Context, u *Upstream, name string) (err error) {
	remote, configured := u.remote(name)
	if configured && remote.Enabled {
		return nil
	}
	dir, err := state.Of(u.Dir(), name)
	if err != nil {
		return err
	}
	if r, err := dir.Record(); err != nil || !r.Told {
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
	case err != nil || !r.Told || r.ToldHost != "":
		return err
	case r.Untold == "" && u.Notifies():
		if !configured {
			remote = config.Remote{Name: name}
		}
		s := statusOf(u.Dir(), remote, r)
		s.URL = r.URL
		if err := n.run(ctx, u.config.Notify, Notice{Event: EventRecovered, Time: state.At(u.clock()), Repositories: 1, Remote: s}); err != nil {
			return err
		}
	case configured && r.Untold != "":
		return nil // that it has failed is told first
	}
	r.Told, r.Untold = false, ""
	return dir.WriteRecord(r)
}
