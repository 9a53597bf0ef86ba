package pushmirror

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// watched is a repository that something waits in: when its configuration was changed, and
// files with passwords and keys.
type watched struct {
	changed time.Time
	files   []string
}

// found is what was found in a repository.
type found struct {
	repository string
	upstream   *Upstream // nil: it could not be opened
	tasks      []worker.Task
	others     []worker.Task // that are not due
	untold     []endedUpdate
	retired    []string  // remotes, of which somebody is to be told
	mended     bool      // somebody was told that it cannot be mirrored, and now it can
	changed    time.Time // when its configuration was
	files      []string  // with passwords and keys, that its remotes read
	episodes   []string  // that may go on: of the hosts and logins of its remotes, and its own
	err        error
	looked     bool                   // by a look into all known repositories, with no hook having called
	left       map[string]endedUpdate // see Upstream.retired
}

// takeWork takes in the repositories that hooks have entered.
func (s *shift) takeWork() {
	repositories, err := s.Queue.Take()
	told := s.listError
	if s.listError = ""; err != nil {
		s.listError = err.Error()
	}
	if s.listError != "" && s.listError != told {
		s.Log.WithError(err).Error("reading the list of work")
	}
	waiting := s.entered
	for _, repository := range repositories {
		if !slices.Contains(waiting, repository) {
			s.entered = append(s.entered, repository)
		}
	}
}

// visitNext visits one of the repositories that were entered. It is called when there is room for
// an update: so of a thousand that wait, each is opened once, and few are in memory. And it is
// called at each tick, however long the updates take that run: what a visit finds may be there to
// be told.
func (s *shift) visitNext(ctx context.Context) found {
	if len(s.entered) == 0 {
		return found{}
	}
	repository := s.entered[0]
	s.entered = s.entered[1:]
	thoroughly := s.owed[repository]
	delete(s.owed, repository)
	f := s.visit(ctx, repository, thoroughly)
	if f.err == nil && len(f.tasks) == 0 && !thoroughly {
		// The mark was dealt with already, or could not be made.
		f = s.visit(ctx, repository, true)
	}
	s.receive(ctx, f)
	return f
}

// visit finds the remotes of a repository that are due: those with a mark, those that are
// to be tried again and, when looking thoroughly, those that have fallen behind, whose
// configuration changed, or that were not looked at for long.
func (s *shift) visit(ctx context.Context, repository string, thoroughly bool) (f found) {
	f = found{repository: repository, changed: config.Changed(config.DefaultSources(s.Getenv, repository))}
	upstream, err := s.open(ctx, repository)
	if err != nil {
		f.err = err
		return f
	}
	f.upstream = upstream
	s.passing.Lock() // passed on by a look around as well, a mark would bring back work that is done by now
	f.err = upstream.passOn()
	s.passing.Unlock()
	if f.err != nil {
		return f
	}
	f.untold = upstream.untold(s.notifier())
	f.retired, f.left = upstream.retired()
	defer func() {
		if f.err == nil {
			broken := s.notifier().Mended(upstream)
			f.episodes = append(f.episodes, broken...) // of which it is told that they have ended
			if len(broken) > 0 {
				f.err = upstream.readable(ctx) // a mark is enough to be due, whatever is broken
				f.mended = f.err == nil
			}
		}
	}()
	for _, remote := range upstream.config.Remotes {
		if !remote.Enabled {
			continue
		}
		f.episodes = append(f.episodes, sharedWith(remote)...)
		f.files = append(f.files, remote.Files()...)
		task, due, err := upstream.due(ctx, remote, thoroughly)
		switch {
		case err != nil:
			f.err = errors.Join(f.err, err)
		case due:
			f.tasks = append(f.tasks, task)
		default:
			f.others = append(f.others, task)
		}
	}
	return f
}

// open opens a repository of the queue.
func (s *shift) open(ctx context.Context, repository string) (*Upstream, error) {
	repo, err := s.Git.Open(repository)
	if err != nil {
		return nil, err
	}
	upstream, err := Open(ctx, repo, s.Getenv)
	var owner *OwnerError
	if errors.As(err, &owner) && owner.Root {
		// Root's git runs hooks in a repository of somebody else's only if told to trust it, and
		// then we were called by one.
		if safe, safeErr := repo.IsSafe(ctx); safeErr == nil && safe {
			upstream, err = OpenInHook(repo, s.Getenv)
		}
	}
	if err != nil {
		return nil, err
	}
	upstream.clock = s.clock
	return upstream, nil
}

// receive takes in what was found in a repository.
func (s *shift) receive(ctx context.Context, f found) {
	if !s.accepts(ctx, f) {
		return
	}
	known, wasKnown := s.watched[f.repository]
	changed := later(f.changed, config.NewestChange(f.files))
	s.watched[f.repository] = watched{changed, f.files}
	for _, t := range f.untold {
		s.tell(ctx, t)
	}
	for _, name := range f.retired {
		s.tellOfRetired(ctx, f.upstream, name)
	}
	for _, task := range slices.Concat(f.tasks, f.others) {
		s.schedule.NoteSuccess(task, s.clock())
	}
	for _, task := range f.tasks {
		// What runs was found at work. Whoever makes new work enters the repository
		// into the queue, so nothing is lost.
		if _, running := s.started[task.Key]; running && f.looked {
			continue
		}
		s.schedule.Add(task)
	}
	// Whoever has found it first: a hook's work, or the watch.
	if wasKnown && !changed.Equal(known.changed) {
		s.schedule.Hurry(f.repository, s.clock())
	}
}

// accepts notes what keeps a repository from being mirrored, and has its owners told of that once.
// It reports false for one that is gone or somebody else's: nothing of it is waited for any more.
func (s *shift) accepts(ctx context.Context, f found) bool {
	log := s.Log.WithField("repository", f.repository)
	before := s.broken[f.repository]
	delete(s.broken, f.repository)
	if notOurs(f.err) {
		// It stays known: a volume that is not mounted comes back, an owner may change.
		if !s.gone[f.repository] {
			what := "the repository is gone"
			if !errors.Is(f.err, git.ErrNoRepository) {
				what = "the repository is somebody else's"
			}
			log.WithError(f.err).Warn(what)
		}
		s.gone[f.repository] = true
		s.schedule.Remove(f.repository)
		delete(s.watched, f.repository)
		return false
	}
	delete(s.gone, f.repository)
	switch {
	case f.err != nil:
		text := f.err.Error()
		if text != before {
			log.WithError(f.err).Error("the repository cannot be mirrored")
		}
		if text != before || f.looked { // or the program of [notify], if that fails, would be run all the time
			s.tellOfRepository(ctx, f)
		}
		s.broken[f.repository] = text
	case f.mended || before != "": // perhaps while it is being told that it cannot be
		s.tellOfRepository(ctx, f)
	}
	return true
}

// watch looks again at repositories that could not be mirrored, and at those whose
// configuration has changed while something waits in them.
func (s *shift) watch(ctx context.Context) {
	waits := map[string]bool{}
	for _, task := range s.schedule.Waiting() {
		waits[task.Repository] = true
	}
	for key := range s.started {
		waits[key.Repository] = true
	}
	for repository := range s.watched {
		if !waits[repository] {
			delete(s.watched, repository)
		}
	}
	for repository := range waits {
		known := s.watched[repository]
		changed := config.Changed(config.DefaultSources(s.Getenv, repository))
		if !later(changed, config.NewestChange(known.files)).Equal(known.changed) {
			s.receive(ctx, s.visit(ctx, repository, true))
		}
	}
	for _, repository := range slices.Collect(maps.Keys(s.broken)) {
		s.receive(ctx, s.visit(ctx, repository, true))
	}
}

// lookAround looks into every known repository for work that no hook told of: first into those with
// marks, since the list of work may have been lost, then for refs that changed without a push. It
// leaves out those that are visited anyway, unless a host is recorded as failing: only once it has
// looked into all can it forget the failing hosts that no remote names any more.
func (s *shift) lookAround(ctx context.Context, visited map[string]bool) {
	began := time.Now()
	if s.Queue.HasEpisodes() {
		visited = nil
	}
	repositories, err := s.Queue.Known()
	if err != nil {
		s.Log.WithError(err).Error("reading the list of repositories")
	}
	episodes, all := map[string]bool{}, err == nil
	end := lookEnd{succeeded: map[string]time.Time{}, left: map[string]endedUpdate{}}
	var marked, others []string
	for _, repository := range repositories {
		switch {
		case visited[repository]:
			all = false
		case state.HasMark(repository):
			marked = append(marked, repository)
		default:
			others = append(others, repository)
		}
	}
	for _, repository := range slices.Concat(marked, others) {
		if ctx.Err() != nil {
			break
		}
		f := s.visit(ctx, repository, true)
		all = all && (f.err == nil || notOurs(f.err))
		for _, name := range f.episodes {
			episodes[name] = true
		}
		maps.Copy(end.left, f.left)
		for _, task := range f.others {
			for _, name := range []string{task.Host, task.Login} {
				if name != "" {
					end.succeeded[name] = later(end.succeeded[name], task.Succeeded)
				}
			}
		}
		if f.err == nil && len(f.tasks)+len(f.untold)+len(f.retired) == 0 && !f.mended {
			continue
		}
		f.looked = true
		select {
		case s.found <- f:
		case <-ctx.Done():
		}
	}
	maps.DeleteFunc(end.left, func(name string, _ endedUpdate) bool { return !all || episodes[name] })
	for name := range end.left {
		episodes[name] = true // until that is told
	}
	if all && ctx.Err() == nil {
		if err := s.Queue.ForgetEpisodes(began, episodes); err != nil {
			s.Log.WithError(err).Error("forgetting hosts that nobody asks any more")
		}
	}
	s.looked <- end
}

// lookEnd is what a look around has found out of hosts and logins, by name: when updates last
// succeeded, and remotes that are of an episode which nobody else is in.
type lookEnd struct {
	succeeded map[string]time.Time
	left      map[string]endedUpdate
}

// endLook takes in the end of a look around.
func (s *shift) endLook(ctx context.Context, end lookEnd) {
	s.looking = false
	for name, t := range end.left {
		s.meanwhile(ctx, t.key(), func() error { return s.notifier().TellLeft(ctx, name, t) })
	}
	for name, at := range end.succeeded {
		s.schedule.NoteSuccess(worker.Task{Host: name, Login: name, Succeeded: at}, s.clock())
	}
}

// notOurs reports whether a repository is gone, or belongs to somebody whose worker has to
// see to it.
func notOurs(err error) bool {
	var owner *OwnerError
	return errors.Is(err, git.ErrNoRepository) || errors.As(err, &owner)
}
