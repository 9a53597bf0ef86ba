package plan

import (
	"cmp"
	"slices"
	"strings"

	"git-push-mirror/pushmirror/git"
)

// A push takes its leases and deletions as arguments: maxLeases bounds the work
// that git has with them (leases times refs), maxArguments how long they are, in
// bytes: Linux takes 2 MiB with the environment, others half of that.
const (
	maxLeases    = 500
	maxArguments = 256 << 10
)

// Batch is what goes into one git push.
type Batch []*Step

// Batches divides the steps that are to be sent into pushes: as few as refsPerPush
// (0: no limit) and git's rules allow. The default branch is in the first, since
// some hosts make the first branch they see theirs; deletions come before what
// they may make room for; suspects are last and alone.
func Batches(steps []*Step, defaultBranch git.RefName, refsPerPush int) []Batch {
	var todo, suspects []*Step
	for _, s := range steps {
		switch {
		case !s.Sent():
		case s.Suspect:
			suspects = append(suspects, s)
		default:
			todo = append(todo, s)
		}
	}
	for _, some := range [][]*Step{todo, suspects} {
		slices.SortStableFunc(some, func(a, b *Step) int {
			return cmp.Compare(rank(a, defaultBranch), rank(b, defaultBranch))
		})
	}
	var batches []Batch
	for len(todo) > 0 {
		var b Batch
		b, todo = fill(todo, refsPerPush)
		batches = append(batches, b)
	}
	for _, s := range suspects {
		batches = append(batches, Batch{s})
	}
	return batches
}

func rank(s *Step, defaultBranch git.RefName) int {
	switch {
	case s.Result == Deleted && s.Name.ConflictsWith(defaultBranch):
		return 0
	case s.Name == defaultBranch:
		return 1
	case s.Result == Deleted:
		return 2
	default:
		return 3
	}
}

// fill takes the steps of one push from the front of todo and returns the rest.
//
// A lease for refs/heads/x also governs refs/heads/refs/heads/x: git matches it as
// people write refs. It would switch that ref's fast-forward check off, so the two
// never share a push.
func fill(todo []*Step, refsPerPush int) (Batch, []*Step) {
	var batch Batch
	var rest []*Step
	leased := map[git.RefName]bool{}
	names := map[git.RefName]bool{} // those that a lease may govern
	arguments := 0
	for i, s := range todo {
		if (refsPerPush > 0 && len(batch) == refsPerPush) || len(leased) == maxLeases || arguments >= maxArguments {
			return batch, append(rest, todo[i:]...)
		}
		if governed(s, leased, names) {
			rest = append(rest, s)
			continue
		}
		batch = append(batch, s)
		if s.nested() {
			names[s.Name] = true
		}
		if s.Leased() {
			leased[s.Name] = true
			arguments += 2*len(s.Name) + len(s.Old) + 64 // a deletion names it once more
		}
	}
	return batch, rest
}

// nested reports whether the ref has the full name of another ref in its own.
func (s *Step) nested() bool {
	for _, prefix := range suffixed {
		if strings.HasPrefix(string(s.Name), string(prefix)+"refs/") {
			return true
		}
	}
	return false
}

func governed(s *Step, leased, names map[git.RefName]bool) bool {
	for _, prefix := range suffixed {
		if s.Leased() && names[prefix+s.Name] {
			return true
		}
		if n := len(prefix); len(s.Name) > n && s.Name[:n] == prefix && leased[s.Name[n:]] {
			return true
		}
	}
	return false
}
