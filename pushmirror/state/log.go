package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// Entry is a line of the log: what is about to happen, or has happened, to a ref.
type Entry struct {
	Time   Time        `json:"time"`
	Remote string      `json:"remote"`
	Name   git.RefName `json:"ref,omitempty"` // "" for what concerns them all
	// Result is a plan's or, for the remote as a whole, "failed" or "recovered".
	Result plan.Result `json:"result"`
	Old    git.OID     `json:"old"`
	New    git.OID     `json:"new"`
	// Announced marks the line that stands in the log before the push which drops
	// Old from the mirror. The line of the outcome follows, unless we were killed.
	Announced bool `json:"announced,omitempty"`
	// Withdrawn takes an announcement back: the mirror refused the ref.
	Withdrawn bool   `json:"withdrawn,omitempty"`
	Reason    string `json:"reason,omitempty"`
	// Pusher is who pushed the change; "" if that is not known.
	Pusher string `json:"pusher,omitempty"`
}

// Drops reports whether the entry is about a step that may make Old unreachable on the mirror, so
// that somebody may want to bring Old back; also if it says that the step did not happen.
func (e Entry) Drops() bool {
	return e.Old != "" && (e.Result == plan.Forced || e.Result == plan.Deleted || e.Result == plan.Updated && e.Name.IsTag())
}

// The log is bounded: one that is full replaces log.old. What was dropped from the mirror is kept
// for a year.
const (
	logName     = "log"
	oldLogName  = "log.old"
	droppedName = "log.dropped"

	maxLog      = 1 << 20 // bytes
	keepDropped = 366 * 24 * time.Hour
)

// logNames are the files of the log, the oldest first.
var logNames = []string{droppedName, oldLogName, logName}

// Append adds entries to the log. If any of them Drops, all are on disk when it returns. The lock
// must be held.
func (d *Dir) Append(entries iter.Seq[Entry]) error {
	for range entries {
		if err := d.append(entries); err != nil {
			return fmt.Errorf("writing the log: %w", err)
		}
		break
	}
	return nil
}

func (d *Dir) append(entries iter.Seq[Entry]) (err error) {
	if err := d.rotateLog(); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(d.path, logName), os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, d.mode&0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	torn, err := d.torn(f)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if torn {
		_ = w.WriteByte('\n') // Flush tells
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	drops := false
	for entry := range entries {
		drops = drops || entry.Drops()
		if err := encoder.Encode(entry); err != nil {
			return err
		}
	}
	// Only what was dropped cannot be found anywhere else.
	if err := w.Flush(); err != nil || !drops {
		return err
	}
	return f.Sync()
}

// torn reports whether the last line is incomplete, since its writer was killed. A new log, which
// is empty, gets the repository's mode.
func (d *Dir) torn(f *os.File) (bool, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	if end == 0 {
		return false, errors.Join(d.share(f), disk.Sync(os.Open(d.path)))
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], end-1)
	return last[0] != '\n', err
}

// rotateLog makes room for a new log if the current one is full. If it is killed half-way, some
// lines are in two files; none is lost.
func (d *Dir) rotateLog() error {
	path := filepath.Join(d.path, logName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() < maxLog {
		return nil
	}
	if err != nil {
		return err
	}
	var dropped strings.Builder
	for _, name := range []string{droppedName, logName} {
		err := d.eachEntry(name, func(line []byte, e Entry) {
			if e.Drops() && time.Since(e.Time.Time) < keepDropped {
				dropped.Write(line)
			}
		})
		if err != nil {
			return err
		}
	}
	if dropped.Len() > 0 {
		if err := d.replace(droppedName, disk.Durable, disk.Text(dropped.String())); err != nil {
			return err
		}
	}
	return os.Rename(path, filepath.Join(d.path, oldLogName))
}

// eachEntry calls each for every entry in a file of the log, and its line; the file need not exist.
func (d *Dir) eachEntry(name string, each func(line []byte, e Entry)) error {
	f, err := disk.OpenRegular(filepath.Join(d.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if e, ok := parseEntry(line); ok {
			each(line, e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// parseEntry reads a line of the log; ok is false if it is torn or not one that we wrote.
func parseEntry(line []byte) (e Entry, ok bool) {
	if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &e) != nil {
		return Entry{}, false
	}
	return e, !e.Time.IsZero()
}

// Log returns the entries of the log, the oldest first. It leaves out the announcements whose
// outcome the log has.
func (d *Dir) Log() ([]Entry, error) {
	var entries []Entry
	seen := map[Entry]bool{}
	for _, name := range logNames {
		err := d.eachEntry(name, func(_ []byte, e Entry) {
			if !seen[e] {
				seen[e] = true
				entries = append(entries, e)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("reading the log: %w", err)
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.Time.Compare(b.Time.Time) })
	return withoutAnswered(entries), nil
}

// withoutAnswered leaves out the announcements whose outcome is known.
func withoutAnswered(entries []Entry) []Entry {
	type step struct {
		name     git.RefName
		old, new git.OID
	}
	settled, withdrawn := map[step]bool{}, map[step]int{}
	kept := entries[:0]
	for _, e := range slices.Backward(slices.Clone(entries)) {
		this := step{e.Name, e.Old, e.New}
		switch {
		case e.Withdrawn:
			withdrawn[this]++
			continue
		case e.Announced && withdrawn[this] > 0: // one each: an earlier update may have been killed after it had its way
			withdrawn[this]--
			continue
		case e.Announced && settled[this]: // Old was still there after each of those before
			continue
		case !e.Announced:
			settled[this] = true
		}
		kept = append(kept, e)
	}
	slices.Reverse(kept)
	return kept
}

// Logged lists the remotes of a repository that have a log, whether they are configured or not.
func Logged(repository string) ([]string, error) {
	entries, err := os.ReadDir(Folder(repository))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	var names []string
	for _, entry := range entries {
		for _, log := range logNames {
			path := filepath.Join(Folder(repository), entry.Name(), log)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				names = append(names, entry.Name())
				break
			}
		}
	}
	return names, nil
}
