package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// Entry is a line of the log: what is about to happen, or has happened, to a ref.
type Entry struct {
	Time   Time        `json:"time"`
	Remote string      `json:"remote"`
	Name   git.RefName `json:"ref"`
	Result plan.Result `json:"result"`
	Old    git.OID     `json:"old"`
	New    git.OID     `json:"new"`
	// Announced marks the line that stands in the log before the push which drops
	// Old from the mirror. The line of the outcome follows, unless we were killed.
	Announced bool   `json:"announced,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// Append adds entries to the log. They are on disk when it returns. The lock must
// be held.
func (d *Dir) Append(entries []Entry) (err error) {
	if len(entries) == 0 {
		return nil
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, entry := range entries {
		if err := encoder.Encode(entry); err != nil {
			return fmt.Errorf("writing the log: %w", err)
		}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing the log: %w", err)
		}
	}()
	f, err := os.OpenFile(filepath.Join(d.path, "log"), os.O_RDWR|os.O_APPEND|os.O_CREATE, d.mode&0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	torn, err := d.torn(f)
	if err != nil {
		return err
	}
	text := lines.Bytes()
	if torn {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

// torn reports whether the last line has no end, since its writer was killed, and
// gives a new log the repository's mode.
func (d *Dir) torn(f *os.File) (bool, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	if end == 0 {
		return false, errors.Join(d.share(f), syncDir(d.path))
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], end-1)
	return last[0] != '\n', err
}
