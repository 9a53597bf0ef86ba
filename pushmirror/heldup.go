package pushmirror

import (
	"fmt"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
)

// An Obstacle is what holds work of a remote up whose own last update went well.
type Obstacle struct {
	Trouble string // "" if there is none
	hint    string
	kind    git.Kind
	status  state.Status
}

// HeldUp tells a pusher, whose hook has started a worker if it is to, why their work may wait.
func (u *Upstream) HeldUp(remote config.Remote) Obstacle {
	since := state.At(u.clock())
	if dir, err := state.Of(u.Dir(), remote.Name); err == nil && u.config.Worker.Start == config.StartNever {
		if marked, ok, err := dir.Marked(); ok && err == nil {
			since = marked
		}
	}
	return u.heldUp(remote, since)
}

// heldUp tells why work waits since then: its host, or the login there, failed in another repository, and is not tried before one of
// them has found it to be back, or there is no worker. Of that other repository it tells nothing.
func (u *Upstream) heldUp(remote config.Remote, since state.Time) Obstacle {
	var dirs []string
	if dir, err := queue.Dir(u.env("PUSH_MIRROR_STATE_DIR"), u.config.StateDir); err == nil {
		dirs = append(dirs, dir)
	}
	dirs = append(dirs, queue.OwnDir(u.Dir()))
	for _, dir := range dirs {
		fails := queue.Troubles(dir)
		for _, name := range sharedWith(remote) {
			if kind, ok := fails[name]; ok {
				return heldUpBy(remote, git.Kind(kind))
			}
		}
	}
	if u.clock().Sub(since.Time) < young {
		return Obstacle{}
	}
	for _, dir := range dirs {
		if working, err := queue.Working(dir); working || err != nil { // of which check tells
			return Obstacle{}
		}
	}
	return u.unattended()
}

// heldUpBy tells of a host that fails in that way.
func heldUpBy(remote config.Remote, kind git.Kind) Obstacle {
	does := "cannot be reached"
	switch kind {
	case git.KindAuth:
		does = "does not accept the login"
	case git.KindHostKey:
		does = "does not show the key or certificate that is known"
	case git.KindTimeout:
		does = "does not answer in time"
	}
	o := Obstacle{fmt.Sprintf("waits for %s, which %s", hostOf(remote), does), "git push-mirror check tells more", kind, state.Failed}
	if kind.Temporary() {
		o.status = state.ToRetry
	}
	return o
}

// unattended tells of work that nobody takes up.
func (u *Upstream) unattended() Obstacle {
	hint := "git push-mirror worker --until-idle takes it up, and so does what the next push starts"
	if u.config.Worker.Start == config.StartNever {
		hint = startService
	}
	return Obstacle{"no worker runs to take work up", hint, git.KindLocal, state.Scheduled}
}
