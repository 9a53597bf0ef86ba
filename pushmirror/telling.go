package pushmirror

import (
	"context"

	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// notifier tells the owners, of the hosts that this queue knows.
func (s *shift) notifier() Notifier { return Notifier{Queue: s.Queue, Env: s.Env} }

// notifyIfDue has somebody told of an update if it calls for that. A record tells what was told
// before; where none can be written, that is remembered here, so that it is told once, and its end
// too.
func (s *shift) notifyIfDue(ctx context.Context, key worker.Key, t endedUpdate) {
	wasUnkept := s.unkept[key]
	switch {
	case t.Unkept && wasUnkept:
		return
	case t.Unkept:
		s.unkept[key] = t.Record.Untold != ""
	case wasUnkept:
		delete(s.unkept, key)
		if t.upstream.Notifies() && t.Record.Status == state.Finished {
			t.Record.Untold = string(EventRecovered)
			t.Unkept = true // the record, which knows of no failure, does not tell of it
		}
	}
	if s.notifier().Due(t.upstream, t.Update) {
		s.tell(ctx, t)
	}
}

// tell has somebody told of an update.
func (s *shift) tell(ctx context.Context, t endedUpdate) {
	key := t.key()
	repositories := map[string]map[string]bool{} // by what they share
	for _, name := range sharedWith(t.Remote) {
		repositories[name] = map[string]bool{key.Repository: true}
	}
	for _, task := range s.schedule.Waiting() {
		for name, waiting := range repositories {
			if task.Host == name || task.Login == name {
				waiting[task.Repository] = true
			}
		}
	}
	count := func(shared string) int { return max(1, len(repositories[shared])) }
	s.meanwhile(ctx, key, func() error { return s.notifier().Tell(ctx, t.upstream, t.Update, count) })
}

// tellOfRetired has somebody told that a remote which had failed gets nothing any more.
func (s *shift) tellOfRetired(ctx context.Context, u *Upstream, name string) {
	key := worker.Key{Repository: u.Dir(), Remote: name}
	s.meanwhile(ctx, key, func() error { return s.notifier().TellRetired(ctx, u, name) })
}

// tellOfRepository has somebody told that a repository cannot be mirrored, or can be again.
func (s *shift) tellOfRepository(ctx context.Context, f found) {
	s.meanwhile(ctx, worker.Key{Repository: f.repository}, func() error {
		if f.err == nil {
			return s.notifier().TellMended(ctx, f.upstream)
		}
		return s.notifier().TellBroken(ctx, f.repository, Notified(ctx, s.Git, f.repository, s.Getenv), f.err)
	})
}

// meanwhile has somebody told of a remote or, without its name, of a repository, while the mirrors
// go on. Of what they are being told already, it is looked again afterwards.
func (s *shift) meanwhile(ctx context.Context, key worker.Key, tell func() error) {
	if _, telling := s.telling[key]; telling {
		s.telling[key] = true
		return
	}
	s.telling[key] = false
	go func() {
		defer func() { s.told <- key }()
		if err := tell(); err != nil && ctx.Err() == nil {
			s.logOf(key).WithError(err).Error("nobody was told")
		}
	}()
}
