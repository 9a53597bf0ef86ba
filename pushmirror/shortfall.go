package pushmirror

import (
	"context"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// shortfall is what the mirror lacks.
type shortfall struct {
	pending []git.RefName // the refs that it is not known to hold and that the last update said nothing about
	values  []git.OID     // of these here, and of those that the last update did speak of
	seen    *state.Seen   // nil if nothing is known of the mirror, or all is known to be there
}

// shortfall compares the refs here with those last seen on the mirror.
func (u *Upstream) shortfall(ctx context.Context, remote config.Remote, dir *state.Dir, r state.Record) (shortfall, error) {
	s := shortfall{pending: []git.RefName{}}
	if r.Settled != "" && r.Settled == u.settled(remote, dir, u.repo.Fingerprint()) {
		return s, nil
	}
	in := plan.Input{Remote: remote}
	var err error
	if s.seen, err = dir.Seen(remote.URL.Identity()); err != nil {
		return s, err
	}
	if s.seen != nil {
		in.Mirror = s.seen.Mirror
	}
	if u.Mended(remote, r) {
		in.Mirror.Left = nil // which an older configuration says
	}
	if in.Upstream, in.Default, err = u.repo.Refs(ctx, in.Mirror.Refs); err != nil {
		return s, err
	}
	outside, err := u.outside(ctx, in)
	if err != nil {
		return s, err
	}
	told := map[git.RefName]git.OID{}
	for _, d := range r.Divergent {
		told[d.Name] = d.New
	}
	for _, refusal := range r.Rejected {
		told[refusal.Name] = refusal.New
	}
	for _, name := range in.Pending(outside) {
		here, _ := in.Upstream.Get(name)
		if value, ok := told[name]; !ok || value != here.OID {
			s.pending = append(s.pending, name)
		}
		if here.OID != "" { // not to be deleted there
			s.values = append(s.values, here.OID)
		}
	}
	return s, nil
}

// countLimit is how long the commits may take to count: it is for people, who can do without.
const countLimit = 10 * time.Second

// commits counts those that the mirror lacks; nil when that cannot be told, or not in time.
func (u *Upstream) commits(ctx context.Context, s shortfall) *int {
	switch {
	case len(s.values) == 0:
		return new(int)
	case s.seen == nil:
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, countLimit)
	defer cancel()
	has := make([]git.OID, 0, len(s.seen.Mirror.Refs))
	for _, ref := range s.seen.Mirror.Refs {
		has = append(has, ref.OID)
	}
	n, err := u.repo.CountCommits(ctx, s.values, has)
	if err != nil {
		return nil
	}
	return &n
}
