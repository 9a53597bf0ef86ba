package pushmirror

import (
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
)

// MakeKnown has workers know the repository, so that what changes without a push is found, and what
// failed is tried again. Where that cannot be written, the next push that concerns a remote tells.
func (u *Upstream) MakeKnown() {
	dir, err := queue.Dir(u.getenv, u.config.StateDir)
	if err != nil {
		return
	}
	if q, err := queue.Open(dir); err == nil {
		_ = q.AddKnown(u.Dir())
	}
}

// MarkAll makes a mark for all remotes of a repository, to be used when its configuration
// cannot be read.
func MarkAll(repo *git.Repository, p state.Push) error {
	all, err := state.Of(repo.Dir(), "")
	if err != nil {
		return err
	}
	return all.Mark(p)
}

// passOn turns a mark for the whole repository into one for each remote.
func (u *Upstream) passOn() error {
	all, err := state.Of(u.Dir(), "")
	if err != nil {
		return err
	}
	since, ok, err := all.Marked()
	if err != nil || !ok {
		return err
	}
	if err := all.Take(); err != nil {
		return err
	}
	pushes := all.Pushes()
	if len(pushes) == 0 {
		pushes = []state.Push{{Time: since}}
	}
	for _, remote := range u.config.Remotes {
		for _, p := range pushes {
			if err := u.Mark(remote, p); err != nil {
				return err
			}
		}
	}
	return all.ClearTaken()
}

// Mark notes, durably, that a remote has work, and by whose push.
func (u *Upstream) Mark(remote config.Remote, p state.Push) error {
	dir, err := state.Of(u.Dir(), remote.Name)
	if err != nil {
		return err
	}
	return dir.Mark(p)
}
