package git

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Pair asks whether Old, which the mirror holds, is an ancestor of New.
type Pair struct{ Old, New OID }

func (p Pair) compare(other Pair) int {
	return cmp.Or(cmp.Compare(p.Old, other.Old), cmp.Compare(p.New, other.New))
}

// Ancestry holds the answers of Compare.
type Ancestry struct {
	pairs   []Pair // sorted
	answers []answer
}

// answer is what is known of a pair.
type answer struct {
	known     bool // upstream has Old
	ancestor  bool // Old is an ancestor of New
	unread    bool // New's history may be unreadable here, so Old may be an ancestor all the same
	undecided bool // some history is unreadable, and git gave no answer
}

// Known reports whether upstream has the Old of a pair that was asked for.
func (a Ancestry) Known(old OID) bool {
	i, _ := slices.BinarySearchFunc(a.pairs, Pair{Old: old}, Pair.compare)
	return i < len(a.pairs) && a.pairs[i].Old == old && a.answers[i].known
}

// IsAncestor reports whether the commit of p.Old is the commit of p.New or an
// ancestor of it. It is false for what was not asked, is not known upstream, or
// is no commit.
func (a Ancestry) IsAncestor(p Pair) bool {
	i, found := slices.BinarySearchFunc(a.pairs, p, Pair.compare)
	return found && a.answers[i].ancestor
}

// Unread are the News, sorted, whose history may not be readable here: an Old that IsAncestor
// denies may be their ancestor.
func (a Ancestry) Unread() []OID {
	return a.news(func(one answer) bool { return one.unread && !one.ancestor })
}

// Undecided are those of the Unread, sorted, about which git gave no answer.
func (a Ancestry) Undecided() []OID {
	return a.news(func(one answer) bool { return one.undecided })
}

// news are the News, sorted, of the pairs with such an answer.
func (a Ancestry) news(with func(answer) bool) []OID {
	var oids []OID
	for i, p := range a.pairs {
		if with(a.answers[i]) {
			oids = append(oids, p.New)
		}
	}
	slices.Sort(oids)
	return slices.Compact(oids)
}

// Compare answers any number of questions about ancestry, for which git has no command. For most it
// looks at the commits that are new; for the others it gives the commits numbered names, and
//
//	git push --dry-run --porcelain . refs/new/*:refs/old/*
//
// pushes the repository into itself, since a push compares each ref that it updates. It takes
// maxPairs at a time: very many at once would take ten times the memory.
func (s *Scratch) Compare(ctx context.Context, pairs []Pair) (Ancestry, error) {
	pairs = slices.Compact(slices.SortedFunc(slices.Values(pairs), Pair.compare))
	all := Ancestry{pairs, make([]answer, len(pairs))}
	for from := 0; from < len(pairs); from += maxPairs {
		to := min(from+maxPairs, len(pairs))
		some := Ancestry{pairs[from:to], all.answers[from:to]}
		if err := s.compareNew(ctx, some); err != nil {
			return all, err
		}
		if err := s.compareLeft(ctx, some); err != nil {
			return all, err
		}
	}
	return all, nil
}

const (
	maxPairs = 10_000
	// maxNew is how many commits are listed at most, maxSteps how many are visited to compare by.
	maxNew, maxSteps = 50_000, 1_000_000
	// maxParents is how many of their parents are kept: more than ordinary history has. A commit
	// can have any number, and a pack of a few megabytes can unfold to a gigabyte of them.
	maxParents = 4 * maxNew
)

// compareNew looks for each Old among the parents of commits that are new, from its New on:
//
//	git rev-list --parents --stdin
//
// run once for all pairs, with the Olds excluded. An Old that it finds is an ancestor. One that it
// does not find may be no ancestor, no commit, or an ancestor of another Old.
func (s *Scratch) compareNew(ctx context.Context, a Ancestry) error {
	var in strings.Builder
	for _, p := range a.pairs {
		if !p.Old.isZero() && !p.New.isZero() {
			in.WriteString(string(p.New) + "\n^" + string(p.Old) + "\n")
		}
	}
	if in.Len() == 0 {
		return nil
	}
	if err := s.configure(len(a.pairs[0].Old)); err != nil {
		return err
	}
	listed := revList{parents: make(map[OID][]OID, len(a.pairs))}
	out := lines{each: listed.line, most: 65 * maxParents}
	_, err := s.run(ctx, command{stdin: strings.NewReader(in.String()), stdout: &out, args: []string{
		"rev-list", "--parents", "--ignore-missing", "--max-count=" + strconv.Itoa(maxNew), "--stdin",
	}})
	if exitCode(err) > 0 {
		for i := range a.answers {
			a.answers[i].unread = true
		}
		return nil // compareByPush finds out which pairs that concerns
	}
	if err = cmp.Or(err, out.close()); err != nil {
		return err
	}
	steps := maxSteps
	for i, p := range a.pairs {
		if leadsTo(listed.parents, p, &steps) {
			a.answers[i] = answer{known: true, ancestor: true}
		}
	}
	return nil
}

// revList reads the output of
//
//	git rev-list --parents
//
// and leaves out commits whose parents would exceed maxParents.
type revList struct {
	parents map[OID][]OID
	kept    int
}

func (r *revList) line(line string) error {
	count := strings.Count(line, " ")
	if r.kept+count > maxParents {
		return nil
	}
	r.kept += count
	ids := make([]OID, 0, count+1)
	for id := range strings.FieldsSeq(line) {
		ids = append(ids, OID(id))
	}
	if len(ids) == 0 {
		return errors.New("reading 'git rev-list': an empty line")
	}
	r.parents[ids[0]] = ids[1:]
	return nil
}

// leadsTo reports whether parents lead from p.New to p.Old, and takes its steps off those left.
func leadsTo(parents map[OID][]OID, p Pair, steps *int) bool {
	if parents[p.New] == nil {
		return false
	}
	visited := map[OID]bool{}
	for todo := []OID{p.New}; len(todo) > 0 && *steps > 0; *steps-- {
		commit := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, parent := range parents[commit] {
			if parent == p.Old {
				return true
			}
			if !visited[parent] {
				visited[parent] = true
				todo = append(todo, parent)
			}
		}
	}
	return false
}

// compareLeft answers what compareNew did not.
func (s *Scratch) compareLeft(ctx context.Context, a Ancestry) error {
	var oids []OID
	for i, p := range a.pairs {
		if !a.answers[i].ancestor {
			oids = append(oids, p.Old, p.New)
		}
	}
	oids = slices.DeleteFunc(oids, OID.isZero)
	slices.Sort(oids)
	objects, err := s.upstream.Objects(ctx, slices.Compact(oids))
	if err != nil {
		return err
	}
	var asked []int
	for i, p := range a.pairs {
		if a.answers[i].ancestor {
			continue
		}
		from, to := objects.Commit(p.Old), objects.Commit(p.New)
		a.answers[i] = answer{
			known: objects.Known(p.Old), ancestor: from != "" && from == to,
			unread: !p.New.isZero() && (a.answers[i].unread || !objects.Known(p.New)),
		}
		if from != "" && to != "" && from != to {
			asked = append(asked, i)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	return s.compareByPush(ctx, a, asked, objects)
}

// compareByPush answers the pairs at these indexes, all of them about commits.
func (s *Scratch) compareByPush(ctx context.Context, a Ancestry, asked []int, objects Objects) error {
	const from, to = "refs/new/", "refs/old/"
	refs := make(Refs, 0, 2*len(asked))
	for _, i := range asked {
		number := RefName(strconv.Itoa(i))
		refs = append(refs,
			Ref{Name: to + number, OID: objects.Commit(a.pairs[i].Old)}, Ref{Name: from + number, OID: objects.Commit(a.pairs[i].New)})
	}
	if err := cmp.Or(s.setRefs(Sort(refs)), s.borrow()); err != nil {
		return err
	}
	var r report
	out := lines{each: r.line}
	_, err := s.run(ctx, command{
		stdout: &out, args: append(pushCommand("--dry-run"), "--", ".", from+"*:"+to+"*"),
		env: []string{"GIT_ALLOW_PROTOCOL=file"}, // what the user forbids is about mirrors
	})
	if err := out.close(); err != nil {
		return err
	}
	switch {
	case err == nil || anyRefused(r.outcomes):
	case BrokenObject(err):
		for _, i := range asked {
			a.answers[i].unread, a.answers[i].undecided = true, true
		}
		return nil
	default:
		return err
	}
	for _, o := range r.outcomes {
		if i, err := strconv.Atoi(strings.TrimPrefix(string(o.Name), to)); err == nil && i < len(a.answers) && !o.Refused() {
			a.answers[i].ancestor = true
		}
	}
	return nil
}

// borrow names upstream's objects in the scratch repository itself: when git pushes into it, it
// passes none of our environment to the receiving side.
func (s *Scratch) borrow() error {
	if err := os.MkdirAll(filepath.Join(s.dir, "objects/info"), 0o700); err != nil {
		return err
	}
	return s.write("objects/info/alternates", s.objects()+"\n")
}
