package state

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Mark says that a remote has work: "look". What is to be done is not in it; the next
// update finds that by comparing refs. So a mark need not be renewed while it stands,
// and an outage grows nothing.
//
// A mark is made by renaming, taken by renaming, and what was taken goes when the update
// that took it is recorded. Whoever dies in between leaves a mark behind, never none.
type Mark struct {
	Since  Time   `json:"since"`            // when it was made
	Pusher string `json:"pusher,omitempty"` // by whose push
}

// The names of marks. The whole repository has one too, among the folders of the
// remotes, whose names begin with a letter or a digit.
const (
	markName  = ".due"       // made, and not taken
	takenName = ".due-taken" // taken by an update that is not recorded
)

// Mark makes a mark, unless one stands. It is on disk when Mark returns.
func (d *Dir) Mark(pusher string) error {
	if _, err := os.Stat(filepath.Join(d.path, markName)); err == nil {
		return nil
	}
	if err := d.make(); err != nil {
		return err
	}
	content, err := json.Marshal(Mark{Since: Now(), Pusher: pusher})
	if err != nil {
		return err
	}
	return d.writeFile(markName, append(content, '\n'))
}

// Marked gives the oldest mark of the remote, taken or not; the zero Mark when there is
// none. Content that cannot be read makes no mark less of a mark.
func (d *Dir) Marked() (m Mark, ok bool, err error) {
	for _, name := range []string{takenName, markName} {
		path := filepath.Join(d.path, name)
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Mark{}, false, err
		}
		if json.Unmarshal(content, &m) != nil || m.Since.IsZero() {
			info, err := os.Stat(path)
			if err != nil {
				return Mark{}, false, err
			}
			m = Mark{Since: At(info.ModTime())}
		}
		return m, true, nil
	}
	return Mark{}, false, nil
}

// Take takes the mark, so that one which is made from now on stays. The lock must be
// held.
func (d *Dir) Take() error {
	err := os.Rename(filepath.Join(d.path, markName), filepath.Join(d.path, takenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Settle removes the mark that was taken. The lock must be held.
func (d *Dir) Settle() error {
	err := os.Remove(filepath.Join(d.path, takenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
