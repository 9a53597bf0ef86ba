package plan

import (
	"cmp"
	"iter"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// Refusal is a ref that the mirror would not take.
type Refusal struct {
	Name   git.RefName `json:"ref"`
	Reason string      `json:"reason"`
	// New is the value that it refused; "" for a deletion.
	New git.OID `json:"new"`
	// Guilty: because of this ref the mirror declined a whole push. It is tried
	// again only with another value, or on demand.
	Guilty bool `json:"guilty,omitempty"`
}

// Input is what a plan is made from.
type Input struct {
	Remote   config.Remote
	Upstream git.Refs
	// Incomplete: upstream has more refs, which cannot be read. So what it seems to lack is left
	// alone.
	Incomplete bool
	// Default is the branch that upstream's HEAD names; "" when there is none.
	Default git.RefName
	Mirror  Mirror
	// Guilty are the refs that made the mirror decline a push. They are tried again when their
	// value has changed, or with RetryGuilty.
	Guilty      []Refusal
	RetryGuilty bool
	// Overwrite names refs that are to be replaced although they diverged, each
	// with the value that the mirror must still hold.
	Overwrite map[git.RefName]git.OID
	// PruneAnyway lifts the limit on deletions.
	PruneAnyway bool
}

// Ancestry answers what Questions asks.
type Ancestry interface {
	// IsAncestor reports whether the commit of Old is the commit of New or one of its ancestors. It
	// is false if that cannot be known here.
	IsAncestor(git.Pair) bool
	// Known reports whether upstream has the object.
	Known(git.OID) bool
}

// Presumed is an Ancestry by which every ref has moved forward. A plan made from it is safe to push
// unforced, since git then compares each branch itself before it sends anything: see
// [Input.Presumes].
type Presumed struct{}

// IsAncestor is true.
func (Presumed) IsAncestor(git.Pair) bool { return true }

// Known is true.
func (Presumed) Known(git.OID) bool { return true }

// Facts are git's answers.
type Facts struct {
	Ancestry Ancestry
	// Outside are those of UndecidedTags that no mirrored branch contains.
	Outside map[git.RefName]bool
}

// Inside reports whether the filter of a remote lets a ref through. With tags = "reachable" a tag
// must also be contained in a mirrored branch: see [Input.UndecidedTags].
func Inside(remote config.Remote, name git.RefName) bool {
	if name.IsBranch() {
		return remote.Branches.Match(name.Short())
	}
	return name.IsTag() && remote.Tags != config.TagsNone
}

// differences yields upstream's and the mirror's ref for each name inside the
// filter where they differ. Names that are symbolic upstream are left out.
func (in Input) differences() iter.Seq2[git.Ref, git.Ref] {
	return func(yield func(git.Ref, git.Ref) bool) {
		for up, there := range git.Join(in.Upstream, in.Mirror.Refs) {
			name := cmp.Or(up.Name, there.Name)
			if up.OID == there.OID || up.Symref != "" || !Inside(in.Remote, name) {
				continue
			}
			if !yield(up, there) {
				return
			}
		}
	}
}

// Questions lists the values to compare: for each ref that differs, the mirror's with upstream's;
// for each that only the mirror has and that might be pruned, the mirror's with upstream's default
// branch.
func (in Input) Questions() []git.Pair {
	var pairs []git.Pair
	base, _ := in.Upstream.Get(in.Default)
	for up, there := range in.differences() {
		switch {
		case there.OID == "" || there.Symref != "":
		case up.OID != "":
			pairs = append(pairs, git.Pair{Old: there.OID, New: up.OID})
		case in.Remote.Prune == config.PruneMerged:
			// Without a default branch New is empty: then all that is asked is
			// whether the object is known.
			pairs = append(pairs, git.Pair{Old: there.OID, New: base.OID})
		}
	}
	return pairs
}

// Holding lists the refs that differ and whose value upstream is one of these.
func (in Input) Holding(values map[git.OID]bool) (names []git.RefName) {
	for up := range in.differences() {
		if values[up.OID] {
			names = append(names, up.Name)
		}
	}
	return names
}

// Presumes reports whether [Presumed] may answer the questions: there are at most so many, all
// about branches that both sides have. Tags and deletions are pushed with a lease, for which git
// compares nothing, and so are rewritten branches that are to be followed.
func (in Input) Presumes(most int) bool {
	if !in.Remote.KeepDivergentRefs || in.Remote.FollowRewrites {
		return false
	}
	for up, there := range in.differences() {
		switch {
		case up.OID == "" && in.Remote.Prune == config.PruneNever:
		case up.OID == "" || there.OID != "" && !up.Name.IsBranch():
			return false
		case there.OID != "":
			if most--; most < 0 {
				return false
			}
		}
	}
	return true
}

// UndecidedTags lists the tags that differ and that the filter lets through only if a mirrored
// branch contains them, and these branches.
func (in Input) UndecidedTags() (tags, branches git.Refs) {
	if in.Remote.Tags != config.TagsReachable {
		return nil, nil
	}
	for up, there := range in.differences() {
		if !cmp.Or(up.Name, there.Name).IsTag() {
			continue
		}
		if up.OID != "" {
			tags = append(tags, up)
		} else if in.Remote.Prune != config.PruneNever {
			tags = append(tags, there)
		}
	}
	if len(tags) == 0 {
		return nil, nil
	}
	for _, ref := range in.Upstream {
		if ref.Name.IsBranch() && ref.Symref == "" && Inside(in.Remote, ref.Name) {
			branches = append(branches, ref)
		}
	}
	return tags, branches
}

// Pending lists the refs that still have to be brought to the mirror: those that differ, without
// deletions that are not wanted or that the last update decided against, and without outside.
func (in Input) Pending(outside map[git.RefName]bool) []git.RefName {
	var names []git.RefName
	for up, there := range in.differences() {
		name := cmp.Or(up.Name, there.Name)
		gone := up.OID == "" && (in.Remote.Prune == config.PruneNever || in.Mirror.Left[name] || there.Symref != "")
		if !gone && !outside[name] {
			names = append(names, name)
		}
	}
	return names
}
