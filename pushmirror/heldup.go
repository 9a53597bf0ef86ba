package pushmirror

import (
	"fmt"
	"os"
	"slices"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
)

// An obstacle keeps a remote's work waiting although its own last update went well.
type obstacle struct {
	trouble string // "" if there is none
	hint    string
	kind    git.Kind
	status  state.Status
}

// HeldUp tells a pusher why their work may wait, in a line without the remote's name; "" if nothing
// is known to be in the way. Unless a service delivers, the hook has just seen to it that a worker
// runs.
func (u *Upstream) HeldUp(remote config.Remote) string {
	since := state.At(u.clock())
	if dir, err := state.Of(u.Dir(), remote.Name); err == nil && u.config.Worker.Start == config.StartNever {
		if marked, ok, err := dir.Marked(); ok && err == nil {
			since = marked
		}
	}
	return u.heldUp(remote, since).trouble
}

// heldUp tells why work has been waiting since a time: its host, or the login there, failed for
// another repository, and one of those that need it has to find it back before this one is tried;
// or no worker runs. Of that other repository it tells nothing.
func (u *Upstream) heldUp(remote config.Remote, since state.Time) obstacle {
	for _, dir := range u.queueDirs() {
		fails := queue.Troubles(dir)
		for _, name := range sharedWith(remote) {
			if kind, ok := fails[name]; ok {
				return heldUpBy(remote, git.Kind(kind))
			}
		}
	}
	if u.clock().Sub(since.Time) < young || u.attended() {
		return obstacle{}
	}
	return u.unattended(remote)
}

// attended reports whether a worker works that may take work up, as far as can be told.
func (u *Upstream) attended() bool {
	return slices.ContainsFunc(u.queueDirs(), func(dir string) bool {
		working, err := queue.Working(dir)
		return working || err != nil // of which check tells
	})
}

// queueDirs are where a worker for the repository may have its list.
func (u *Upstream) queueDirs() (dirs []string) {
	if dir, err := queue.Dir(u.getenv, u.config.StateDir); err == nil {
		dirs = append(dirs, dir)
	}
	return append(dirs, queue.OwnDir(u.Dir()))
}

// elsewhere reports whether the worker may have its list where we cannot know: each user has one of
// their own unless the configuration or the environment names one for all, and the mirrors are
// another user's work, as they are for whoever only watches over them.
func (u *Upstream) elsewhere() bool {
	if u.config.StateDir != "" || u.getenv(queue.DirVariable) != "" {
		return false
	}
	info, err := os.Lstat(state.Folder(u.Dir()))
	return err == nil && disk.InodeOf(info).UID != os.Geteuid()
}

// unknown reports whether the repository has had mirrors, and no worker knows of it: it was moved,
// copied or restored to where it is, or their list was lost. What it owes its mirrors waits for a
// push or a sync then.
func (u *Upstream) unknown() bool {
	if _, err := os.Lstat(state.Folder(u.Dir())); err != nil || u.elsewhere() {
		return false
	}
	return !slices.ContainsFunc(u.queueDirs(), func(dir string) bool { return queue.Knows(dir, u.Dir()) })
}

// heldUpBy tells of a host that fails in that way.
func heldUpBy(remote config.Remote, kind git.Kind) obstacle {
	does := "cannot be reached"
	switch kind {
	case git.KindAuth:
		does = "does not accept the login"
	case git.KindHostKey:
		does = "does not show the key or certificate that is known"
	case git.KindTimeout:
		does = "does not answer in time"
	}
	o := obstacle{fmt.Sprintf("waits for %s, which %s", hostOf(remote), does), "git push-mirror check tells more", kind, state.Failed}
	if kind.Temporary() {
		o.status = state.ToRetry
	}
	return o
}

// unattended tells of work that nobody takes up.
func (u *Upstream) unattended(remote config.Remote) obstacle {
	hint := "git push-mirror sync " + remote.Name
	if u.config.Worker.Start == config.StartNever {
		hint = startService
	}
	return obstacle{"no worker runs to take work up", hint, git.KindLocal, state.Scheduled}
}
