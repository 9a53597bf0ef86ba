package pushmirror

import (
	"cmp"
	"context"
	"maps"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// outside finds the tags that no mirrored branch contains, of those that have to be
// in one. What leads to no commit is in none. An *UnreadableError names those of which git cannot
// tell; they count as outside.
func (u *Upstream) outside(ctx context.Context, in plan.Input) (map[git.RefName]bool, error) {
	tags, branches := in.UndecidedTags()
	if len(tags) == 0 {
		return nil, nil
	}
	var oids []git.OID
	for _, ref := range append(tags, branches...) {
		oids = append(oids, ref.OID)
	}
	objects, err := u.repo.Objects(ctx, oids)
	if err != nil {
		return nil, err
	}
	commitsOf := func(refs git.Refs) (commits []git.OID) {
		for _, ref := range refs {
			if commit := objects.Commit(ref.OID); commit != "" {
				commits = append(commits, commit)
			}
		}
		return commits
	}
	w := walk{repo: u.repo, tips: commitsOf(branches), left: maxWalks, unreachable: map[git.OID]bool{}, broken: map[git.OID]bool{}}
	if err := w.from(ctx, commitsOf(tags)); err != nil {
		return nil, err
	}
	outside := map[git.RefName]bool{}
	broken := &git.UnreadableError{Dir: u.Dir()}
	for _, tag := range tags {
		commit := objects.Commit(tag.OID)
		if commit == "" || w.unreachable[commit] || w.broken[commit] {
			outside[tag.Name] = true
		}
		if w.broken[commit] {
			broken.Names = append(broken.Names, string(tag.Name))
		}
	}
	if broken.Names != nil {
		return outside, broken
	}
	return outside, nil
}

// walk finds out which commits none of the tips reaches, and of which git cannot tell.
type walk struct {
	repo                *git.Repository
	tips                []git.OID
	left                int // how often git may be asked
	unreachable, broken map[git.OID]bool
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
