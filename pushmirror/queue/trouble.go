package queue

import (
	"encoding/json"

	"git-push-mirror/pushmirror/disk"
)

// troubles is the file in which a running worker keeps the hosts and logins that fail: most remotes
// that share one wait for another to try it, and their own records do not tell.
const troubles = "troubles.json"

// Troubles returns what fails for the worker with that state directory: the kind of the failure, by
// the name of the host or login. It is nil if no worker runs or the file cannot be read, since it
// is only for showing.
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
