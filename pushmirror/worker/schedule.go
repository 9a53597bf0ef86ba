package worker

import (
	"cmp"
	"slices"
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
	// Host is what the remote shares with others that fail along with it: a host and the
	// credential used there. Empty for a path on this machine.
	Host string
	// Since is when the oldest of its work came up.
	Since time.Time
	// NotBefore is when it may be started.
	NotBefore time.Time
	// Failing: the last update did not succeed.
	Failing bool
}

// Limits bound what runs at once.
type Limits struct {
	Concurrent int // updates
	PerHost    int // updates on one host
}

// End is how an update ended.
type End struct {
	// Done: nothing is left to be tried.
	Done bool
	// Retry is when to try again, unless Done.
	Retry time.Time
	// HostFailed: it failed for a reason that all remotes of the host share.
	HostFailed bool
	// Failed: it did not succeed, for whatever reason.
	Failed bool
}

// Schedule holds the tasks that wait and those that run.
type Schedule struct {
	limits  Limits
	waiting map[Key]Task
	running map[Key]Task
	again   map[Key]bool // running, and due once more
	hosts   map[string]*host
}

// host is what is known of a host.
type host struct {
	proven bool      // it was reached since it last failed
	retry  time.Time // when it may be probed
	active int       // updates that run
}

// New makes an empty schedule.
func New(limits Limits) *Schedule {
	return &Schedule{
		limits: limits, waiting: map[Key]Task{}, running: map[Key]Task{}, again: map[Key]bool{}, hosts: map[string]*host{},
	}
}

// Add makes a task due, or due once more after the update that runs. A task that waits
// already keeps its place and takes the earlier of the two times.
func (s *Schedule) Add(t Task) {
	if _, ok := s.running[t.Key]; ok {
		s.again[t.Key] = true
		return
	}
	if old, ok := s.waiting[t.Key]; ok {
		if old.Since.Before(t.Since) {
			t.Since = old.Since
		}
		if old.NotBefore.Before(t.NotBefore) {
			t.NotBefore = old.NotBefore
		}
	}
	s.waiting[t.Key] = t
}

// Remove drops the waiting tasks of a repository that is gone.
func (s *Schedule) Remove(repository string) {
	for key := range s.waiting {
		if key.Repository == repository {
			delete(s.waiting, key)
		}
	}
}

// Start gives the tasks to start now; they count as running.
func (s *Schedule) Start(now time.Time) []Task {
	var ready []Task
	for _, t := range s.waiting {
		if !s.startOf(t).After(now) {
			ready = append(ready, t)
		}
	}
	slices.SortFunc(ready, func(a, b Task) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Remote, b.Remote))
	})
	failing := 0
	for _, t := range s.running {
		if t.Failing {
			failing++
		}
	}
	var started []Task
	for _, t := range ready {
		if len(s.running) >= s.limits.Concurrent {
			break
		}
		if (t.Failing && failing >= max(1, s.limits.Concurrent/2)) || !s.admits(t) {
			continue
		}
		if t.Failing {
			failing++
		}
		delete(s.waiting, t.Key)
		s.running[t.Key] = t
		if t.Host != "" {
			s.host(t.Host).active++
		}
		started = append(started, t)
	}
	return started
}

// startOf is when a task may start: where its host failed, when that may be probed.
func (s *Schedule) startOf(t Task) time.Time {
	if h, ok := s.hosts[t.Host]; ok && t.Host != "" && !h.proven && !h.retry.IsZero() {
		return h.retry
	}
	return t.NotBefore
}

// admits reports whether the task's host has room for it.
func (s *Schedule) admits(t Task) bool {
	if t.Host == "" {
		return true
	}
	h := s.host(t.Host)
	if !h.proven {
		return h.active == 0
	}
	return h.active < s.limits.PerHost
}

func (s *Schedule) host(name string) *host {
	h, ok := s.hosts[name]
	if !ok {
		h = &host{}
		s.hosts[name] = h
	}
	return h
}

// Finish says how a task that was started has ended.
func (s *Schedule) Finish(t Task, end End) {
	delete(s.running, t.Key)
	if t.Host != "" {
		s.settle(t.Host, end)
	}
	t.Failing = end.Failed
	switch {
	case s.again[t.Key]:
		delete(s.again, t.Key)
		t.NotBefore = time.Time{}
		if end.Failed {
			t.NotBefore = end.Retry
		}
		s.waiting[t.Key] = t
	case !end.Done:
		t.NotBefore = end.Retry
		s.waiting[t.Key] = t
	}
}

// settle notes what the end of an update says about its host. One that was reached again
// makes all that wait for it due.
func (s *Schedule) settle(name string, end End) {
	h := s.host(name)
	h.active--
	switch {
	case end.HostFailed:
		h.proven, h.retry = false, end.Retry
	case !h.proven:
		h.proven = true
		if h.retry.IsZero() {
			return
		}
		h.retry = time.Time{}
		for key, t := range s.waiting {
			if t.Host == name {
				t.NotBefore = time.Time{}
				s.waiting[key] = t
			}
		}
	}
}

// Hurry makes the waiting tasks of a repository due now, as does a host that they wait
// for: what was in the way may have been mended.
func (s *Schedule) Hurry(repository string) {
	for key, t := range s.waiting {
		if key.Repository != repository {
			continue
		}
		t.NotBefore = time.Time{}
		s.waiting[key] = t
		if h, ok := s.hosts[t.Host]; ok && !h.proven {
			h.retry = time.Time{}
		}
	}
}

// Waiting gives the tasks that wait.
func (s *Schedule) Waiting() []Task {
	tasks := make([]Task, 0, len(s.waiting))
	for _, t := range s.waiting {
		tasks = append(tasks, t)
	}
	return tasks
}

// Idle reports whether nothing waits and nothing runs.
func (s *Schedule) Idle() bool { return len(s.waiting) == 0 && len(s.running) == 0 }

// Running is the number of updates that run.
func (s *Schedule) Running() int { return len(s.running) }
