package pushmirror

import (
	"context"
	"fmt"
	"slices"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// Status is how a remote stands: its configuration, how the last update ended, and
// what upstream has that the mirror is not known to hold. As JSON it has the names of
// GitLab's remote mirrors API where that has one. Lists are never null.
type Status struct {
	Repository string       `json:"repository"` // GIT_DIR, absolute
	Name       string       `json:"name"`
	URL        string       `json:"url"` // masked
	Enabled    bool         `json:"enabled"`
	AuthMethod string       `json:"auth_method"` // password, ssh_public_key or none
	Status     state.Status `json:"update_status"`
	Kind       *git.Kind    `json:"error_kind"`

	StartedAt     state.Time `json:"last_update_started_at"`
	UpdatedAt     state.Time `json:"last_update_at"`
	SucceededAt   state.Time `json:"last_successful_update_at"`
	Error         *string    `json:"last_error"`
	Hint          *string    `json:"hint"`
	FailingSince  state.Time `json:"failing_since"`
	PendingSince  state.Time `json:"pending_since"`
	Attempts      int        `json:"attempts"`
	NextAttemptAt state.Time `json:"next_attempt_at"`

	OnlyProtectedBranches bool     `json:"only_protected_branches"`
	KeepDivergentRefs     bool     `json:"keep_divergent_refs"`
	MirrorBranchRegex     *string  `json:"mirror_branch_regex"`
	HostKeys              []string `json:"host_keys"`
	config.Shown

	LFSObjects int   `json:"lfs_objects"` // that the last update brought, or found there
	LFSBytes   int64 `json:"lfs_bytes"`

	Divergent []git.RefName `json:"divergent_refs"`
	Rejected  []Rejection   `json:"rejected_refs"`
	Pending   []git.RefName `json:"pending_refs"`
	// Commits is how many commits the refs in the three lists lead to here and none that was
	// last seen on the mirror does; nil if that is not known.
	Commits *int `json:"commits_behind"`
}

// Rejection is a ref that the mirror refuses, and why.
type Rejection struct {
	Name   git.RefName `json:"ref"`
	Reason string      `json:"reason"`
}

// young is the age up to which work is not a matter of concern.
const young = 5 * time.Minute

// OK reports whether nobody needs to look: the mirror is up to date, or what it lacks
// is younger than five minutes, or the remote is switched off.
func (s Status) OK(now time.Time) bool {
	switch {
	case !s.Enabled:
		return true
	case s.Status == state.Failed || s.Status == state.ToRetry || s.Error != nil: // while it is tried again, too
		return false
	}
	return len(s.Pending) == 0 || now.Sub(s.PendingSince.Time) < young
}

// Behind is how many refs the mirror lacks or holds another value of. One that diverged may
// have changed here since, and is pending as well.
func (s Status) Behind() int {
	names := map[git.RefName]bool{}
	for _, name := range slices.Concat(s.Pending, s.Divergent) {
		names[name] = true
	}
	for _, refusal := range s.Rejected {
		names[refusal.Name] = true
	}
	return len(names)
}

// BehindSince is since when the mirror is not as it should be; never, when it is.
func (s Status) BehindSince() state.Time {
	since := s.PendingSince
	if len(s.Pending) == 0 {
		since = state.Time{}
	}
	if len(s.Divergent)+len(s.Rejected) > 0 && (since.IsZero() || s.FailingSince.Before(since.Time)) {
		since = s.FailingSince
	}
	return since
}

// Status tells how a remote stands, without asking the mirror. One whose state cannot
// be read has failed.
func (u *Upstream) Status(ctx context.Context, remote config.Remote) Status {
	record, err := u.Record(remote)
	if err != nil {
		return u.unreadable(remote, err)
	}
	return u.StatusAfter(ctx, Update{Remote: remote, Record: record})
}

// Record tells how the last update of a remote ended.
func (u *Upstream) Record(remote config.Remote) (state.Record, error) {
	dir, err := state.Of(u.Dir(), remote.Name)
	if err != nil {
		return state.Record{}, err
	}
	record, err := dir.Record()
	record = record.AsOf(u.clock())
	if record.URL != remote.URL.Identity() {
		record = state.Record{Status: state.None}
	}
	return record, err
}

// RecordID tells the records of a remote apart: each has another one. It reads none, as one that
// lists many refs is large. Without a record it is empty.
func (u *Upstream) RecordID(remote config.Remote) string {
	dir, err := state.Of(u.Dir(), remote.Name)
	if err != nil {
		return ""
	}
	return dir.RecordID()
}

// Forget takes off what a repository keeps of a remote that is configured no more, but for its
// log, and tells whether it has one. While an update of it runs, nothing is forgotten.
func Forget(repository, remote string) (logged bool, err error) {
	dir, err := state.Of(repository, remote)
	if err != nil {
		return false, err
	}
	if err := dir.Forget(); err != nil {
		return false, fmt.Errorf("forgetting the state of %s: %w", remote, err)
	}
	entries, err := dir.Log()
	return len(entries) > 0, err
}

// StatusAfter is the status once an update has ended, also when its record could not
// be kept.
func (u *Upstream) StatusAfter(ctx context.Context, update Update) Status {
	s, err := u.status(ctx, update.Remote, update.Record)
	switch {
	case err == nil:
		return s
	case update.Record.Error != "":
		return statusOf(u.Dir(), update.Remote, update.Record)
	}
	return u.unreadable(update.Remote, err)
}

// Unusable is the status of a repository, one of many, that cannot be opened or whose
// configuration is wrong: one row without a remote.
func Unusable(dir string, err error) Status {
	return statusOf(dir, config.Remote{Enabled: true}, state.Record{
		Status: state.Failed, Kind: state.KindConfig, Error: err.Error(), Hint: HintOf(err),
	})
}

func (u *Upstream) unreadable(remote config.Remote, err error) Status {
	return statusOf(u.Dir(), remote, state.Record{Status: state.Failed, Kind: git.KindLocal, Error: err.Error(), Hint: HintOf(err)})
}

func (u *Upstream) status(ctx context.Context, remote config.Remote, record state.Record) (Status, error) {
	s := statusOf(u.Dir(), remote, record)
	dir, err := state.Of(u.Dir(), remote.Name)
	if err != nil {
		return s, err
	}
	if running, err := dir.Running(); err != nil {
		return s, err
	} else if running.After(record.StartedAt.Time) {
		s.Status, s.StartedAt = state.Started, running
	}
	if !remote.Enabled {
		return s, nil
	}
	lacks, err := u.shortfall(ctx, remote, dir, record)
	if err != nil {
		return s, err
	}
	s.Pending, s.Commits = lacks.pending, u.commits(ctx, lacks)
	if err := u.waiting(&s, remote, dir, record); err != nil {
		return s, err
	}
	again := !s.NextAttemptAt.IsZero()
	switch {
	case s.Status == state.Started:
	case (len(s.Pending) > 0 || again) && u.unknown():
		s.add("no worker knows this repository, as after a move", "git push-mirror sync "+s.Name)
	case again && u.clock().Sub(earlier(record.UpdatedAt.Time, s.NextAttemptAt.Time)) > young && !u.attended() && !u.elsewhere():
		// Whenever that is: a worker that is to try again stays until then.
		o := u.unattended(remote)
		s.add(o.trouble, o.hint)
	}
	return s, nil
}

// waiting tells since when refs have been waiting, and what for.
func (u *Upstream) waiting(s *Status, remote config.Remote, dir *state.Dir, record state.Record) error {
	if len(s.Pending) == 0 {
		s.PendingSince = state.Time{}
		return nil
	}
	since, marked, err := dir.Marked()
	if err != nil {
		return err
	}
	if since.After(u.clock().Add(state.Skew)) {
		since = u.noticed(record)
	}
	switch {
	case !s.PendingSince.IsZero():
	case marked:
		s.PendingSince = since
	default:
		s.PendingSince = u.noticed(record)
	}
	if s.Status == state.Finished || s.Status == state.None && (marked || !record.UpdatedAt.IsZero()) {
		s.Status = state.Scheduled
		if o := u.heldUp(remote, s.PendingSince); o.trouble != "" {
			s.Status, s.Kind, s.Error, s.Hint = o.status, &o.kind, &o.trouble, &o.hint
		}
	}
	return nil
}

// add adds why no worker will bring what waits, or try again.
func (s *Status) add(text, hint string) {
	if s.Kind == nil {
		s.Kind = optional(git.KindLocal)
	}
	if s.Error != nil {
		text = *s.Error + "; " + text
	}
	if s.Hint != nil {
		hint = *s.Hint + "; then: " + hint
	}
	s.Error, s.Hint = &text, &hint
}

// noticed is since when, at most, refs have been waiting that no update knows of: the
// last update, or else the configuration.
func (u *Upstream) noticed(record state.Record) state.Time {
	switch {
	case record.UpdatedAt.IsZero():
		return state.At(u.config.Modified)
	case record.Kind == state.KindPruneLimit: // which it leaves pending
		return record.FailingSince
	}
	return record.UpdatedAt
}

// statusOf tells what the configuration and a record say.
func statusOf(repository string, remote config.Remote, r state.Record) Status {
	s := Status{
		Repository: repository, Name: remote.Name, URL: remote.URL.String(), Enabled: remote.Enabled,
		AuthMethod: "none", Status: r.Status, Kind: optional(r.Kind), StartedAt: r.StartedAt, UpdatedAt: r.UpdatedAt,
		SucceededAt: r.SucceededAt, Error: optional(r.Error), Hint: optional(r.Hint), FailingSince: r.FailingSince,
		PendingSince: r.PendingSince, Attempts: r.Attempts, NextAttemptAt: r.NextAttemptAt, OnlyProtectedBranches: remote.OnlyProtectedBranches,
		KeepDivergentRefs: remote.KeepDivergentRefs, MirrorBranchRegex: optional(remote.MirrorBranchRegex),
		LFSObjects: r.LFSObjects, LFSBytes: r.LFSBytes,
		HostKeys: []string{}, Shown: remote.Shown(), Divergent: []git.RefName{}, Rejected: []Rejection{}, Pending: []git.RefName{},
	}
	switch {
	case remote.URL.Scheme() == "ssh":
		s.AuthMethod = "ssh_public_key"
	case remote.Login.HasPassword():
		s.AuthMethod = "password"
	}
	s.HostKeys = append(s.HostKeys, remote.HostKeys...)
	for _, d := range r.Divergent {
		s.Divergent = append(s.Divergent, d.Name)
	}
	for _, refusal := range r.Rejected {
		s.Rejected = append(s.Rejected, Rejection{Name: refusal.Name, Reason: refusal.Reason})
	}
	return s
}

// optional is nil for the zero value: null in JSON.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
