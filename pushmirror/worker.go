package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
	"git-push-mirror/pushmirror/worker"
)

// Worker delivers in the background, for all the repositories in its queue.
type Worker struct {
	Git    *git.Git
	Getenv func(string) string
	Queue  *queue.Queue
	// Limits bound what runs at once.
	Limits worker.Limits
	// UntilIdle ends the worker when nothing waits, not even for another attempt.
	UntilIdle bool
	// Replaced reports whether the program was replaced by another version; nil: never.
	Replaced func() bool
	// Env is what the program of [notify] gets, as far as git may see it.
	Env []string
	Log *logrus.Logger

	clock func() time.Time // nil: time.Now
}

const (
	// poll is how often the worker looks for new work.
	poll = 100 * time.Millisecond
	// watchEvery is how often it looks whether a configuration was changed that
	// something waits for.
	watchEvery = 2 * time.Second
	// busyPause is how long it leaves a remote alone that somebody else updates.
	busyPause = time.Second
	// lookEvery is how often it looks into all known repositories for work that no
	// hook told of.
	lookEvery = time.Hour
)

// ErrReplaced says that a worker has ended to make room for another version of itself.
var ErrReplaced = errors.New("the program was replaced")

// Run works until ctx is done or, with UntilIdle, nothing waits. There is one worker for
// each queue: if another one works, Run with UntilIdle leaves it to that, and else waits
// for its end. When the program was replaced it hands its work back and returns
// ErrReplaced.
func (w *Worker) Run(ctx context.Context) error {
	if w.clock == nil {
		w.clock = time.Now
	}
	for {
		unlock, ok, err := w.Queue.Lock(ctx, !w.UntilIdle)
		if err != nil || !ok {
			return errors.Join(err, ctx.Err())
		}
		err = newShift(w).work(ctx)
		if err = errors.Join(err, unlock()); err != nil || ctx.Err() != nil {
			return err
		}
		// A hook that saw us hold the lock has left its work to us.
		if more, err := w.Queue.HasWork(); !more {
			return err
		}
	}
}

// shift is the time that a worker holds the lock. Its fields belong to the goroutine that runs
// work. Those who update, look around and tell run beside it and report by the channels; passing is
// the one lock that they share.
type shift struct {
	*Worker
	schedule    *worker.Schedule
	started     map[worker.Key]worker.Task // updates that run
	fails       map[string]Trouble         // hosts and logins, as others are told
	unpublished bool                       // that others could not be told

	ended   chan ended
	reached chan string // hosts that answered
	found   chan found
	looked  chan lookEnd // ends a look around
	told    chan worker.Key
	passing sync.Mutex // of marks for a whole repository

	// Repositories.
	entered   []string           // by hooks, to be visited
	listError string             // what is wrong with the list of those, and was told
	looking   bool               // into all that are known
	owed      map[string]bool    // that a look has left to a visit, as they were entered
	watched   map[string]watched // that something waits in
	broken    map[string]string  // that cannot be mirrored at all, and why
	gone      map[string]bool    // which was told

	// Remotes, for those who are to be told of them.
	telling map[worker.Key]bool // that somebody is being told of; true: there is more to tell
	unkept  map[worker.Key]bool // whose failure was told, and stands in no record
}

// ended is an update that has ended.
type ended struct {
	task   worker.Task
	end    worker.End
	update *endedUpdate // nil: there was no update
}

func newShift(w *Worker) *shift {
	return &shift{
		Worker: w, schedule: worker.New(w.Limits), ended: make(chan ended), reached: make(chan string), found: make(chan found),
		looked: make(chan lookEnd), owed: map[string]bool{}, telling: map[worker.Key]bool{}, told: make(chan worker.Key), unkept: map[worker.Key]bool{},
		started: map[worker.Key]worker.Task{}, watched: map[string]watched{}, broken: map[string]string{},
		gone: map[string]bool{}, fails: map[string]Trouble{},
	}
}

// work takes in what is due and starts updates, until nothing waits or ctx is done.
func (s *shift) work(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ticks := time.NewTicker(poll)
	defer ticks.Stop()
	s.publish() // that none fails yet: a worker that was killed has left what it told
	defer func() {
		clear(s.fails)
		s.publish()
	}()
	var looked, watched time.Time
	for ticked := false; ; {
		now := s.clock()
		s.takeWork()
		if !s.looking && now.Sub(looked) >= lookEvery {
			looked = now
			s.beginLook(ctx)
		}
		if now.Sub(watched) >= watchEvery {
			watched = now
			s.watch(ctx)
			if s.Replaced != nil && s.Replaced() {
				stop()
				return errors.Join(s.handBack(), ErrReplaced)
			}
		}
		s.forgive()
		s.start(ctx, found{})
		if s.schedule.HasRoom(s.clock()) || ticked {
			s.start(ctx, s.visitNext(ctx))
		}
		if s.UntilIdle && s.idle() {
			return nil
		}
		var more chan struct{} // ready if there is more to visit, and room for what is found
		if len(s.entered) > 0 && s.schedule.HasRoom(s.clock()) {
			more = make(chan struct{})
			close(more)
		}
		ticked = false
		select {
		case <-ctx.Done():
			return s.handBack()
		case e := <-s.ended:
			s.finish(ctx, e)
		case key := <-s.told:
			if s.telling[key] {
				s.entered = append(s.entered, key.Repository)
				if key.Remote == "" {
					delete(s.broken, key.Repository) // what is found there is news
				}
			}
			delete(s.telling, key)
		case host := <-s.reached:
			s.schedule.Reached(host, s.clock())
		case f := <-s.found:
			s.receive(ctx, f)
		case end := <-s.looked:
			s.endLook(ctx, end)
		case <-more:
		case <-ticks.C:
			ticked = true
		}
	}
}

// beginLook has all known repositories looked into, but for those that are about to be visited.
func (s *shift) beginLook(ctx context.Context) {
	s.looking = true
	for _, repository := range s.entered {
		s.owed[repository] = true
	}
	go s.lookAround(ctx, maps.Clone(s.owed))
}

// idle reports whether nothing waits, not even for another attempt, and nothing is under way.
func (s *shift) idle() bool {
	return !s.looking && s.schedule.Idle() && len(s.entered)+len(s.broken)+len(s.telling) == 0
}

// finish takes in the end of an update.
func (s *shift) finish(ctx context.Context, e ended) {
	delete(s.started, e.task.Key)
	s.schedule.Finish(e.task, e.end, s.clock())
	if name := e.end.Shared; name != "" {
		t := s.fails[name]
		if t.Attempts++; t.Since.IsZero() {
			t.Since = e.update.Record.StartedAt
		}
		t.Kind = e.update.Record.Kind
		s.fails[name] = t
		s.publish()
	}
	if e.update != nil {
		s.notifyIfDue(ctx, e.task.Key, *e.update)
	}
}

// publish tells others what hosts and logins fail.
func (s *shift) publish() {
	kinds := map[string]string{}
	for name, t := range s.fails {
		kinds[name] = string(t.Kind)
	}
	err := s.Queue.SetTroubles(kinds)
	if err != nil && !s.unpublished {
		s.Log.WithError(err).Error("telling what hosts fail")
	}
	s.unpublished = err != nil
}

// forgive tells others of hosts and logins that fail no more.
func (s *shift) forgive() {
	before := len(s.fails)
	maps.DeleteFunc(s.fails, func(name string, _ Trouble) bool { return !s.schedule.Fails(name) })
	if len(s.fails) < before || s.unpublished {
		s.publish()
	}
}

// start starts what may be started. What was found just now need not be looked for again.
func (s *shift) start(ctx context.Context, just found) {
	for _, task := range s.schedule.Start(s.clock()) {
		s.started[task.Key] = task
		var upstream *Upstream
		if slices.ContainsFunc(just.tasks, func(t worker.Task) bool { return t.Key == task.Key }) &&
			config.Changed(config.DefaultSources(s.Getenv, task.Repository)).Equal(just.changed) {
			upstream = just.upstream
		}
		shared := maps.Clone(s.fails)
		go func() { s.ended <- s.update(ctx, task, upstream, shared) }()
	}
}

// handBack waits for what runs, which has been told to end, and puts what waits back into
// the queue.
func (s *shift) handBack() error {
	var err error
	for _, task := range s.schedule.Waiting() {
		err = errors.Join(err, s.Queue.Add(task.Repository))
	}
	for _, repository := range s.entered {
		err = errors.Join(err, s.Queue.Add(repository))
	}
	for repository := range s.broken {
		err = errors.Join(err, s.Queue.Add(repository))
	}
	for len(s.started)+len(s.telling) > 0 || s.looking {
		select {
		case key := <-s.told:
			delete(s.telling, key)
		case e := <-s.ended:
			delete(s.started, e.task.Key)
			err = errors.Join(err, s.Queue.Add(e.task.Repository))
		case <-s.found:
		case <-s.looked:
			s.looking = false
		}
	}
	return err
}

// update runs the update of a task, with the configuration as it is by now; upstream is the
// repository if it was opened just now, else nil.
func (s *shift) update(ctx context.Context, task worker.Task, upstream *Upstream, shared map[string]Trouble) ended {
	if upstream == nil {
		var end worker.End
		if upstream, end = s.reopen(ctx, task); upstream == nil {
			return ended{task: task, end: end}
		}
	}
	remote, _ := upstream.remote(task.Remote)
	started := s.clock()
	u := upstream.Update(ctx, remote, Options{Shared: shared, InEpisode: s.Queue.InEpisode, Reached: func() {
		if task.Host == "" {
			return
		}
		select {
		case s.reached <- task.Host:
		case <-ctx.Done():
		}
	}})
	if u.Busy { // by a sync: whoever waited for it would keep others from their turn
		return ended{task: task, end: worker.End{Retry: s.clock().Add(busyPause), Unasked: true}}
	}
	s.logUpdate(task.Key, u, s.clock().Sub(started))
	r := u.Record
	return ended{task: task, update: &endedUpdate{u, upstream}, end: worker.End{
		Done: r.NextAttemptAt.IsZero(), Retry: r.NextAttemptAt.Time, Earliest: afterInterval(u.Remote, r.StartedAt.Time),
		Failed: r.Unreached, Unasked: !u.Asked,
		Shared: u.Shared, SharedRetry: earlier(r.NextAttemptAt.Time, s.clock().Add(backOffMax)),
	}}
}

// reopen opens the repository of a task that was found a while ago. Without an upstream there is
// nothing to update any more, and the task has that end.
func (s *shift) reopen(ctx context.Context, task worker.Task) (*Upstream, worker.End) {
	upstream, err := s.open(ctx, task.Repository)
	if notOurs(err) {
		return nil, nothingToDo
	}
	if err != nil {
		s.logOf(task.Key).WithError(err).Error("the repository cannot be mirrored")
		return nil, s.requeue(task.Repository)
	}
	remote, ok := upstream.remote(task.Remote)
	if !ok || !remote.Enabled {
		return nil, s.requeue(task.Repository) // for what took its place, if anything
	}
	if _, due, err := upstream.due(ctx, remote, true); err == nil && !due {
		return nil, nothingToDo // it was dealt with since it was found
	}
	return upstream, worker.End{}
}

// nothingToDo ends a task without an update.
var nothingToDo = worker.End{Done: true, Unasked: true}

// requeue has a repository visited again that is not as it was when a task of it was found, and
// ends that task.
func (s *shift) requeue(repository string) worker.End {
	if err := s.Queue.Add(repository); err != nil {
		s.Log.WithField("repository", repository).WithError(err).Error("looking again")
		return worker.End{Retry: s.clock().Add(time.Minute), Unasked: true}
	}
	return nothingToDo
}

// logOf is the log, for what concerns a remote.
func (s *shift) logOf(key worker.Key) *logrus.Entry {
	return s.Log.WithFields(logrus.Fields{"repository": key.Repository, "remote": key.Remote})
}

// logUpdate logs how an update ended that took so long.
func (s *shift) logUpdate(key worker.Key, u Update, took time.Duration) {
	r := u.Record
	log := s.logOf(key).WithFields(logrus.Fields{
		"status": r.Status, "refs": sent(u.Steps), "duration": took.Round(time.Millisecond).String(),
	})
	if r.Status == state.Finished {
		log.Info("updated")
	} else {
		log.WithField("kind", r.Kind).Warn(r.Error)
	}
	if u.Event != EventNone {
		log.WithField("event", u.Event).Warn(cmp.Or(r.Error, "all is well again"))
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sent(steps []*plan.Step) (n int) {
	for _, s := range steps {
		if s.Sent() {
			n++
		}
	}
	return n
}
