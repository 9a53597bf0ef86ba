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
// tell who pushed what; none of them matters to what is delivered, and an outage grows
// nothing beyond maxMark.
//
// A mark is made by renaming, taken by renaming, and what was taken goes when the update
// that took it is recorded. Whoever dies in between leaves a mark behind, never none. A push
// whose line comes too late, into a mark that was taken already, loses nothing: its refs
// had their values before the hook ran, so the update that took the mark finds them.

// Push is a line of a mark.
type Push struct {
	Time   Time   `json:"since"`
	Pusher string `json:"pusher,omitempty"`
	// Refs are what was pushed; nil where they are too many or not known.
	Refs []git.RefName `json:"refs,omitempty"`
}

// MaxPushRefs is how many refs of a push are named in a mark.
const MaxPushRefs = 100

// maxMark is how long a mark may be, in bytes.
const maxMark = 64 << 10

// The names of marks. The whole repository has one too, among the folders of the
// remotes, whose names begin with a letter or a digit.
const (
	markName  = ".due"       // made, and not taken
	takenName = ".due-taken" // taken by an update that is not recorded
)

// Mark makes a mark, or adds the push to the one that stands. That there is one is on disk when
// Mark returns, which is all that has to be.
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
		// It stands, and who pushed is not worth a complaint.
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

// Marked tells since when the remote has work, whether taken or not. Content that cannot be
// read makes no mark less of a mark.
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

// HasMark reports whether there is a mark of any remote of a repository, or of the whole of it, at
// the price of looking at a few names.
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

// Pushes are those that made the marks of the remote, as far as they are known.
func (d *Dir) Pushes() []Push {
	var all []Push
	for _, name := range []string{takenName, markName} {
		if content, _, err := d.readMark(name); err == nil {
			all = slices.AppendSeq(all, parseMark(content))
		}
	}
	return all
}

// readMark reads a mark.
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

// Take takes the mark, so that one which is made from now on stays, and clears what killed
// hooks and updates left half-written. The lock must be held.
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

// takeMore adds the mark to one that was taken by an update that could not be recorded: the log is
// to tell of those pushes, too. It reports false where there are not both, or that cannot be done.
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
