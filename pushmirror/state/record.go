package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// Status is how an update, or a remote, stands. The words are GitLab's.
type Status string

// The statuses. A Record holds only those that an update can end with.
const (
	None      Status = "none"
	Scheduled Status = "scheduled"
	Started   Status = "started"
	Finished  Status = "finished"
	Failed    Status = "failed"
	ToRetry   Status = "to_retry"
)

// The kinds of failure that are not a git command's.
const (
	KindDivergent  git.Kind = "divergent"   // refs were skipped since they diverged
	KindRejected   git.Kind = "rejected"    // the mirror refused refs
	KindPruneLimit git.Kind = "prune_limit" // too many deletions at once
	KindLFS        git.Kind = "lfs"         // large files did not arrive, so refs that need them were not pushed
	KindConfig     git.Kind = "config"      // the configuration cannot be used
)

// Divergence is a ref that was not updated since the mirror holds something that
// upstream's value does not contain.
type Divergence struct {
	Name git.RefName `json:"ref"`
	Old  git.OID     `json:"mirror"`
	New  git.OID     `json:"upstream"`
	// Ours: the mirror's value was put there by us; upstream was rewritten.
	Ours bool `json:"ours,omitempty"`
}

// Record is how the last update of a remote ended.
type Record struct {
	Version int `json:"version"`
	// URL is the mirror's, without user and password.
	URL         string   `json:"url"`
	Status      Status   `json:"update_status"`
	Kind        git.Kind `json:"error_kind,omitempty"`
	Error       string   `json:"last_error,omitempty"`
	Hint        string   `json:"hint,omitempty"`
	StartedAt   Time     `json:"last_update_started_at"`
	UpdatedAt   Time     `json:"last_update_at"`
	SucceededAt Time     `json:"last_successful_update_at"`
	// FailingSince is when the first failure after SucceededAt happened.
	FailingSince Time `json:"failing_since"`
	// PendingSince is when refs were first found missing or outdated on the mirror; never, if none is.
	PendingSince Time `json:"pending_since"`
	// Attempts counts the updates in a row that failed for a temporary reason, up to the last.
	Attempts int `json:"attempts,omitempty"`
	// TroubleSince is when the first of those began; never, if there is none.
	TroubleSince Time `json:"trouble_since"`
	// NextAttemptAt is when the worker tries again by itself; never, if that would not help.
	NextAttemptAt Time `json:"next_attempt_at"`
	// Unreached: the attempt did not come to its end, so another push would not help.
	Unreached bool `json:"unreached,omitempty"`
	// Loginless: the password or key could not be used, so the host was not even asked.
	Loginless bool `json:"loginless,omitempty"`
	// Results are what happened to the first refs, for those who wait to be told; More counts those
	// left out.
	Results   []RefResult    `json:"results,omitempty"`
	More      int            `json:"more_results,omitempty"`
	Divergent []Divergence   `json:"divergent,omitempty"`
	Rejected  []plan.Refusal `json:"rejected,omitempty"`
	// Said is the mirror's message for people when it refused refs.
	Said string `json:"mirror_said,omitempty"`
	// Told: the remote has failed in a way that is notified, and has not recovered since. Whether the
	// program of [notify] has been run for it is in Untold.
	Told bool `json:"told,omitempty"`
	// ToldHost is the host, or the login there, that the notification was about, for all remotes that
	// share it; "" if it was about this remote.
	ToldHost string `json:"told_host,omitempty"`
	// Untold is "failed" or "recovered" if the program of [notify] is still to be told, or
	// UntoldPassed.
	Untold string `json:"untold,omitempty"`
	// Pushers tell by whose push a ref has the value that waits for delivery; "" stands for
	// all refs that are not named.
	Pushers map[git.RefName]string `json:"pushers,omitempty"`
	// Settled is a fingerprint of the refs here, the filter and the refs last seen, if the update
	// left none pending, else "": as long as it stays the same, none is.
	Settled string `json:"settled,omitempty"`
	// LFS is the LFS server, without a user, that has all large files which the mirror's refs need,
	// those aside that are foreign; "" when that is not known.
	LFS string `json:"lfs,omitempty"`
	// LFSUnchecked are values that the mirror had, and upstream no longer, when it was found to
	// have all large files: whether it has those that they need is not known.
	LFSUnchecked map[git.RefName]git.OID `json:"lfs_unchecked,omitempty"`
	// LFSObjects and LFSBytes are the large files that the update brought, or found there already.
	LFSObjects int   `json:"lfs_objects,omitempty"`
	LFSBytes   int64 `json:"lfs_bytes,omitempty"`
	// Unanswered are values that were pushed, of which nobody knows whether they arrived: what a
	// listing shows of them is ours.
	Unanswered map[git.RefName]git.OID `json:"unanswered,omitempty"`
	// NoPushOptions: the mirror takes no push options.
	NoPushOptions bool `json:"no_push_options,omitempty"`
}

// UntoldPassed is Untold when a remote has recovered of whose failure nobody was told, unless
// they are being told just now.
const UntoldPassed = "passed"

// Skew is how far apart the clocks of machines that share a repository may be.
const Skew = time.Minute

// AsOf is the record without times that lie ahead of now: they were written while the clock was
// wrong, and to wait for them could take years.
func (r Record) AsOf(now time.Time) Record {
	ahead := func(t Time) bool { return t.After(now.Add(Skew)) }
	if ahead(r.StartedAt) {
		r.NextAttemptAt = Time{} // which was reckoned from there
	}
	for _, t := range []*Time{&r.StartedAt, &r.UpdatedAt, &r.SucceededAt, &r.FailingSince, &r.TroubleSince, &r.PendingSince} {
		if ahead(*t) {
			*t = Time{}
		}
	}
	return r
}

// RefResult is what an update did to a ref.
type RefResult struct {
	Name   git.RefName `json:"ref"`
	Result plan.Result `json:"result"`
	Old    git.OID     `json:"old"`
	New    git.OID     `json:"new"`
	Reason string      `json:"reason,omitempty"`
}

const (
	recordName    = "status.json"
	recordVersion = 1
)

// Record reads how the last update ended. Without one, its status is none.
func (d *Dir) Record() (Record, error) {
	r := Record{Version: recordVersion, Status: None}
	found, err := d.read(recordName, func(content string) (err error) {
		r, err = parseRecord([]byte(content))
		return err
	})
	if err != nil || !found {
		return Record{Version: recordVersion, Status: None}, err
	}
	return r, nil
}

// RecordID tells records apart without reading them; it is empty if there is none.
func (d *Dir) RecordID() string {
	f, err := disk.OpenRegular(filepath.Join(d.path, recordName)) // NFS asks the server anew for what is opened
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	return disk.Stamp(info)
}

// parseRecord reads a status.json.
func parseRecord(content []byte) (Record, error) {
	var r Record
	err := json.Unmarshal(content, &r)
	if err != nil { // a newer one may differ in all else
		_ = json.Unmarshal(content, &struct {
			Version *int `json:"version"`
		}{&r.Version})
	}
	if r.Version > recordVersion {
		return Record{}, &versionError{Got: r.Version, Known: recordVersion}
	}
	if err != nil {
		return Record{}, errors.Join(errDamaged, err)
	}
	switch r.Status {
	case None, Finished, Failed, ToRetry:
		return r, nil
	}
	return Record{}, fmt.Errorf("%w: no update ends as %q", errDamaged, r.Status)
}

// WriteRecord replaces the record. A machine that fails may bring the last one back: what that does
// not tell of is pending then, or is told of until the mirror is listed again.
func (d *Dir) WriteRecord(r Record) error {
	r.Version = recordVersion
	if err := d.replace(recordName, disk.Whole, func(w *bufio.Writer) error { return writeRecord(w, r) }); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

// writeRecord writes the long lists at the end, a line for each ref: as a whole, the text of a
// hundred thousand would be in memory several times.
func writeRecord(w *bufio.Writer, r Record) error {
	head := r
	head.Divergent, head.Rejected = nil, nil
	text, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return err
	}
	_, _ = w.Write(bytes.TrimSuffix(text, []byte("\n}")))
	err = errors.Join(writeList(w, "divergent", r.Divergent), writeList(w, "rejected", r.Rejected))
	_, _ = w.WriteString("\n}\n")
	return err
}

func writeList[T any](w *bufio.Writer, key string, list []T) error {
	for i, item := range list {
		text, err := json.Marshal(item)
		if err != nil {
			return err
		}
		if i == 0 {
			_, _ = fmt.Fprintf(w, ",\n  %q: [", key)
		} else {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString("\n    ")
		_, _ = w.Write(text)
	}
	if len(list) > 0 {
		_, _ = w.WriteString("\n  ]")
	}
	return nil
}
