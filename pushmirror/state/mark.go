package state

import (
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

// A mark says that a remote has work: "look". What is to be done is not in it; the next
// update finds that by comparing refs. It holds a line for each push, so that the log can
// tell who pushed what; the lines have no say in what is delivered, and an outage makes none
// longer than maxMark.
//
// A mark is made by renaming and taken by renaming; a taken mark is removed once its update is
// recorded. A process that dies in between leaves a mark behind, never none. If a push adds its
// line to a mark that was taken already, nothing is lost: its refs had their values before the
// hook ran, so the update that took the mark finds them.

// Push is a line of a mark.
type Push struct {
	Time   Time   `json:"since"`
	Pusher string `json:"pusher,omitempty"`
	// Refs are the pushed refs; nil if they are too many or not known.
	Refs []git.RefName `json:"refs,omitempty"`
}

// MaxPushRefs is the largest number of refs that a mark names for one push.
const MaxPushRefs = 100

// maxMark is the size, in bytes, from which on a mark gets no more lines.
const maxMark = 64 << 10

// The names of marks. The whole repository has one too, among the folders of the
// remotes, whose names begin with a letter or a digit.
const (
	markName  = ".due"       // made, and not taken
	takenName = ".due-taken" // taken by an update that is not recorded
)

// Mark makes a mark, or adds the push to the one that is there. When it returns, the mark's
// existence is on disk; its content may not be, and need not.
func (d *Dir) Mark(p Push) error {
	if len(p.Refs) > MaxPushRefs {
		p.Refs = nil
	}
	content, err := json.Marshal(p)
	if err != nil {
		return err
	}
	content = append(content, '\n')
	f, err := os.OpenFile(filepath.Join(d.path, markName), os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err == nil {
		// The mark is there; a pusher's name that cannot be added is not worth an error.
		if info, err := f.Stat(); err == nil && info.Size() < maxMark {
			_, _ = f.Write(content)
		}
		return f.Close()
	}
	if err := d.make(); err != nil {
		return err
	}
	return d.replace(markName, disk.Present, disk.Text(string(content)))
}

// Marked returns since when the remote has work, taken or not; ok is false if it has none. A mark
// whose content cannot be parsed is one too: its file's time counts.
func (d *Dir) Marked() (since Time, ok bool, err error) {
	for _, name := range []string{takenName, markName} {
		content, modified, err := d.readMark(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Time{}, false, err
		}
		for p := range parseMark(content) {
			return p.Time, true, nil
		}
		return modified, true, nil
	}
	return Time{}, false, nil
}

// HasMark reports whether any remote of a repository, or the repository as a whole, has a mark. It
// reads no file.
func HasMark(repository string) bool {
	folder := Folder(repository)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		for _, name := range []string{markName, takenName} {
			if entry.Name() == name {
				return true
			}
			if _, err := os.Lstat(filepath.Join(folder, entry.Name(), name)); err == nil {
				return true
			}
		}
	}
	return false
}

// Pushes returns the pushes that made the remote's marks, as far as they can be read.
func (d *Dir) Pushes() []Push {
	var all []Push
	for _, name := range []string{takenName, markName} {
		if content, _, err := d.readMark(name); err == nil {
			all = slices.AppendSeq(all, parseMark(content))
		}
	}
	return all
}

// readMark reads a mark and when it was last written to.
func (d *Dir) readMark(name string) (content string, modified Time, err error) {
	path := filepath.Join(d.path, name)
	if content, err = readText(path); err != nil {
		return "", Time{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", Time{}, err
	}
	return content, At(info.ModTime()), nil
}

// parseMark reads the lines of a mark, skipping those that are damaged.
func parseMark(content string) iter.Seq[Push] {
	return func(yield func(Push) bool) {
		for line := range strings.Lines(content) {
			var p Push
			if json.Unmarshal([]byte(line), &p) == nil && !p.Time.IsZero() && !yield(p) {
				return
			}
		}
	}
}

// Take takes the mark, so that one made from now on is another, and removes what killed hooks and
// updates left half-written. The lock must be held.
func (d *Dir) Take() error {
	disk.Sweep(os.OpenRoot(d.path))
	if d.takeMore() {
		return nil
	}
	err := os.Rename(filepath.Join(d.path, markName), filepath.Join(d.path, takenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// takeMore adds the mark to one that an update took but could not record, so that the log tells of
// the pushes of both. It reports false if there is only one, or they cannot be joined.
func (d *Dir) takeMore() bool {
	taken, _, err := d.readMark(takenName)
	if err != nil {
		return false
	}
	made, _, err := d.readMark(markName)
	if err != nil || len(taken)+len(made) > maxMark {
		return false
	}
	if d.replace(takenName, disk.Present, disk.Text(taken+made)) != nil {
		return false
	}
	return os.Remove(filepath.Join(d.path, markName)) == nil
}

// ClearTaken removes the mark that was taken. The lock must be held.
func (d *Dir) ClearTaken() error {
	err := os.Remove(filepath.Join(d.path, takenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
