package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/lfs"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// Options say how an update is to go.
type Options struct {
	// Fresh has the mirror listed and refused refs tried again, whatever is known.
	Fresh bool
	// DryRun plans and changes nothing, neither on the mirror nor here.
	DryRun bool
	// Overwrite names refs that are to be replaced although they diverged, if the
	// mirror still holds what the status shows.
	Overwrite []git.RefName
	// PruneAnyway lifts prune_limit.
	PruneAnyway bool
	// Progress gets what git writes for people while it pushes; nil: nobody looks.
	Progress io.Writer
	// Reached is called when the mirror has answered, which may be long before the end.
	Reached func()
	// Shared tells of hosts, and logins there, that fail for others as well.
	Shared map[string]Trouble
	// InEpisode reports whether the failure of a host, or of a login there, was told and has not
	// ended; nil: all that were told have not.
	InEpisode func(name string) bool
	// Waiting is called when another update of the remote runs and has to end first; nil: it is not
	// waited for, and the update is Busy.
	Waiting func()
}

// Trouble is a host, or a login there, that fails whatever is to be brought there.
type Trouble struct {
	Kind     git.Kind
	Since    state.Time // when the first update that failed began
	Attempts int        // that failed
}

// Update is one attempt to bring one remote up to date.
type Update struct {
	Repository string // GIT_DIR, absolute
	Remote     config.Remote
	// Steps tell what happened to refs, by name: those that were pushed and those
	// that were not since they diverged or were refused. In a dry run, what would
	// happen.
	Steps []*plan.Step
	// Record is how the update ended.
	Record state.Record
	// Shared is the host, or the login there, if it failed for a reason that all who have it
	// share; else empty.
	Shared string
	// Asked: the mirror was asked for something, so how the update ended says something of its
	// host.
	Asked bool
	// Event is what somebody has to be told of, once for each episode.
	Event Event
	// Unkept: the record could not be written, so the next status does not tell of this update.
	Unkept bool
	// Busy: another update of the remote runs, so none was made, and there is no record of it.
	Busy bool
}

// answerTimeout is how long a mirror's host may take to send its first byte.
const answerTimeout = 15 * time.Second

// attempt is an update under way.
type attempt struct {
	access
	Options
	url     string // without user and password: what the state is kept for
	started state.Time
	dir     *state.Dir

	// What was known before.
	before        state.Record // how the last update ended
	verifies      bool         // the last listing is older than verify_every
	noPushOptions bool         // the mirror takes none
	pushers       pushers

	// What look finds.
	lists       bool                 // it is to list the mirror: what was last seen is not enough
	upstream    git.Refs             // nil again once the rounds are over
	empty       bool                 // upstream has no refs
	head        git.RefName          // upstream's default branch
	broken      *git.UnreadableError // what else upstream has
	fingerprint string               // upstream's, just before it was read; "" when that cannot be told
	seen        *state.Seen          // what the mirror holds; nil: it has to be listed

	plan  plan.Plan // the last one
	large largeFiles

	// What pushes come to.
	asked      bool                       // the mirror was
	done       []*plan.Step               // pushed and accepted, in that order
	refused    map[git.RefName]*plan.Step // pushed and refused
	unanswered map[git.RefName]git.OID    // pushed, and what became of it is not known
	refusing   bool                       // the mirror has refused a ref
	said       string                     // by the mirror, of what it refused
	failedFor  string                     // the host or login that failed
	loginless  bool                       // the password or key cannot be used
	unlogged   error                      // what kept the log from telling of a push

	// What has changed on the mirror since it was compared.
	moved     int                  // how many refs, in this round
	changed   []change             // those of them that were not pushed
	unchanged map[git.RefName]bool // those changed in the round before that a fresh listing shows as they were
	anew      bool                 // all: it has turned out to be a new mirror
}

// Update brings one remote up to date. It never fails to say how it ended: trouble
// of any kind stands in the record that it returns.
func (u *Upstream) Update(ctx context.Context, remote config.Remote, opt Options) Update {
	a := &attempt{
		access: access{Upstream: u, remote: remote}, Options: opt, url: remote.URL.Identity(), started: state.At(u.clock()),
		refused: map[git.RefName]*plan.Step{},
		large:   largeFiles{arrived: map[lfs.Pointer]lfs.Object{}, failed: map[lfs.Pointer]failedObject{}},
	}
	record, err := a.run(ctx)
	if errors.Is(err, errBusy) {
		return Update{Repository: u.Dir(), Remote: remote, Busy: true}
	}
	gone := false
	if err != nil {
		record = a.failed(ctx, err)
		gone = u.gone() // who was told of it now would never be told of its end
		if !a.DryRun && !gone {
			record.Untold = a.untold(record)
		}
	}
	failedHere := record.Unreached && (record.Kind == git.KindLocal || record.Kind == state.KindConfig)
	update := Update{
		Repository: u.Dir(), Remote: remote, Steps: a.steps(), Record: record,
		Shared: a.failedFor, Asked: a.asked && !failedHere, Unkept: err != nil,
	}
	if !gone {
		update.Event = a.event(record)
	}
	return update
}

// run takes the lock, makes the attempt and records how it ended. Its error tells of
// what kept it from doing so.
func (a *attempt) run(ctx context.Context) (record state.Record, err error) {
	if a.dir, err = state.Of(a.Dir(), a.remote.Name); err != nil {
		return record, err
	}
	scratch := filepath.Join(os.TempDir(), scratchName)
	if !a.DryRun {
		unlock, lockErr := a.dir.Lock(ctx, a.clock, a.waiting)
		if lockErr != nil {
			return record, lockErr
		}
		defer func() { err = errors.Join(err, unlock()) }()
		if err := a.dir.Take(); err != nil {
			return record, fmt.Errorf("taking the mark: %w", err)
		}
		a.started = state.At(a.clock()) // whoever made the mark waits for an update that began after their push
		scratch = a.dir.Scratch()
		if err := git.ClearScratch(scratch); err != nil {
			return record, fmt.Errorf("clearing what a killed update left: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, a.remote.Timeout) // not of the wait: another update has a timeout of its own
	defer cancel()
	if err := a.recall(); err != nil {
		return record, err
	}
	record, err = a.make(ctx, scratch)
	if err != nil {
		return record, err
	}
	if a.DryRun {
		return record, nil
	}
	record.Untold = a.untold(record)
	err = a.keep(ctx, &record)
	return record, err
}

// scratchName begins the name of a scratch repository that nobody looks for later.
const scratchName = "push-mirror-scratch-"

// make makes the attempt, from a scratch repository whose path begins so, and concludes how
// it ended.
func (a *attempt) make(ctx context.Context, scratch string) (record state.Record, err error) {
	to, err := a.target(ctx)
	a.loginless = err != nil
	if err = cmp.Or(err, CheckNotSelf(a.remote.URL, a.Dir())); err != nil {
		return a.conclude(ctx, err), nil
	}
	to.Reached = a.Reached
	if a.seen != nil {
		to.Known = a.seen.Mirror.Refs
	}
	if a.scratch, err = a.repo.NewScratch(ctx, scratch, to); err != nil {
		if ctx.Err() != nil {
			return a.conclude(ctx, err), nil
		}
		return record, err // no record can be written either
	}
	defer func() { err = errors.Join(err, a.scratch.Remove()) }()
	err = a.rounds(ctx)
	a.upstream = nil // of very many refs the record alone takes much memory
	return a.conclude(ctx, err), nil
}

// keep records how the attempt ended and what the mirror holds now; then the mark that it
// took has done its service, unless somebody ended the attempt.
func (a *attempt) keep(ctx context.Context, record *state.Record) error {
	err := errors.Join(a.unlogged, a.dir.Append(a.entriesAtEnd(*record)), a.dir.WriteSeen(a.seen))
	if err == nil && record.Status == state.Finished {
		record.Settled = a.settled(a.remote, a.dir, a.fingerprint)
	}
	if err = errors.Join(err, a.dir.WriteRecord(*record)); err != nil {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return a.dir.ClearTaken()
}

var errBusy = errors.New("another update of the remote runs")

func (a *attempt) waiting() error {
	if a.Waiting == nil {
		return errBusy
	}
	a.Waiting()
	return nil
}

// recall reads how the last update ended and what the mirror held then, and forgets
// both where they are another mirror's.
func (a *attempt) recall() (err error) {
	if a.before, err = a.dir.Record(); err != nil {
		return err
	}
	if a.before = a.before.AsOf(a.clock()); a.before.URL != a.url {
		// Whoever was told of a failure waits to be told that it is mended, as it may be by the new
		// url.
		a.before = state.Record{Status: state.None, Told: a.before.Told, Untold: a.before.Untold}
	}
	// Somebody may have allowed them there since.
	a.noPushOptions = a.before.NoPushOptions && !a.Fresh && !a.Mended(a.remote, a.before)
	a.unanswered = map[git.RefName]git.OID{}
	maps.Copy(a.unanswered, a.before.Unanswered)
	a.pushers = knownPushers(a.before.Pushers, a.dir.Pushes())
	a.seen, err = a.dir.Seen(a.url)
	a.verifies = a.seen != nil && a.old(a.seen)
	return err
}
