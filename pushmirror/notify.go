package pushmirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/program"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// Event is the beginning or the end of an episode of failure.
type Event string

// The events. Trying again is none: nobody has to look yet.
const (
	EventNone      Event = ""
	EventFailed    Event = "failed"
	EventRecovered Event = "recovered"
)

// event tells whether an episode of failure has begun or ended. One that began as the host's
// becomes the login's, or the remote's own, when the host is back.
func (a *attempt) event(r state.Record) Event {
	switch {
	case r.Told && (!a.before.Told || a.before.ToldHost != "" && (r.ToldHost != a.before.ToldHost || a.over(r.ToldHost))):
		return EventFailed
	case a.before.Told && !r.Told:
		return EventRecovered
	}
	return EventNone
}

// over reports whether the episode of a host has ended, as another remote on it has found, although
// this remote still fails.
func (a *attempt) over(host string) bool {
	return a.Notifies() && a.before.Untold == "" && a.InEpisode != nil && !a.InEpisode(host)
}

// untold is what the program of [notify] has yet to be told of, as the record keeps it: an event,
// "" for nothing, or state.UntoldPassed where the remote recovered before the program was told that
// it had failed. That a whole host has recovered is told once for all remotes on it, not here.
func (a *attempt) untold(r state.Record) string {
	switch event := a.event(r); {
	case !a.Notifies():
		return ""
	case event == EventNone:
		return a.before.Untold
	case event == EventRecovered && a.before.ToldHost != "":
		return ""
	case event == EventRecovered && a.before.Untold != "":
		return state.UntoldPassed
	default:
		return string(event)
	}
}

// Notice is what the program of [notify] reads on its standard input, as JSON, when an
// episode of failure begins or ends.
type Notice struct {
	Event Event      `json:"event"`
	Time  state.Time `json:"time"`
	// Host is set where a whole host has failed or recovered, or a login there ("HOST as USER by
	// FILE"); then Remote is one of many.
	Host *string `json:"host"`
	// Repositories is how many repositories wait for it, as far as is known.
	Repositories int `json:"repositories"`
	// Remote has no name where the whole repository cannot be mirrored, or can be again.
	Remote Status `json:"remote"`
}

// Notifier tells the owners of failures and recoveries: each episode once and, where a whole
// host fails, once for all that is on it. What could not be told is told later: a record
// says so until the program of [notify] has ended well.
type Notifier struct {
	Queue *queue.Queue // which knows the hosts that fail
	Env   []string     // of the program, "KEY=value", of which it gets what git may see
}

// Due reports whether an update calls for a notice.
func (n Notifier) Due(u *Upstream, update Update) bool {
	return u.Notifies() && (update.Record.Untold != "" || len(n.back(update)) > 0)
}

// back are the host and the login of an update that had failed before and do so no more: a host
// that refuses us has answered.
func (n Notifier) back(update Update) []string {
	r := update.Record
	return slices.DeleteFunc(sharedWith(update.Remote), func(name string) bool {
		answers := !r.Unreached || r.Kind == git.KindAuth && !r.Loginless && name != loginOf(update.Remote)
		began, failed := n.Queue.Episode(name)
		return !answers || !failed || r.UpdatedAt.Before(began.Truncate(time.Millisecond))
	})
}

// Tell sends the notices that an update calls for; repositories tells how many wait for a host
// or a login. Its error tells what kept the program from being told; it is to be tried again
// then.
func (n Notifier) Tell(ctx context.Context, u *Upstream, update Update, repositories func(shared string) int) (err error) {
	for _, name := range n.back(update) {
		err = errors.Join(err, n.tellOfHost(ctx, u, update, EventRecovered, name, repositories(name)))
	}
	if update.Record.Untold == "" {
		return err
	}
	if !update.Unkept {
		unlock, claimErr := u.claim(ctx, &update)
		if claimErr != nil {
			return errors.Join(err, claimErr)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	switch r := update.Record; {
	case r.Untold == "":
		return err
	case r.Untold == state.UntoldPassed:
	case r.ToldHost != "" && r.Untold == string(EventFailed):
		err = errors.Join(err, n.tellOfHost(ctx, u, update, EventFailed, r.ToldHost, repositories(r.ToldHost)))
	default:
		err = errors.Join(err, n.send(ctx, u, update, Notice{Event: Event(r.Untold), Repositories: 1}))
	}
	if err != nil {
		return err
	}
	return u.told(ctx, update)
}

// claim waits until nobody else tells of a remote, and has the update be the one that there is to
// tell of by then: a worker and a sync find the same.
func (u *Upstream) claim(ctx context.Context, update *Update) (unlock func() error, err error) {
	dir, err := state.Of(u.Dir(), update.Remote.Name)
	if err != nil {
		return nil, err
	}
	if unlock, err = dir.LockTelling(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		unlock = func() error { return nil } // to be told twice is better than not at all
	}
	if update.Record, err = dir.Record(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// tellOfHost tells of a host, or a login there, unless that was done for another remote that
// shares it.
func (n Notifier) tellOfHost(ctx context.Context, u *Upstream, update Update, event Event, host string, repositories int) error {
	return n.once(event, host, func() error {
		return n.send(ctx, u, update, Notice{Event: event, Host: &host, Repositories: repositories})
	})
}

// once tells of an event that begins or ends an episode, unless that was told before.
func (n Notifier) once(event Event, episode string, tell func() error) error {
	note := n.Queue.BeginEpisode
	if event == EventRecovered {
		note = n.Queue.EndEpisode
	}
	done, first, err := note(episode)
	if !first {
		return err
	}
	err = tell()
	return errors.Join(err, done(err == nil))
}

// Notified tells who is told of a repository that cannot be opened.
func Notified(ctx context.Context, g *git.Git, dir string, getenv func(string) string) config.Notify {
	repo, err := g.Open(dir)
	if err != nil {
		return config.Notified(config.DefaultSources(getenv, ""))
	}
	return config.Notified(Sources(ctx, repo, getenv))
}

// TellBroken tells that a repository cannot be mirrored at all, and why, unless that was told in
// this episode, or it is for somebody else to see to. No remote has a record of it: which there are
// may not be known. The worker is made to know the repository, as it forgets the episodes of what
// it does not.
func (n Notifier) TellBroken(ctx context.Context, dir string, notify config.Notify, broken error) error {
	if len(notify.Command) == 0 || notOurs(broken) {
		return nil
	}
	status := Unusable(dir, broken)
	if fault := (*config.Error)(nil); !errors.As(broken, &fault) {
		status.Kind = optional(git.KindLocal)
	}
	return errors.Join(n.Queue.AddKnown(dir), n.once(EventFailed, brokenEpisode(dir, notify), func() error {
		return n.run(ctx, notify, Notice{Event: EventFailed, Time: state.Now(), Repositories: 1, Remote: status})
	}))
}

// brokenEpisode names the episode in which one of those who can be told knows that a repository
// cannot be mirrored: which one that is depends on which of the files are broken.
func brokenEpisode(dir string, notify config.Notify) string { return dir + " by " + notify.File }

// Mended are the episodes of those who have to be told once a repository can be mirrored again.
func (n Notifier) Mended(u *Upstream) (episodes []string) {
	for _, notify := range u.config.Notifies {
		if episode := brokenEpisode(u.Dir(), notify); n.Queue.InEpisode(episode) {
			episodes = append(episodes, episode)
		}
	}
	return episodes
}

// TellMended tells that a repository can be mirrored again, those whom TellBroken told that it
// could not, even if it is somebody else who would be told by now.
func (n Notifier) TellMended(ctx context.Context, u *Upstream) (err error) {
	if len(n.Mended(u)) == 0 || u.readable(ctx) != nil {
		return nil
	}
	status := statusOf(u.Dir(), config.Remote{Enabled: true}, state.Record{Status: state.None})
	notice := Notice{Event: EventRecovered, Time: state.At(u.clock()), Repositories: 1, Remote: status}
	for _, notify := range u.config.Notifies {
		err = errors.Join(err, n.once(EventRecovered, brokenEpisode(u.Dir(), notify), func() error {
			return n.run(ctx, notify, notice)
		}))
	}
	return err
}

func (n Notifier) send(ctx context.Context, u *Upstream, update Update, notice Notice) error {
	notice.Time, notice.Remote = state.At(u.clock()), u.StatusAfter(ctx, update)
	return n.run(ctx, u.config.Notify, notice)
}

func (n Notifier) run(ctx context.Context, notify config.Notify, notice Notice) error {
	text, err := json.Marshal(notice)
	if err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	p := program.Program{Argv: notify.Command, Env: git.Environ(n.Env), Stdin: append(text, '\n'), Limit: notify.Limit}
	if _, err := p.Run(ctx); err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	return nil
}

// Sharing counts the repositories of updates that have a host or login.
func Sharing(updates []Update) func(shared string) int {
	return func(shared string) int {
		repositories := map[string]bool{}
		for _, u := range updates {
			if slices.Contains(sharedWith(u.Remote), shared) {
				repositories[u.Repository] = true
			}
		}
		return len(repositories)
	}
}

// told notes in the record that an event was told, unless another update made it a matter
// of the past.
func (u *Upstream) told(ctx context.Context, update Update) (err error) {
	dir, err := state.Of(u.Dir(), update.Remote.Name)
	if err != nil {
		return err
	}
	unlock, err := dir.Lock(ctx, u.clock, func() error { return nil })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	r, err := dir.Record()
	was := update.Record
	switch {
	case err != nil:
		return err
	case r.Untold == was.Untold && r.ToldHost == was.ToldHost && r.FailingSince == was.FailingSince:
		r.Untold = ""
	case r.Untold == state.UntoldPassed && was.Untold == string(EventFailed):
		r.Untold = string(EventRecovered)
	default:
		return nil
	}
	return dir.WriteRecord(r)
}

// untold gives the updates of a repository that call for a notice still.
func (u *Upstream) untold(n Notifier) []endedUpdate {
	if !u.Notifies() {
		return nil
	}
	var all []endedUpdate
	for _, remote := range u.config.Remotes {
		r, err := u.Record(remote)
		if err != nil || r.UpdatedAt.IsZero() {
			continue
		}
		if ended := (endedUpdate{Update{Remote: remote, Record: r}, u}); n.Due(u, ended.Update) {
			all = append(all, ended)
		}
	}
	return all
}

// endedUpdate is an update that has ended, and of what.
type endedUpdate struct {
	Update
	upstream *Upstream
}

func (t endedUpdate) key() worker.Key {
	return worker.Key{Repository: t.upstream.Dir(), Remote: t.Remote.Name}
}
