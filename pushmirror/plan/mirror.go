package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"git-push-mirror/pushmirror/git"
)

// Mirror is what a mirror holds, as far as is known: as listed, and as changed
// by our own pushes since.
type Mirror struct {
	Head git.RefName // the branch that its HEAD names; "" when not known
	Refs git.Refs
	// Foreign are the refs whose value we did not put there: every other one
	// holds what we last pushed, or was once found equal to upstream's.
	Foreign map[git.RefName]bool
	// Left are the refs that upstream lacks and that the last update decided to
	// leave on the mirror.
	Left map[git.RefName]bool
}

// Listed is what the mirror holds by a listing, of refs and head; before is what was known until
// now. A ref is foreign that has neither upstream's value nor the one that we knew to be ours.
func Listed(refs git.Refs, head git.RefName, before Mirror, upstream git.Refs) Mirror {
	m := Mirror{Head: head, Refs: refs, Foreign: map[git.RefName]bool{}, Left: map[git.RefName]bool{}}
	for _, was := range before.Refs {
		if was.Symref == "" {
			continue
		}
		if _, here := upstream.Get(was.Name); !here {
			m.rememberSymbolic(was)
		}
	}
	for there, was := range git.Join(refs, before.Refs) {
		if there.Name != "" && (was.OID != there.OID || before.Foreign[there.Name]) {
			m.Foreign[there.Name] = true
		}
	}
	return m.clearForeign(upstream)
}

// rememberSymbolic marks a ref that was symbolic as one still, if it has the value of the ref that
// it pointed to: a listing by protocol version 0 does not show which refs are symbolic.
func (m Mirror) rememberSymbolic(was git.Ref) {
	i, ok := slices.BinarySearchFunc(m.Refs, was.Name, func(ref git.Ref, name git.RefName) int { return cmp.Compare(ref.Name, name) })
	if target, _ := m.Refs.Get(was.Symref); ok && m.Refs[i].OID == target.OID {
		m.Refs[i].Symref = was.Symref
	}
}

// WithSymbolic is a mirror that was listed after a deletion, with those deleted refs put back that
// turn out to be symbolic. Deleting a symbolic ref deletes the ref that it points to, which has the
// same value; the symbolic ref stays, but is no longer listed since it leads nowhere.
func (m Mirror) WithSymbolic(before Mirror, deleted []*Step) Mirror {
	if len(deleted) == 0 {
		return m
	}
	gone := map[git.OID]git.RefName{}
	for was, now := range git.Join(before.Refs, m.Refs) {
		if now.Name == "" && was.Symref == "" {
			gone[was.OID] = was.Name
		}
	}
	refs := slices.Clone(m.Refs)
	for _, s := range deleted {
		if target, ok := gone[s.Old]; ok {
			refs = append(refs, git.Ref{Name: s.Name, OID: s.Old, Symref: target})
		}
	}
	m.Refs = git.Sort(refs)
	return m
}

// clearForeign removes from Foreign the refs that hold what upstream holds.
func (m Mirror) clearForeign(upstream git.Refs) Mirror {
	for name := range m.Foreign {
		here, _ := upstream.Get(name)
		there, _ := m.Refs.Get(name)
		if here.OID == there.OID {
			delete(m.Foreign, name)
		}
	}
	return m
}

// After is the mirror once the steps that are sent have happened. A ref with the value that it has
// upstream is no longer foreign; neither is any that was just pushed.
func (m Mirror) After(done []*Step, upstream git.Refs) Mirror {
	after := Mirror{Head: m.Head, Refs: m.Refs, Foreign: maps.Clone(m.Foreign), Left: m.Left}
	if after.Foreign == nil {
		after.Foreign = map[git.RefName]bool{}
	}
	changed := make(git.Refs, 0, len(done)) // with no value where it is gone
	created := 0
	for _, s := range done {
		if !s.Sent() {
			continue
		}
		changed = append(changed, git.Ref{Name: s.Name, OID: s.New})
		if s.Old == "" {
			created++
		}
	}
	if len(changed) == 0 {
		return after.clearForeign(upstream)
	}
	after.Refs = make(git.Refs, 0, len(m.Refs)+created)
	for was, now := range git.Join(m.Refs, git.Sort(changed)) {
		switch {
		case now.Name == "":
			after.Refs = append(after.Refs, was)
		case now.OID != "":
			after.Refs = append(after.Refs, now)
		}
	}
	return after.clearForeign(upstream)
}

// InTheWay are the refs that keep one of this name from being created, as refs/heads/a keeps
// refs/heads/a/b.
func (m Mirror) InTheWay(name git.RefName) map[git.RefName]bool {
	found := map[git.RefName]bool{}
	for ref := range m.Refs.Below(name) {
		found[ref.Name] = true
	}
	for i := strings.LastIndexByte(string(name), '/'); i > 0; i = strings.LastIndexByte(string(name[:i]), '/') {
		if ref, ok := m.Refs.Get(name[:i]); ok {
			found[ref.Name] = true
		}
	}
	return found
}
