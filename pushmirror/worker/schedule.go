package worker

import (
	"cmp"
	"time"
)

// Key names a remote of a repository.
type Key struct {
	Repository string // GIT_DIR, absolute
	Remote     string
}

// Task is a remote that is due.
type Task struct {
	Key
	// Host names the remote's host, whose failure is that of all remotes there; Login names the host
	// and the credential, and equals Host if none is configured. Both are empty for a path on this
	// machine.
	Host, Login string
	// Since is when its oldest work came up: the order in which tasks start.
	Since time.Time
	// NotBefore is when it may be tried again; a host that is back, or Hurry, lifts that. Earliest is
	// when it may be started at all.
	NotBefore, Earliest time.Time
	// Failing: the last update did not succeed.
	Failing bool
	// Blamed is the Host or Login because of which the last update failed, perhaps another worker's;
	// empty if none. Once it is back, NotBefore no longer counts. Failed is when that update ended.
	Blamed string
	Failed time.Time
	// Succeeded is when the last update ended, if it succeeded; else zero.
	Succeeded time.Time

	started time.Time
	reruns  int       // how many updates in a row were out of date at their end
	rest    time.Time // until when a mirror that is kept busy is left alone
	hurried bool      // due as soon as the update that runs has ended, however it ends
}

// Limits bound what runs at once.
type Limits struct {
	Concurrent int // updates in their first half minute; in all, up to four times as many
	PerHost    int // updates on one host
}

// An update that takes long, because it has much to send or its mirror hangs, makes room for
// another: a few of them would keep all others waiting for hours. crowd bounds how many run in all,
// as a multiple of Limits.Concurrent.
const (
	long  = 30 * time.Second
	crowd = 4
)

// skew is how far a clock may be set back without a time that lies ahead being taken for wrong.
const skew = time.Minute

// End is how an update ended.
type End struct {
	// Done: nothing is left to be tried.
	Done bool
	// Retry is when to try again, unless Done, and Earliest when the next one may be started at
	// all.
	Retry, Earliest time.Time
	// Shared is the task's Host or Login if that is why the update failed, so that all others who
	// need it would fail too; else empty. SharedRetry is when one of them may try again.
	Shared      string
	SharedRetry time.Time
	// Failed: it did not succeed, for whatever reason.
	Failed bool
	// Unasked: the mirror was not asked for anything, so nothing is known of its host.
	Unasked bool
}

// Schedule holds the tasks that wait and those that run.
type Schedule struct {
	limits  Limits
	waiting map[Key]*Task
	running map[Key]Task
	again   map[Key]Task     // running, and due once more
	hosts   map[string]*host // and logins
}

// New makes an empty schedule.
func New(limits Limits) *Schedule {
	return &Schedule{
		limits: limits, waiting: map[Key]*Task{}, running: map[Key]Task{}, again: map[Key]Task{}, hosts: map[string]*host{},
	}
}

// Add makes a task due, or due once more after the update that runs. A task that waits
// already keeps its place and takes the earlier of the two times.
func (s *Schedule) Add(t Task) {
	if _, ok := s.running[t.Key]; ok {
		t.hurried = s.again[t.Key].hurried
		s.again[t.Key] = t
		return
	}
	if old, ok := s.waiting[t.Key]; ok {
		if old.Since.Before(t.Since) {
			t.Since = old.Since
		}
		if old.NotBefore.Before(t.NotBefore) {
			t.NotBefore = old.NotBefore
		}
		t.reruns, t.rest = old.reruns, old.rest
	}
	if s.released(&t) {
		t.NotBefore = time.Time{}
	}
	s.waiting[t.Key] = &t
}

// Remove drops the waiting tasks of a repository that is gone.
func (s *Schedule) Remove(repository string) {
	for key := range s.waiting {
		if key.Repository == repository {
			delete(s.waiting, key)
		}
	}
}

// Start returns the tasks to start now, the oldest first; from then on they count as running.
func (s *Schedule) Start(now time.Time) (started []Task) {
	failing, doubtful := 0, 0
	count := func(t *Task) {
		if t.Failing {
			failing++
		}
		if s.doubtful(t) {
			doubtful++
		}
	}
	for _, t := range s.running {
		count(&t)
	}
	for s.HasRoom(now) {
		t := s.first(func(t *Task) bool {
			return !s.startOf(t, now).After(now) && s.admits(t) &&
				!(t.Failing && failing >= max(1, s.limits.Concurrent/2)) &&
				!(s.doubtful(t) && doubtful >= max(1, s.limits.Concurrent-1))
		})
		if t == nil {
			break
		}
		count(t)
		delete(s.waiting, t.Key)
		t.started = now
		s.running[t.Key] = *t
		for _, name := range t.shares() {
			s.host(name).active++
		}
		started = append(started, *t)
	}
	return started
}

// HasRoom reports whether Concurrent and crowd leave room for another task.
func (s *Schedule) HasRoom(now time.Time) bool {
	short := 0
	for _, t := range s.running {
		if now.Sub(t.started) < long {
			short++
		}
	}
	return short < s.limits.Concurrent && len(s.running) < crowd*s.limits.Concurrent
}

// first is the oldest of the waiting tasks that may start; nil if none may.
func (s *Schedule) first(may func(*Task) bool) (first *Task) {
	for _, t := range s.waiting {
		if (first == nil || t.before(first)) && may(t) {
			first = t
		}
	}
	return first
}

// before tells which of two tasks goes first.
func (t *Task) before(other *Task) bool {
	return cmp.Or(t.Since.Compare(other.Since), cmp.Compare(t.Repository, other.Repository), cmp.Compare(t.Remote, other.Remote)) < 0
}

// shares are the host and the login of a task.
func (t *Task) shares() []string {
	switch {
	case t.Host == "":
		return nil
	case t.Login == "" || t.Login == t.Host:
		return []string{t.Host}
	}
	return []string{t.Host, t.Login}
}

// doubtful reports whether a task may hold its place for long without an answer. The last place is
// kept for tasks that are not.
func (s *Schedule) doubtful(t *Task) bool {
	return t.Failing || (t.Host != "" && !s.host(t.Host).proven)
}

// startOf is when a task may start. If its host or login failed, that is when it may be probed, or
// now if the clock was set back since it failed.
func (s *Schedule) startOf(t *Task, now time.Time) time.Time {
	start := t.NotBefore
	var probe time.Time
	for _, name := range t.shares() {
		if h := s.host(name); h.retry.After(probe) {
			probe = h.retry
			if h.failed.After(now.Add(skew)) {
				probe = now
			}
		}
	}
	if !probe.IsZero() {
		start = probe
	}
	for _, earliest := range []time.Time{t.Earliest, t.rest} {
		if earliest.After(start) {
			start = earliest
		}
	}
	return start
}

// admits reports whether the task's host has room for it. A host that has not answered yet, and a
// login that failed, have room for one task.
func (s *Schedule) admits(t *Task) bool {
	if t.Host == "" {
		return true
	}
	if l := s.host(t.Login); !l.retry.IsZero() && l.active > 0 {
		return false
	}
	h := s.host(t.Host)
	if !h.proven {
		return h.active == 0
	}
	return h.active < s.limits.PerHost
}

// A mirror that is out of date again at the end of each update, because pushes keep coming, rests
// for restShare times as long as the last update took, but at most maxRest: so pushes are delivered
// together, and still within the 5 seconds of DESIGN.md's fifth promise.
const (
	restShare = 4
	maxRest   = 4 * time.Second
)

// Finish notes how and when a task that was started has ended.
func (s *Schedule) Finish(t Task, end End, now time.Time) {
	last := s.running[t.Key]
	delete(s.running, t.Key)
	s.noteEnd(t, end, now)
	again, dueAgain := s.again[t.Key]
	delete(s.again, t.Key)
	switch {
	case dueAgain:
		t = again
		if t.reruns = last.reruns + 1; t.reruns > 1 {
			t.rest = now.Add(min(maxRest, restShare*now.Sub(last.started)))
		}
	case end.Done:
		return
	}
	t.Failing, t.Blamed = end.Failed, "" // the hosts tell from now on
	if end.Earliest.After(t.Earliest) {
		t.Earliest = end.Earliest
	}
	if end.Failed || !dueAgain {
		t.NotBefore = end.Retry
	}
	if end.Shared != "" {
		t.Since = end.SharedRetry // another one is the next to probe
	}
	if t.hurried {
		t.hurried, t.NotBefore = false, time.Time{}
		s.probe(&t, now)
	}
	s.waiting[t.Key] = &t
}

// Hurry makes the waiting tasks of a repository due now, and lets the hosts that they wait for be
// probed now: what was in the way may have been mended. For tasks that are due once more it does so
// when the update that runs has ended.
func (s *Schedule) Hurry(repository string, now time.Time) {
	for key, t := range s.waiting {
		if key.Repository == repository {
			t.NotBefore = time.Time{}
			s.probe(t, now)
		}
	}
	for key, t := range s.again {
		if key.Repository == repository {
			t.hurried = true
			s.again[key] = t
		}
	}
}

// Waiting returns the tasks that wait, in no order.
func (s *Schedule) Waiting() []Task {
	tasks := make([]Task, 0, len(s.waiting))
	for _, t := range s.waiting {
		tasks = append(tasks, *t)
	}
	return tasks
}

// Idle reports whether nothing waits and nothing runs.
func (s *Schedule) Idle() bool { return len(s.waiting) == 0 && len(s.running) == 0 }
