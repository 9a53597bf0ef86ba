package pushmirror

import (
	"context"

	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// outside finds the tags that no mirrored branch contains, of those that have to be in one. A tag
// that leads to no commit is in none. Where git cannot tell, since history is damaged, the tag
// counts as outside, and a *git.UnreadableError that comes with the result names it.
func (u *Upstream) outside(ctx context.Context, in plan.Input) (map[git.RefName]bool, error) {
	outside := map[git.RefName]bool{}
	tags, branches := in.UndecidedTags()
	if len(tags) == 0 {
		return outside, nil
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
	w := newWalk(u.repo, commitsOf(branches))
	if err := w.from(ctx, commitsOf(tags)); err != nil {
		return nil, err
	}
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
