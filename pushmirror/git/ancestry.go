package git

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Pair asks whether Old, which the mirror holds, is an ancestor of New.
type Pair struct{ Old, New OID }

// Ancestry holds the answers of Compare.
type Ancestry struct {
	known     map[OID]bool
	ancestors map[Pair]bool
}

// Known reports whether upstream has the Old of a pair that was asked for.
func (a Ancestry) Known(old OID) bool { return a.known[old] }

// IsAncestor reports whether the commit of p.Old is the commit of p.New or an
// ancestor of it. It is false for what was not asked, is not known upstream, or
// is no commit.
func (a Ancestry) IsAncestor(p Pair) bool { return a.ancestors[p] }

// Compare answers any number of questions about ancestry, some thousand at a time: for all of
// many at once the answers are the same and take ten times the memory. Git has no command for
// many pairs. Most are answered by a look at what is new; for the others the commits are given
// numbered names, and
//
//	git push --dry-run --porcelain . refs/new/*:refs/old/*
//
// pushes the repository into itself, since a push compares each ref that it updates.
func (s *Scratch) Compare(ctx context.Context, pairs []Pair) (Ancestry, error) {
	answer := Ancestry{known: make(map[OID]bool, len(pairs)), ancestors: make(map[Pair]bool, len(pairs))}
	for some := range slices.Chunk(pairs, maxPairs) {
		left, err := s.compareNew(ctx, some, answer)
		if err == nil {
			err = s.compare(ctx, left, answer)
		}
		if err != nil {
			return answer, err
		}
	}
	return answer, nil
}

const (
	maxPairs = 10_000
	// maxNew is how many commits are listed to compare by, maxSteps how many are gone over.
	maxNew, maxSteps = 50_000, 1_000_000
)

// compareNew looks for each Old among the parents of commits that are new, from its New on:
//
//	git rev-list --parents --stdin
//
// which one process does for all, with the Olds excluded. What it finds is an ancestor. It
// returns the pairs of which that tells nothing: Old is no ancestor, or no commit, or hidden
// behind another pair's.
func (s *Scratch) compareNew(ctx context.Context, pairs []Pair, answer Ancestry) (left []Pair, err error) {
	var in strings.Builder
	for _, p := range pairs {
		if !p.Old.IsZero() && !p.New.IsZero() {
			in.WriteString(string(p.New) + "\n^" + string(p.Old) + "\n")
		}
	}
	if in.Len() == 0 {
		return pairs, nil
	}
	if err := s.configure(len(pairs[0].Old)); err != nil {
		return nil, err
	}
	parents := make(map[OID][]OID, len(pairs))
	out := lines{each: func(line string) error {
		var ids []OID
		for id := range strings.FieldsSeq(line) {
			ids = append(ids, OID(id))
		}
		if len(ids) == 0 {
			return errors.New("reading 'git rev-list': an empty line")
		}
		parents[ids[0]] = ids[1:]
		return nil
	}}
	_, err = s.run(ctx, command{stdin: strings.NewReader(in.String()), stdout: &out, args: []string{
		"rev-list", "--parents", "--ignore-missing", "--max-count=" + strconv.Itoa(maxNew), "--stdin",
	}})
	var failed *Error
	if errors.As(err, &failed) && failed.ExitCode > 0 {
		return pairs, nil // history that cannot be read: a push knows how far that matters
	}
	if err = cmp.Or(err, out.close()); err != nil {
		return nil, err
	}
	steps := maxSteps
	for _, p := range pairs {
		if leadsTo(parents, p, &steps) {
			answer.known[p.Old], answer.ancestors[p] = true, true
		} else {
			left = append(left, p)
		}
	}
	return left, nil
}

// leadsTo reports whether a way from p.New to p.Old is found in so many steps.
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

func (s *Scratch) compare(ctx context.Context, pairs []Pair, answer Ancestry) error {
	oids := make([]OID, 0, 2*len(pairs))
	for _, p := range pairs {
		oids = append(oids, p.Old, p.New)
	}
	oids = slices.DeleteFunc(oids, OID.IsZero)
	slices.Sort(oids)
	objects, err := s.upstream.Objects(ctx, slices.Compact(oids))
	if err != nil {
		return err
	}
	var asked []Pair
	for _, p := range pairs {
		answer.known[p.Old] = objects.Known(p.Old)
		switch from, to := objects.Commit(p.Old), objects.Commit(p.New); {
		case from == "" || to == "":
		case from == to:
			answer.ancestors[p] = true
		default:
			asked = append(asked, p)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	return s.compareMany(ctx, asked, objects, answer)
}

func (s *Scratch) compareMany(ctx context.Context, pairs []Pair, objects Objects, answer Ancestry) error {
	const from, to = "refs/new/", "refs/old/"
	refs := make(Refs, 0, 2*len(pairs))
	for i, p := range pairs {
		number := RefName(strconv.Itoa(i))
		refs = append(refs, Ref{Name: to + number, OID: objects.Commit(p.Old)}, Ref{Name: from + number, OID: objects.Commit(p.New)})
	}
	if err := s.setRefs(Sort(refs)); err != nil {
		return err
	}
	var r report
	out := lines{each: r.line}
	_, err := s.run(ctx, command{stdout: &out, args: append(pushCommand("--dry-run"), "--", ".", from+"*:"+to+"*")})
	if err := out.close(); err != nil {
		return err
	}
	if err != nil && !anyRefused(r.outcomes) {
		return err
	}
	for _, o := range r.outcomes {
		if i, err := strconv.Atoi(strings.TrimPrefix(string(o.Name), to)); err == nil && i < len(pairs) && !o.Refused() {
			answer.ancestors[pairs[i]] = true
		}
	}
	return nil
}
