package proof

import (
	"maps"
	"slices"
	"strings"
)

// A situation is all that decides what an update from a fresh listing does to a mirror.
type situation struct {
	upstream, mirror         map[string]string // values by the names of refs
	upstreamHead, mirrorHead string            // the branches that HEAD names
	config                   remoteConfig
	refuses                  map[string]bool // refs that the mirror takes no change of

	knownUpstream func(oid string) bool    // upstream has the object
	commit        func(oid string) string  // what it is or leads to; "": no commit
	contains      func(tip, c string) bool // c is tip or one of its ancestors
	ours          func(name string) bool   // the mirror's value is what we last put there
	overwrite     string                   // a ref that is to be replaced although it diverged
}

// remoteConfig is what a remote is configured with.
type remoteConfig struct {
	protected  []string // nil: all branches are mirrored
	keep       bool
	follow     bool
	prune      string
	tags       string
	pruneLimit int // 0: none
}

// An expectation is what the mirror holds after that update, and what the status says.
type expectation struct {
	mirror              map[string]string
	divergent, rejected map[string]bool
	// withheld: deletions that the configuration asks for are not done, and that is a failure.
	withheld bool
}

// specify says what an update has to do: the table of refs in the manual, and what stands below it.
func specify(s situation) expectation {
	e := expectation{maps.Clone(s.mirror), map[string]bool{}, map[string]bool{}, false}
	set := func(name, oid string) {
		switch {
		case s.refuses[name]:
			e.rejected[name] = true
		case oid == "":
			delete(e.mirror, name)
		default:
			e.mirror[name] = oid
		}
	}
	var created, deleted []string
	for name := range union(s.upstream, s.mirror) {
		here, there := s.upstream[name], s.mirror[name]
		switch {
		case here == there || !s.inside(name):
		case here == "" && s.prunes(there):
			switch {
			case s.upstream[s.upstreamHead] == "":
				e.withheld = true
			case name != s.mirrorHead:
				deleted = append(deleted, name)
			}
		case here == "": // left alone
		case there == "":
			created = append(created, name)
		case s.forward(there, here), !s.config.keep, s.config.follow && s.ours(name), name == s.overwrite:
			set(name, here)
		default:
			e.divergent[name] = true
		}
	}
	if s.config.pruneLimit > 0 && len(deleted) > s.config.pruneLimit {
		deleted, e.withheld = nil, true
	}
	for _, name := range deleted {
		set(name, "")
	}
	for _, name := range created {
		if conflicts(name, e.mirror) {
			e.rejected[name] = true
		} else {
			set(name, s.upstream[name])
		}
	}
	return e
}

// inside reports whether the filter lets a ref through.
func (s situation) inside(name string) bool {
	if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
		return s.config.protected == nil || slices.ContainsFunc(s.config.protected, func(pattern string) bool { return matches(pattern, branch) })
	}
	switch s.config.tags {
	case "none":
		return false
	case "all":
		return true
	}
	tag := s.upstream[name]
	if tag == "" {
		tag = s.mirror[name]
	}
	if !s.knownUpstream(tag) || s.commit(tag) == "" {
		return false
	}
	for branch, tip := range s.upstream {
		if strings.HasPrefix(branch, "refs/heads/") && s.inside(branch) && s.contains(tip, s.commit(tag)) {
			return true
		}
	}
	return false
}

// matches reports whether a pattern, in which a * stands for anything, matches the whole name.
func matches(pattern, name string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, before)
	for ok && !matches(after, rest) {
		ok = rest != ""
		rest = rest[min(1, len(rest)):]
	}
	return ok
}

// forward reports whether the mirror's value is an ancestor of upstream's.
func (s situation) forward(there, here string) bool {
	from, to := s.commit(there), s.commit(here)
	return s.knownUpstream(there) && from != "" && to != "" && s.contains(to, from)
}

// prunes reports whether the mirror's value of a ref that upstream lacks may go. Without a default
// branch nothing is merged, and what is known here counts as what would be.
func (s situation) prunes(there string) bool {
	base := s.upstream[s.upstreamHead]
	switch s.config.prune {
	case "all":
		return true
	case "merged":
		return s.knownUpstream(there) && (base == "" || s.forward(there, base))
	}
	return false
}

// conflicts reports whether a ref cannot be where the others are: one's name is a folder in the
// other's.
func conflicts(name string, others map[string]string) bool {
	for other := range others {
		if strings.HasPrefix(name, other+"/") || strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

func union(a, b map[string]string) map[string]bool {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}
