package worker

import (
	"slices"
	"time"
)

// host is what is known of a host, or of a login there.
type host struct {
	proven bool      // it answered, and did not fail since
	retry  time.Time // when one that failed may be probed; zero: it did not fail
	failed time.Time // when it last did
	// answered is when it last answered an update, of this process or another, as far as is known.
	answered time.Time
	active   int // updates that run
}

func (s *Schedule) host(name string) *host {
	h, ok := s.hosts[name]
	if !ok {
		h = &host{}
		s.hosts[name] = h
	}
	return h
}

// noteEnd notes what the end of an update says about its host and login.
func (s *Schedule) noteEnd(t Task, end End, now time.Time) {
	for _, name := range t.shares() {
		h := s.host(name)
		h.active--
		switch {
		case end.Unasked:
		case end.Shared == name:
			h.proven, h.retry, h.failed = false, end.SharedRetry, now
		case name == t.Login && end.Shared == t.Host:
			// Nobody has looked at it.
		default:
			s.Reached(name, now)
		}
	}
}

// Reached notes when a host answered an update, which may still run for long, or a login was
// accepted. If the host or login had failed, all tasks that need it become due.
func (s *Schedule) Reached(name string, at time.Time) {
	h := s.host(name)
	if at.After(h.answered) {
		h.answered = at
	}
	failed := !h.retry.IsZero()
	h.proven, h.retry = true, time.Time{}
	s.release(name)
	if !failed {
		return
	}
	for _, t := range s.waiting {
		if slices.Contains(t.shares(), name) {
			t.NotBefore = time.Time{}
		}
	}
}

// release makes the tasks due that failed, under another worker, because of a host or login and
// before it last answered. An answer from before their failure is no reason to try them at once.
func (s *Schedule) release(name string) {
	for _, t := range s.waiting {
		if t.Blamed == name && s.released(t) {
			t.NotBefore = time.Time{}
		}
	}
}

// released reports whether what a task failed for has answered since.
func (s *Schedule) released(t *Task) bool {
	return s.host(t.Blamed).answered.After(t.Failed)
}

// Fails reports whether a host, or a login there, has failed and not answered since.
func (s *Schedule) Fails(name string) bool {
	return !s.host(name).retry.IsZero()
}

// NoteSuccess notes when a task, due or not, last succeeded: an update of another process, such as
// a sync, may have shown that a host or login that failed is back.
func (s *Schedule) NoteSuccess(t Task, now time.Time) {
	for _, name := range t.shares() {
		h := s.host(name)
		if t.Succeeded.After(h.answered) && !t.Succeeded.After(now.Add(skew)) {
			h.answered = t.Succeeded
			s.release(name)
		}
		if !h.retry.IsZero() && (t.Succeeded.After(h.failed) || !t.Succeeded.IsZero() && h.failed.After(now.Add(skew))) {
			at := t.Succeeded
			if at.After(now) {
				at = now
			}
			s.Reached(name, at)
		}
	}
}

// probe lets a task's host and login be probed now, if they failed.
func (s *Schedule) probe(t *Task, now time.Time) {
	for _, name := range t.shares() {
		if h := s.host(name); h.retry.After(now) {
			h.retry = now
		}
	}
}
