package queue

import (
	"encoding/json"

	"git-push-mirror/pushmirror/disk"
)

// troubles is the file that a worker keeps of what fails, by name, while it works: most of those
// who share a host wait for one of them to try it, and have no record that tells.
const troubles = "troubles.json"

// Troubles reads what the worker with that state directory finds to fail: the kind of the failure,
// by the name of the host or login. Where none works, or it cannot be read, there are none, as they
// are only told of.
func Troubles(dir string) map[string]string {
	text, err := (&Queue{dir: dir}).read("", troubles)
	var all map[string]string
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil
	}
	if working, err := Working(dir); err != nil || !working {
		return nil
	}
	return all
}

// SetTroubles replaces what Troubles reads. The worker's lock must be held.
func (q *Queue) SetTroubles(all map[string]string) error {
	if len(all) == 0 {
		return q.remove("", troubles)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return q.replace("", troubles, string(text)+"\n", disk.Cached)
}
