package pushmirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sirupsen/logrus"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/program"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// Notice is what the program of [notify] reads on its standard input, as JSON, when an
// episode of failure begins or ends.
type Notice struct {
	Event Event      `json:"event"`
	Time  state.Time `json:"time"`
	// Host is set where a whole host has failed or recovered, or who we are there; then
	// Remote is one of many.
	Host *string `json:"host"`
	// Repositories is how many repositories wait for it, as far as is known.
	Repositories int    `json:"repositories"`
	Remote       Status `json:"remote"`
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
	return u.Notifies() && (update.Record.Untold != "" || n.hostIsBack(update))
}

func (n Notifier) hostIsBack(update Update) bool {
	host := hostOf(update.Remote)
	return host != "" && !update.Record.Unreached && n.Queue.InEpisode(host)
}

// Tell sends the notices that an update calls for; repositories is how many wait for the
// remote's host. Its error tells what kept the program from being told; it is to be tried
// again then.
func (n Notifier) Tell(ctx context.Context, u *Upstream, update Update, repositories int) error {
	var err error
	if n.hostIsBack(update) {
		err = n.tellOfHost(ctx, u, update, Recovered, repositories)
	}
	r := update.Record
	switch {
	case r.Untold == "":
		return err
	case r.ToldHost != "" && r.Untold == string(Failed):
		err = errors.Join(err, n.tellOfHost(ctx, u, update, Failed, repositories))
	default:
		err = errors.Join(err, n.send(ctx, u, update, Notice{Event: Event(r.Untold), Repositories: 1}))
	}
	if err != nil {
		return err
	}
	return u.told(ctx, update)
}

// tellOfHost tells of a host unless that was done for another remote on it.
func (n Notifier) tellOfHost(ctx context.Context, u *Upstream, update Update, event Event, repositories int) error {
	host := hostOf(update.Remote)
	note, undo := n.Queue.BeginEpisode, n.Queue.EndEpisode
	if event == Recovered {
		note, undo = undo, note
	}
	if first, err := note(host); !first {
		return err
	}
	err := n.send(ctx, u, update, Notice{Event: event, Host: &host, Repositories: repositories})
	if err != nil {
		_, undoErr := undo(host)
		err = errors.Join(err, undoErr)
	}
	return err
}

func (n Notifier) send(ctx context.Context, u *Upstream, update Update, notice Notice) error {
	notice.Time, notice.Remote = state.At(u.clock()), u.StatusAfter(ctx, update)
	text, err := json.Marshal(notice)
	if err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	p := program.Program{Argv: u.config.Notify.Command, Env: git.Environ(n.Env), Stdin: append(text, '\n'), Limit: u.config.Notify.Limit}
	if _, err := p.Run(ctx); err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	return nil
}

// OnSameHost counts the updates that were not made to their end, or were just now, on the
// host of one of them.
func OnSameHost(updates []Update, one Update) int {
	n := 0
	for _, u := range updates {
		if hostOf(u.Remote) == hostOf(one.Remote) && u.Record.Unreached == one.Record.Unreached {
			n++
		}
	}
	return n
}

// told notes in the record that an event was told, unless another update made it a matter
// of the past.
func (u *Upstream) told(ctx context.Context, update Update) (err error) {
	dir, err := state.Of(u.Dir(), update.Remote.Name)
	if err != nil {
		return err
	}
	_, unlock, err := dir.Lock(ctx, u.clock, func() {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	r, err := dir.Record()
	if err != nil || r.Untold != update.Record.Untold {
		return err
	}
	r.Untold = ""
	return dir.WriteRecord(r)
}

// untold gives the updates of a repository whose last event was not told yet.
func (u *Upstream) untold() []tidings {
	var all []tidings
	for _, remote := range u.config.Remotes {
		if r, err := u.Record(remote); err == nil && r.Untold != "" && u.Notifies() {
			all = append(all, tidings{u, Update{Remote: remote, Record: r}})
		}
	}
	return all
}

// tidings are an update that calls for a notice.
type tidings struct {
	upstream *Upstream
	update   Update
}

// notifier tells the owners, of the hosts that this queue knows.
func (s *shift) notifier() Notifier { return Notifier{Queue: s.Queue, Env: s.Environ} }

// tell has somebody told, while the mirrors go on.
func (s *shift) tell(ctx context.Context, t tidings) {
	key := worker.Key{Repository: t.upstream.Dir(), Remote: t.update.Remote.Name}
	if s.telling[key] {
		return
	}
	s.telling[key] = true
	repositories := map[string]bool{key.Repository: true}
	for _, task := range s.schedule.Waiting() {
		if task.Host != "" && task.Host == hostOf(t.update.Remote) {
			repositories[task.Repository] = true
		}
	}
	go func() {
		defer func() { s.told <- key }()
		if err := s.notifier().Tell(ctx, t.upstream, t.update, len(repositories)); err != nil && ctx.Err() == nil {
			s.Log.WithError(err).WithFields(logrus.Fields{"repository": key.Repository, "remote": key.Remote}).Error("nobody was told")
		}
	}()
}
