package pushmirror

import (
	"cmp"
	"context"
	"maps"

	"git-push-mirror/pushmirror/git"
)

// walk finds out which commits none of the tips reaches, and of which git cannot tell.
type walk struct {
	repo                *git.Repository
	tips                []git.OID
	left                int // how often git may be asked
	unreachable, broken map[git.OID]bool
}

func newWalk(repo *git.Repository, tips []git.OID) *walk {
	return &walk{repo: repo, tips: tips, left: maxWalks, unreachable: map[git.OID]bool{}, broken: map[git.OID]bool{}}
}

// maxWalks is enough to find three damaged ones among a thousand.
const maxWalks = 64

// from asks about all commits at once; if a damaged one keeps git from an answer, about each half.
func (w *walk) from(ctx context.Context, commits []git.OID) error {
	found, err := w.repo.Unreachable(ctx, commits, w.tips)
	w.left--
	switch {
	case err == nil:
		maps.Copy(w.unreachable, found)
		return nil
	case !git.BrokenObject(err):
		return err
	case len(commits) == 1 || w.left <= 0:
		for _, commit := range commits {
			w.broken[commit] = true
		}
		return nil
	}
	half := len(commits) / 2
	return cmp.Or(w.from(ctx, commits[:half]), w.from(ctx, commits[half:]))
}
