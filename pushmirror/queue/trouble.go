package queue

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Trouble is why a host, or a login there, fails.
type Trouble struct {
	Kind  string `json:"error_kind"` // as status has it
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// troubles is the file that a worker keeps of what fails, by name, while it works: most of those who share a host wait for one
// of them to try it, and have no record that tells.
const troubles = "troubles.json"

// Troubles reads what a worker with that state directory finds to fail, by the name of the host or login; none where that cannot be
// read, as it is only told of.
func Troubles(dir string) map[string]Trouble {
	text, err := os.ReadFile(filepath.Join(dir, troubles))
	if err != nil {
		return nil
	}
	var all map[string]Trouble
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

// SetTroubles replaces what Troubles reads. The worker's lock must be held.
func (q *Queue) SetTroubles(all map[string]Trouble) error {
	path := filepath.Join(q.dir, troubles)
	if len(all) == 0 {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return q.replace("", troubles, string(text)+"\n", false)
}
