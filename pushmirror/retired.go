package pushmirror

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/state"
)

// retired are the remotes of whose end of failure somebody is to be told, and that get nothing any
// more: they were switched off, or are configured no more, maybe since they have another name.
// Those of a host that failed are of its episode, and left, by its name.
func (u *Upstream) retired() (names []string, left map[string]endedUpdate) {
	if !u.Notifies() {
		return nil, nil
	}
	left = map[string]endedUpdate{}
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
		switch r, err := dir.Record(); {
		case err != nil:
		case endsRetired(r, configured):
			names = append(names, entry.Name())
		case r.Told && r.ToldHost != "":
			if !configured {
				remote = config.Remote{Name: entry.Name()}
			}
			left[r.ToldHost] = endedUpdate{Update{Remote: remote, Record: r}, u}
		}
	}
	return names, left
}

// Untold reports whether somebody is to be told still that a remote gets nothing any more, or that
// its host has ended with it.
func (u *Upstream) Untold(name string) bool {
	names, left := u.retired()
	of := func(t endedUpdate) bool { return t.Remote.Name == name }
	return slices.Contains(names, name) || slices.ContainsFunc(slices.Collect(maps.Values(left)), of)
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
		if err := n.runRetired(ctx, endedUpdate{Update{Remote: remote, Record: r}, u}, nil); err != nil {
			return err
		}
	}
	r.Told, r.Untold = false, ""
	return dir.WriteRecord(r)
}

// TellLeft tells that nobody asks a host any more of whose failure somebody was told, or a login
// there, as a remote that did gets nothing now.
func (n Notifier) TellLeft(ctx context.Context, host string, t endedUpdate) error {
	return n.once(EventRecovered, host, func() error { return n.runRetired(ctx, t, &host) })
}

// runRetired tells that a remote gets nothing any more or, if it was of a host's episode, that this
// is over.
func (n Notifier) runRetired(ctx context.Context, t endedUpdate, host *string) error {
	s := statusOf(t.upstream.Dir(), t.Remote, t.Record)
	s.URL = t.Record.URL
	notice := Notice{Event: EventRecovered, Time: state.At(t.upstream.clock()), Host: host, Repositories: 1, Remote: s}
	return n.run(ctx, t.upstream.config.Notify, notice)
}
