package pushmirror

import (
	"fmt"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
)

// HeldUp tells why work of a remote waits although its own last update went well, if that is since its host, or the login there,
// failed in another one: it is not tried before one of them has found it to be back. Of that other one it tells nothing.
func (u *Upstream) HeldUp(remote config.Remote) (trouble string, kind git.Kind) {
	dir, err := queue.Dir(u.env("PUSH_MIRROR_STATE_DIR"), u.config.StateDir)
	if err != nil {
		return "", ""
	}
	fails := queue.Troubles(dir)
	for _, name := range sharedWith(remote) {
		if text, ok := fails[name]; ok {
			kind = git.Kind(text)
			return fmt.Sprintf("waits for %s, which %s", hostOf(remote), failsBy(kind)), kind
		}
	}
	return "", ""
}

// failsBy is what a host does that fails in that way.
func failsBy(kind git.Kind) string {
	switch kind {
	case git.KindAuth:
		return "does not accept the login"
	case git.KindHostKey:
		return "does not show the key or certificate that is known"
	case git.KindTimeout:
		return "does not answer in time"
	}
	return "cannot be reached"
}
