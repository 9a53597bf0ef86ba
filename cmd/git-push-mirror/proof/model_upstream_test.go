package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// push changes some refs upstream, with one call of the hook for them all, or behind everybody's
// back.
func (m *model) push(t *rapid.T) {
	hooked := rapid.IntRange(0, 3).Draw(t, "hook") > 0
	changes := map[string]string{}
	after := maps.Clone(m.upstream)
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		name := rapid.SampledFrom(names).Draw(t, "ref")
		delete(after, name)
		if oid := m.newValue(t, name, m.upstream); oid != m.upstream[name] && (oid == "" || !conflicts(name, after)) {
			changes[name] = oid
		}
		if after[name] = m.upstream[name]; changes[name] != "" {
			after[name] = changes[name]
		}
		if after[name] == "" {
			delete(after, name)
		}
	}
	if len(changes) == 0 {
		drop(t, "nothing to push")
	}
	m.change(changes, hooked)
}

// newValue draws what a ref that is among others may come to hold; "" deletes it.
func (m *model) newValue(t *rapid.T, name string, refs map[string]string) string {
	old := refs[name]
	tip := m.commit(old)
	var others []string
	for _, other := range slices.Sorted(maps.Keys(refs)) {
		if commit := m.commit(refs[other]); commit != "" {
			others = append(others, commit)
		}
	}
	what := []string{"commit", "commit", "commit", "commit"}
	if old != "" {
		what = append(what, "delete", "rewrite")
	}
	if len(others) > 0 {
		what = append(what, "merge", "as another")
	}
	if len(m.parents(tip)) > 0 {
		what = append(what, "set back")
	}
	isTag := strings.HasPrefix(name, "refs/tags/")
	if isTag {
		what = append(what, "blob")
	}
	var oid string
	switch rapid.SampledFrom(what).Draw(t, "what") {
	case "delete":
		return ""
	case "commit":
		oid = m.newCommit(some(tip)...)
		if isTag && tip == "" && len(others) > 0 {
			oid = rapid.SampledFrom(others).Draw(t, "other")
		}
	case "rewrite":
		oid = m.newCommit(m.parents(tip)...)
	case "merge":
		oid = m.newCommit(append(some(tip), rapid.SampledFrom(others).Draw(t, "other"))...)
	case "as another":
		oid = rapid.SampledFrom(others).Draw(t, "other")
	case "set back":
		oid = m.parents(tip)[0]
	case "blob":
		oid = m.newBlob()
	}
	if isTag && rapid.Bool().Draw(t, "annotated") {
		oid = m.newTag(oid)
	}
	return oid
}

func some(oid string) []string {
	if oid == "" {
		return nil
	}
	return []string{oid}
}

func (m *model) parents(commit string) (parents []string) {
	for _, oid := range m.all[commit].needs {
		if m.all[oid].kind == "commit" {
			parents = append(parents, oid)
		}
	}
	return parents
}

// change gives refs upstream other values.
func (m *model) change(changes map[string]string, hooked bool) {
	var commands, pushed strings.Builder
	var told []string
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		oid := changes[name]
		if oid == "" {
			fmt.Fprintf(&commands, "delete %s\n", name)
		} else {
			m.check(m.store(m.path("up.git"), oid))
			fmt.Fprintf(&commands, "update %s %s\n", name, oid)
		}
		fmt.Fprintf(&pushed, "%s %s %s\n", full(m.upstream[name]), full(oid), name)
		told = append(told, m.describe(name, m.upstream[name], oid))
	}
	verb := "push"
	if !hooked {
		verb = "update-ref"
	}
	m.say("%s up.git %s", verb, strings.Join(told, ", "))
	m.gitInput(commands.String(), "up.git", "update-ref", "--stdin")
	for name, oid := range changes {
		if oid == "" {
			delete(m.upstream, name)
		} else {
			m.upstream[name] = oid
		}
	}
	if hooked {
		r := m.run(pushed.String(), []string{"GIT_DIR=" + m.path("up.git")}, program, "hook")
		if r.code != 0 || strings.Contains(r.stderr, "error") {
			m.t.Fatalf("the hook ended with %d\n%s", r.code, r.stderr)
		}
	}
	for _, r := range m.remotes {
		for name := range changes {
			// What is outside of the filter makes no update due, but may decide what an update
			// deletes.
			if s := m.situation(r, nil); !s.inside(name) || !hooked {
				m.touchThoseMissing(r.mirror)
			}
		}
	}
}

func full(oid string) string {
	if oid == "" {
		return strings.Repeat("0", 40)
	}
	return oid
}

// describe tells of a change as a person would.
func (m *model) describe(name, old, oid string) string {
	text := fmt.Sprintf("%s %s..%s", name, short(old), short(oid))
	if parents := m.parents(m.commit(oid)); len(parents) > 0 && !m.contains(old, oid) {
		text += fmt.Sprintf(" (%s on %s)", m.all[oid].kind, short(parents[0]))
	} else if oid != "" {
		text += fmt.Sprintf(" (%s)", m.all[oid].kind)
	}
	return text
}

// touchThoseMissing notes that the next update may delete refs that upstream lacks, for a reason
// that makes it not due.
func (m *model) touchThoseMissing(mirror *mirror) {
	if mirror.away {
		return
	}
	for name := range m.refs(mirror.dir) {
		if m.upstream[name] == "" {
			mirror.touched[name] = true
		}
	}
}

func (m *model) moveHead(t *rapid.T) {
	head := rapid.SampledFrom(branches).Draw(t, "head")
	if head == m.head {
		drop(t, "it is there already")
	}
	m.head = head
	m.say("git -C up.git symbolic-ref HEAD %s", head)
	m.git("up.git", "symbolic-ref", "HEAD", head)
	for _, mirror := range m.mirrors {
		m.touchThoseMissing(mirror)
	}
}

func (m *model) maintain(t *rapid.T) {
	args := rapid.SampledFrom([][]string{
		{"gc", "-q", "--prune=now"}, {"repack", "-q", "-a", "-d"}, {"prune", "--expire=now"}, {"pack-refs", "--all", "--prune"},
	}).Draw(t, "maintenance")
	m.say("git -C up.git %s", strings.Join(args, " "))
	// Grafts in a circle are the end of git itself.
	argv := append([]string{"git", "--git-dir=" + m.path("up.git")}, args...)
	if r := m.run("", []string{"GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE=/dev/null"}, argv...); r.code != 0 {
		t.Fatalf("git %q ended with %d\n%s", args, r.code, r.stderr)
	}
	m.touchDifferent()
}

// touchDifferent notes that what upstream knows of the mirrors' objects has changed.
func (m *model) touchDifferent() {
	for _, mirror := range m.mirrors {
		if mirror.away {
			continue
		}
		for name, oid := range m.refs(mirror.dir) {
			if m.upstream[name] != oid {
				mirror.touched[name] = true
			}
		}
	}
}

// fetch takes the work on a mirror over, so that it is known upstream.
func (m *model) fetch(t *rapid.T) {
	mirror := m.anyMirror(t)
	m.say("git -C up.git fetch %s refs/*:refs/fetched/*", mirror.dir)
	for name, oid := range m.refs(mirror.dir) {
		m.check(m.store(m.path("up.git"), oid))
		m.gitInput(fmt.Sprintf("update refs/fetched/%s %s\n", strings.ReplaceAll(name, "/", "-"), oid), "up.git", "update-ref", "--stdin")
	}
	m.touchDifferent()
}

// replace has a replace ref, and a graft, make a stranger's commit look like an ancestor of
// upstream's.
func (m *model) replace(t *rapid.T) {
	mirror := m.anyMirror(t)
	there := m.refs(mirror.dir)
	name := rapid.SampledFrom(names).Draw(t, "ref")
	here, theirs := m.commit(m.upstream[name]), m.commit(there[name])
	if here == "" || theirs == "" || m.contains(here, theirs) {
		drop(t, "nothing to hide")
	}
	m.say("git -C up.git replace --graft %s %s, and the same in info/grafts", short(here), short(theirs))
	m.check(m.store(m.path("up.git"), theirs))
	substitute := m.newCommit(theirs)
	m.check(m.store(m.path("up.git"), substitute))
	m.git("up.git", "update-ref", "refs/replace/"+here, substitute)
	m.write("up.git/info/grafts", here+" "+theirs+"\n")
	m.touchDifferent()
}
