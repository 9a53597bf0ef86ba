package proof

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

var (
	modelChecks = flag.Int("model", 8, "how many sequences TestModel tries, with each of its seeds")
	modelSeed   = flag.Uint64("modelseed", 0, "the second seed of TestModel; 0: another one each time")
)

// TestModel does at random what happens to an upstream repository and its mirrors, and checks after each run of the program
// that the promises hold, and that each mirror is what specify says. What it prints when it fails is the shortest such
// sequence that it has found.
func TestModel(t *testing.T) {
	random := *modelSeed
	if random == 0 {
		random = rand.Uint64() | 1
	}
	t.Logf("-modelseed=%d", random)
	var mu sync.Mutex
	check := func(name string, seed uint64) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mu.Lock() // rapid takes its seed from a flag, when it begins
			begun := sync.OnceFunc(mu.Unlock)
			for flagName, value := range map[string]string{
				"rapid.seed": strconv.FormatUint(seed, 10), "rapid.checks": strconv.Itoa(*modelChecks), "rapid.nofailfile": "true",
			} {
				if err := flag.Set(flagName, value); err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			rapid.Check(t, func(t *rapid.T) {
				begun()
				n++
				m := newModel(t, filepath.Join(dir, strconv.Itoa(n)))
				t.Cleanup(func() { _ = os.RemoveAll(m.dir) })
				t.Repeat(m.steps())
				m.quiet(t)
			})
		})
	}
	check("with a fixed seed", 1)
	check("with a random seed", random)
}

// The names are few, so that everything meets everything, and some are in each other's way.
var (
	branches = []string{"refs/heads/main", "refs/heads/dev", "refs/heads/rel/1", "refs/heads/rel", "refs/heads/v"}
	tags     = []string{"refs/tags/v", "refs/tags/v/1", "refs/tags/main"}
	names    = slices.Concat(branches, tags)
)

// model is what a test knows of its world.
type model struct {
	*world
	script *scripted
	*objects
	upstream map[string]string
	head     string // the branch that upstream's HEAD names
	atOnce   int    // updates
	mirrors  []*mirror
	remotes  []*remote
	runs     int
}

// remote is one in upstream's configuration.
type remote struct {
	name   string
	mirror *mirror
	config remoteConfig
}

// mirror is a repository that a remote's url names.
type mirror struct {
	dir      string
	away     bool
	head     string
	refuses  map[string]bool
	declines bool            // the whole push, if it has a ref that the mirror refuses
	foreign  map[string]bool // objects that strangers have put there
	ours     map[string]tri  // refs that hold what we last put there
	// touched are refs that may be other than last seen: only a listing shows it.
	touched map[string]bool
}

// A scripted test prints, when it fails, what was done as a script.
type scripted struct {
	*rapid.T
	lines []string
}

// Fatalf ends the test.
func (s *scripted) Fatalf(format string, args ...any) {
	s.Helper()
	s.T.Fatalf("%s\n\nThis was done:\n%s", fmt.Sprintf(format, args...), strings.Join(s.lines, "\n"))
}

// tri is how far something is known.
type tri string

const (
	yes   tri = "yes"
	no    tri = "no"
	maybe tri = "maybe"
)

func newModel(t *rapid.T, dir string) *model {
	script := &scripted{T: t}
	m := &model{
		world: newWorld(script, dir), script: script, objects: newObjects(), upstream: map[string]string{}, head: "refs/heads/main",
		atOnce: rapid.SampledFrom([]int{1, 4}).Draw(t, "updates at once"),
	}
	m.write("config.toml", fmt.Sprintf("[hook]\nwait = \"0s\"\n[worker]\nstart = \"never\"\nmax_concurrent = %d\n[defaults]\nretry_min = \"100ms\"\nretry_max = \"200ms\"\n", m.atOnce))
	for i, name := range []string{"a", "b"} {
		mirror := &mirror{dir: fmt.Sprintf("m%d.git", i+1)}
		m.mirrors = append(m.mirrors, mirror)
		m.remotes = append(m.remotes, &remote{name, mirror, remoteConfig{keep: true, prune: "never", tags: "all"}})
		m.renew(mirror)
	}
	m.configure(t, m.remotes[0])
	m.configure(t, m.remotes[1])
	m.change(map[string]string{"refs/heads/main": m.newCommit()}, true) // the worker knows where a hook was called
	return m
}

// say tells of a step, as people would do it by hand.
func (m *model) say(format string, args ...any) {
	m.script.lines = append(m.script.lines, fmt.Sprintf(format, args...))
}

// steps are what may happen.
func (m *model) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"push":      m.push,
		"push more": m.push,
		"and more":  m.push,
		"head":      m.moveHead,
		"maintain":  m.maintain,
		"fetch":     m.fetch,
		"replace":   m.replace,
		"stranger":  m.stranger,
		"strangers": m.stranger,
		"refuse":    m.refuse,
		"away":      m.goAway,
		"empty":     m.empty,
		"configure": func(t *rapid.T) { m.configure(t, m.anyRemote(t)) },
		"swap":      m.swap,
		"sync":      m.sync,
		"overwrite": m.overwrite,
		"worker":    m.work,
		"works":     m.work,
		"kill":      m.kill,
		"race":      m.race,
	}
}

// drop has rapid draw another step in place of one that does not apply. No test is left out by that.
func drop(step *rapid.T, why string) { step.Skip(why) }

func (m *model) anyRemote(t *rapid.T) *remote {
	return m.remotes[rapid.IntRange(0, 1).Draw(t, "remote")]
}

func (m *model) anyMirror(t *rapid.T) *mirror {
	mirror := m.mirrors[rapid.IntRange(0, 1).Draw(t, "mirror")]
	if mirror.away {
		drop(t, "it is away")
	}
	return mirror
}

// push changes some refs upstream, with one call of the hook for them all, or behind everybody's back.
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
			// What is outside of the filter makes no update due, but may decide what an update deletes.
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

// touchThoseMissing notes that the next update may delete refs that upstream lacks, for a reason that makes it not due.
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

// replace has a replace ref, and a graft, make a stranger's commit look like an ancestor of upstream's.
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

// stranger changes a ref of a mirror.
func (m *model) stranger(t *rapid.T) {
	mirror := m.anyMirror(t)
	name, oid := m.strange(t, mirror)
	m.say("update-ref %s %s", mirror.dir, m.describe(name, m.refs(mirror.dir)[name], oid))
	m.gitInput(updateRef(name, oid), mirror.dir, "update-ref", "--stdin")
}

// strange draws a ref of a mirror and what a stranger is about to have it hold.
func (m *model) strange(t *rapid.T, mirror *mirror) (name, oid string) {
	there := m.refs(mirror.dir)
	name = rapid.SampledFrom(names).Draw(t, "ref")
	old := there[name]
	delete(there, name)
	if conflicts(name, there) {
		drop(t, "another is in its way")
	}
	there[name] = old
	if old == "" {
		delete(there, name)
	}
	known := len(m.all)
	if oid = m.newValue(t, name, there); oid == old {
		drop(t, "no change")
	}
	if len(m.all) > known {
		mirror.foreign[oid] = true
	}
	m.check(m.store(m.path(mirror.dir), oid))
	mirror.touched[name], mirror.ours[name] = true, no
	return name, oid
}

func updateRef(name, oid string) string {
	if oid == "" {
		return fmt.Sprintf("delete %s\n", name)
	}
	return fmt.Sprintf("update %s %s\n", name, oid)
}

// refuse has a mirror refuse refs, or take them again.
func (m *model) refuse(t *rapid.T) {
	mirror := m.anyMirror(t)
	for name := range mirror.refuses {
		mirror.touched[name] = true
	}
	mirror.refuses = map[string]bool{}
	mirror.declines = rapid.Bool().Draw(t, "declines")
	most := 2
	if mirror.declines {
		most = 1 // of several, which one it is takes more than one update to find out
	}
	for range rapid.IntRange(0, most).Draw(t, "refused") {
		mirror.refuses[rapid.SampledFrom(names).Draw(t, "ref")] = true
	}
	for name := range mirror.refuses {
		mirror.touched[name] = true
	}
	m.say("%s refuses %q, the whole push: %t", mirror.dir, sorted(mirror.refuses), mirror.declines)
	m.setHooks(mirror)
}

func (m *model) setHooks(mirror *mirror) {
	m.check(os.RemoveAll(m.path(mirror.dir + "/hooks")))
	hook, script := "update", "#!/bin/sh\ncase $1 in\n"
	if mirror.declines {
		hook, script = "pre-receive", "#!/bin/sh\nwhile read -r old new ref; do case $ref in\n"
	}
	for name := range mirror.refuses {
		script += name + ") exit 1 ;;\n"
	}
	script += "esac\n"
	if mirror.declines {
		script += "done\n"
	}
	m.write(mirror.dir+"/hooks/"+hook, script)
}

// goAway has a mirror go away, or come back.
func (m *model) goAway(t *rapid.T) {
	m.toggle(m.mirrors[rapid.IntRange(0, 1).Draw(t, "mirror")])
}

func (m *model) toggle(mirror *mirror) {
	from, to := mirror.dir, mirror.dir+".away"
	if mirror.away {
		from, to = to, from
	}
	m.say("mv %s %s", from, to)
	m.check(os.Rename(m.path(from), m.path(to)))
	mirror.away = !mirror.away
}

// empty has an empty repository take the place of a mirror.
func (m *model) empty(t *rapid.T) {
	mirror := m.anyMirror(t)
	m.say("git init --bare %s, anew", mirror.dir)
	m.check(os.RemoveAll(m.path(mirror.dir)))
	m.renew(mirror)
	mirror.head = rapid.SampledFrom(branches).Draw(t, "head")
	m.git(mirror.dir, "symbolic-ref", "HEAD", mirror.head)
	for _, name := range names {
		mirror.touched[name] = true
	}
}

func (m *model) renew(mirror *mirror) {
	m.copyTemplate("m.git", mirror.dir)
	mirror.head, mirror.declines = "refs/heads/main", false
	mirror.refuses, mirror.foreign, mirror.touched, mirror.ours = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]tri{}
}

// configure draws a configuration for a remote.
func (m *model) configure(t *rapid.T, r *remote) {
	filter := rapid.SampledFrom([][]string{nil, nil, {"main", "rel/*"}, {"rel*"}}).Draw(t, "protected_branches")
	c := remoteConfig{
		protected:  filter,
		keep:       rapid.IntRange(0, 2).Draw(t, "keep_divergent_refs") > 0,
		tags:       rapid.SampledFrom([]string{"all", "reachable", "none"}).Draw(t, "tags"),
		pruneLimit: rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "prune_limit"),
	}
	c.prune = rapid.SampledFrom([]string{"never", "merged", "all"}).Draw(t, "prune")
	if c.keep {
		c.follow = rapid.Bool().Draw(t, "follow_rewrites")
		if c.prune == "all" {
			c.prune = "merged"
		}
	}
	r.config = c
	m.writeConfig()
}

// swap has the two remotes change their places.
func (m *model) swap(*rapid.T) {
	a, b := m.remotes[0], m.remotes[1]
	a.mirror, b.mirror = b.mirror, a.mirror
	for _, mirror := range m.mirrors {
		for name, ours := range mirror.ours {
			if ours == yes {
				mirror.ours[name] = maybe
			}
		}
	}
	m.writeConfig()
}

func (m *model) writeConfig() {
	var text strings.Builder
	for _, r := range m.remotes {
		fmt.Fprintf(&text, "[[remote]]\nname = %q\nurl = %q\nkeep_divergent_refs = %t\nprune = %q\nprune_limit = %d\ntags = %q\n",
			r.name, m.path(r.mirror.dir), r.config.keep, r.config.prune, r.config.pruneLimit, r.config.tags)
		if r.config.follow {
			text.WriteString("follow_rewrites = true\n")
		}
		if r.config.protected != nil {
			// There is one list of protected branches for all remotes, so that each has an expression of its own.
			var alternatives []string
			for _, pattern := range r.config.protected {
				alternatives = append(alternatives, strings.ReplaceAll(pattern, "*", ".*"))
			}
			fmt.Fprintf(&text, "mirror_branch_regex = %q\n", strings.Join(alternatives, "|"))
		}
	}
	m.say("cat >up.git/push-mirror.toml <<.\n%s.", &text)
	m.write("up.git/push-mirror.toml", text.String())
}

// situation is how a remote stands now. Of what may or may not be ours, the outcome tells which it was.
func (m *model) situation(r *remote, outcome map[string]string) situation {
	return situation{
		upstream: m.upstream, upstreamHead: m.head, mirrorHead: r.mirror.head, config: r.config, refuses: r.mirror.refuses,
		knownUpstream: m.knownUpstream, commit: m.commit, contains: m.contains,
		ours: func(name string) bool {
			return r.mirror.ours[name] == yes || r.mirror.ours[name] == maybe && outcome[name] == m.upstream[name]
		},
	}
}

func (m *model) knownUpstream(oid string) bool {
	return m.run("", nil, "git", "--git-dir="+m.path("up.git"), "cat-file", "-e", oid).code == 0
}

// A run is what a run of the program may have to do with.
type run struct {
	changed map[string]string // refs that a stranger changed on a mirror meanwhile
	on      *mirror
	earlier map[string]string // what upstream held before it was changed meanwhile
	killed  bool
}

// watch runs the program and checks what must hold whatever else happens: promises 2 and 3, and that the log tells of what was
// dropped. It returns what the mirrors that are there held before.
func (m *model) watch(r *run, program func()) map[*mirror]map[string]string {
	before := map[*mirror]map[string]string{}
	for _, mirror := range m.mirrors {
		if !mirror.away {
			before[mirror] = m.refs(mirror.dir)
		}
	}
	program()
	for _, remote := range m.remotes {
		mirror := remote.mirror
		if mirror.away {
			continue
		}
		was, is := maps.Clone(before[mirror]), m.refs(mirror.dir)
		if r.on == mirror {
			for name, oid := range r.changed {
				if was[name] = oid; oid == "" {
					delete(was, name)
				}
			}
		}
		if remote.config.keep {
			lost := m.reachable(slices.Collect(maps.Values(was))...)
			for oid := range m.reachable(slices.Collect(maps.Values(is))...) {
				delete(lost, oid)
			}
			for oid := range lost {
				if mirror.foreign[oid] && !m.knownUpstream(oid) {
					m.t.Fatalf("promise 2: %s has lost %s\nbefore %v\nafter  %v", mirror.dir, oid, was, is)
				}
			}
		}
		m.compare(remote, r, was, is)
	}
	return before
}

// compare looks at each ref that a run has changed.
func (m *model) compare(remote *remote, r *run, was, is map[string]string) {
	mirror := remote.mirror
	dropped := map[string]string{}
	for name := range union(was, is) {
		old, oid := was[name], is[name]
		if old == oid {
			continue
		}
		if oid != m.upstream[name] && (r.earlier == nil || oid != r.earlier[name]) {
			m.t.Fatalf("promise 3: %s of %s went from %s to %s, while upstream has %s", name, mirror.dir, short(old), short(oid), short(m.upstream[name]))
		}
		if mirror.ours[name] = yes; r.killed {
			mirror.ours[name] = maybe
		}
		if old != "" && (oid == "" || strings.HasPrefix(name, "refs/tags/") || !m.contains(m.commit(oid), m.commit(old))) {
			dropped[name] = old
		}
	}
	if len(dropped) == 0 {
		return
	}
	logged := m.program("-C", m.path("up.git"), "log", "--json", remote.name)
	for line := range strings.Lines(logged.stdout) {
		var e struct {
			Ref string `json:"ref"`
			Old string `json:"old"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			m.t.Fatalf("log --json: %v\n%s%s", err, logged.stdout, logged.stderr)
		}
		if dropped[e.Ref] == e.Old {
			delete(dropped, e.Ref)
		}
	}
	if len(dropped) > 0 {
		m.t.Fatalf("promise 2: the log does not tell that %s has lost %v\n%s", mirror.dir, dropped, logged.stdout)
	}
}

// sync brings both remotes up to date and compares each mirror with the specification.
func (m *model) sync(*rapid.T) {
	m.say("git push-mirror sync")
	m.syncWith()
}

// syncWith syncs one or all remotes; a ref to overwrite comes behind the remote.
func (m *model) syncWith(args ...string) {
	var r result
	var overwrite string
	argv := append([]string{"-C", m.path("up.git"), "sync", "--json"}, args...)
	if len(args) > 1 {
		overwrite = args[1]
		argv = slices.Insert(argv, len(argv)-1, "--overwrite")
	}
	before := m.watch(&run{}, func() { r = m.program(argv...) })
	statuses := m.statuses(r)
	trouble := false
	for _, remote := range m.remotes {
		s, ok := statuses[remote.name]
		if !ok {
			continue
		}
		trouble = trouble || s.Status != "finished"
		mirror := remote.mirror
		if mirror.away {
			if s.Status != "failed" && s.Status != "to_retry" {
				m.t.Fatalf("promise 7: %s is away and %s is %s", mirror.dir, remote.name, s.Status)
			}
			continue
		}
		after := m.refs(mirror.dir)
		situation := m.situation(remote, after)
		situation.mirror, situation.overwrite = before[mirror], overwrite
		want := specify(situation)
		if !maps.Equal(after, want.mirror) {
			m.t.Fatalf("after sync, %s, %s, has\n%s\nand should have\n%s\nit had\n%s\nstatus %+v", remote.name, mirror.dir, show(after), show(want.mirror), show(before[mirror]), s)
		}
		clear(mirror.touched)
		m.compareStatus(remote, s, want)
		for name, oid := range after {
			if oid == m.upstream[name] {
				mirror.ours[name] = yes
			}
		}
	}
	if (r.code == 0) == trouble {
		m.t.Fatalf("sync ended with %d\n%s", r.code, r.stdout)
	}
}

// compareStatus compares what is told of a remote with what should be, but for refs that were touched.
func (m *model) compareStatus(r *remote, s status, want expectation) {
	if problem := r.differs(s, want); problem != "" {
		m.t.Fatalf("%s: %s\n%+v", r.name, problem, s)
	}
}

func (r *remote) differs(s status, want expectation) string {
	seen := func(names []string) []string {
		return slices.DeleteFunc(slices.Sorted(slices.Values(names)), func(name string) bool { return r.mirror.touched[name] })
	}
	divergent, rejected := seen(sorted(want.divergent)), seen(sorted(want.rejected))
	switch {
	case !slices.Equal(seen(s.Divergent), divergent):
		return fmt.Sprintf("divergent are told to be %q, and are %q", s.Divergent, divergent)
	case !slices.Equal(seen(s.rejected()), rejected):
		return fmt.Sprintf("rejected are told to be %q, and are %q", s.rejected(), rejected)
	case len(seen(s.Pending)) > 0:
		return fmt.Sprintf("%q are pending", s.Pending)
	case len(r.mirror.touched) > 0:
		return ""
	}
	status := "finished"
	if want.withheld || len(divergent)+len(rejected) > 0 {
		status = "failed"
	}
	if s.Status != status {
		return fmt.Sprintf("the status is %s, and should be %s", s.Status, status)
	}
	return ""
}

func show(refs map[string]string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		lines = append(lines, fmt.Sprintf("  %s %s", short(refs[name]), name))
	}
	return strings.Join(lines, "\n")
}

// overwrite replaces a ref that has diverged, as status shows it, by what upstream has.
func (m *model) overwrite(t *rapid.T) {
	r := m.anyRemote(t)
	if r.mirror.away {
		drop(t, "it is away")
	}
	m.say("git push-mirror sync, to see what has diverged")
	m.syncWith()
	there := m.refs(r.mirror.dir)
	s := m.situation(r, there)
	s.mirror = there
	divergent := sorted(specify(s).divergent)
	if len(divergent) == 0 {
		return
	}
	name := rapid.SampledFrom(divergent).Draw(t, "ref")
	m.say("git push-mirror sync %s --overwrite %s", r.name, name)
	for oid := range m.reachable(there[name]) {
		delete(r.mirror.foreign, oid) // it is on purpose that a stranger's work goes
	}
	m.syncWith(r.name, name)
}

// work has a worker do all that is to be done. It must not need anybody's call: what the hook was not told of it finds itself.
// A mirror that is away stops it from ending, but not from bringing the other one up to date.
func (m *model) work(*rapid.T) {
	m.say("git push-mirror worker --until-idle")
	m.watch(&run{}, func() {
		worker := m.start(nil, program, "worker", "--until-idle")
		defer worker.end(syscall.SIGTERM)
		problem := ""
		if !eventually(func() bool {
			ended := worker.hasEnded()
			problem = m.unfinished()
			return problem == "" || ended
		}) || problem != "" {
			m.t.Fatalf("promise 1: after the worker, %s\n%s", problem, &worker.output)
		}
		for _, mirror := range m.mirrors {
			if mirror.away {
				return
			}
		}
		if len(m.withheld()) == 0 && !eventually(worker.hasEnded) {
			m.t.Fatalf("promise 1: the worker does not end\n%s", &worker.output)
		}
	})
}

// withheld are the remotes that the worker tries again now and then, since deletions are not done for want of a default branch.
func (m *model) withheld() (names []string) {
	for name, s := range m.statuses(m.program("-C", m.path("up.git"), "status", "--json")) {
		if s.Kind == "local" {
			names = append(names, name)
		}
	}
	return names
}

// unfinished says what is left to be done. A mirror that is as it should be is one that an update would change nothing of, and
// of which that is told.
func (m *model) unfinished() string {
	statuses := m.statuses(m.program("-C", m.path("up.git"), "status", "--json"))
	for _, r := range m.remotes {
		s := statuses[r.name]
		if r.mirror.away {
			continue // it need not even be known: nobody has to look where nothing has changed
		}
		if s.Status == "to_retry" || s.Status == "started" {
			return fmt.Sprintf("%s is %s: %s", r.name, s.Status, s.Error)
		}
		there := m.refs(r.mirror.dir)
		situation := m.situation(r, there)
		situation.mirror = there
		want := specify(situation)
		if r.config.pruneLimit > 0 && len(r.mirror.touched) > 0 {
			continue // how many are to be deleted is not known
		}
		for name := range union(there, want.mirror) {
			if there[name] != want.mirror[name] && !r.mirror.touched[name] {
				return fmt.Sprintf("%s of %s is %s and should be %s", name, r.mirror.dir, short(there[name]), short(want.mirror[name]))
			}
		}
		if problem := r.differs(s, want); problem != "" {
			return r.name + ": " + problem
		}
	}
	return ""
}

// wrap has a git stand before the real one that acts before or after the nth git which an update of a remote runs; the file acted
// tells that it succeeded.
func (m *model) wrap(r *remote, n int, after bool, action string) (env []string, acted string) {
	m.runs++
	dir := fmt.Sprintf("wrap%d", m.runs)
	acted = m.path(dir + "/acted")
	action = fmt.Sprintf("(unset GIT_DIR; %s) && touch '%s'", action, acted)
	before := action
	if after {
		before, action = `git "$@"; code=$?`, action+"; exit $code"
	} else {
		action = ""
	}
	m.write(dir+"/git", fmt.Sprintf(`#!/bin/sh
PATH=${PATH#*:}
case $GIT_DIR in
*/push-mirror/%[1]s/scratch-*)
	echo >>'%[2]s'
	if [ "$(wc -l <'%[2]s')" = %[3]d ]; then
		%[4]s
		%[5]s
	fi ;;
esac
exec git "$@"
`, r.name, m.path(dir+"/count"), n, before, action))
	return []string{"PATH=" + m.path(dir) + ":" + filepath.Dir(program) + ":" + os.Getenv("PATH")}, acted
}

// when draws before or after which git something happens.
func (m *model) when(t *rapid.T) (r *remote, n int, after bool, text string) {
	r = m.anyRemote(t)
	if r.mirror.away {
		drop(t, "it is away")
	}
	n, after = rapid.IntRange(1, 4).Draw(t, "git"), rapid.Bool().Draw(t, "after")
	text = fmt.Sprintf("before git %d of %s", n, r.name)
	if after {
		text = fmt.Sprintf("after git %d of %s", n, r.name)
	}
	return r, n, after, text
}

// kill ends a worker by force.
func (m *model) kill(t *rapid.T) {
	if m.atOnce > 1 {
		drop(t, "what else runs could go on for a while")
	}
	r, n, after, text := m.when(t)
	m.say("git push-mirror worker, killed %s", text)
	env, _ := m.wrap(r, n, after, fmt.Sprintf("touch '%s'; kill -9 $PPID", m.path("killed")))
	m.check(os.RemoveAll(m.path("killed")))
	m.watch(&run{killed: true}, func() { m.workUntil(env, func() bool { return exists(m.path("killed")) }) })
}

// workUntil runs a worker until it has done all, or been stopped.
func (m *model) workUntil(env []string, stopped func() bool) {
	worker := m.start(env, program, "worker", "--until-idle")
	defer worker.end(syscall.SIGTERM)
	if !eventually(func() bool { return worker.hasEnded() || stopped() || m.unfinished() == "" }) {
		m.t.Fatalf("promise 1: the worker neither ends nor delivers: %s\n%s", m.unfinished(), &worker.output)
	}
	if stopped() && !eventually(worker.hasEnded) {
		m.t.Fatalf("the worker was not killed\n%s", &worker.output)
	}
}

// race has somebody change a ref of the mirror, or of upstream, while a sync is under way.
func (m *model) race(t *rapid.T) {
	r, n, after, text := m.when(t)
	run := &run{on: r.mirror, earlier: maps.Clone(m.upstream)}
	var name, oid, repository string
	if rapid.Bool().Draw(t, "on the mirror") {
		repository = r.mirror.dir
		name, oid = m.strange(t, r.mirror)
		run.changed = map[string]string{name: oid}
		m.say("git push-mirror sync, and %s update-ref %s %s", text, repository, m.describe(name, m.refs(repository)[name], oid))
	} else {
		repository = "up.git"
		name = rapid.SampledFrom(names).Draw(t, "ref")
		rest := maps.Clone(m.upstream)
		delete(rest, name)
		if oid = m.newValue(t, name, m.upstream); oid == m.upstream[name] || oid != "" && conflicts(name, rest) {
			drop(t, "no change")
		}
		m.check(m.store(m.path(repository), oid))
		m.say("git push-mirror sync, and %s update-ref up.git %s", text, m.describe(name, m.upstream[name], oid))
	}
	command := fmt.Sprintf("git --git-dir='%s' update-ref %s %s", m.path(repository), name, oid)
	if oid == "" {
		command = fmt.Sprintf("git --git-dir='%s' update-ref -d %s", m.path(repository), name)
	}
	env, acted := m.wrap(r, n, after, command)
	m.watch(run, func() {
		m.run("", env, program, "-C", m.path("up.git"), "sync", "--json")
		if !exists(acted) && m.run("", nil, "sh", "-c", command).code != 0 { // it was not to be, so now
			clear(run.changed) // what the mirror has by now is in its way
			r.mirror.ours[name] = maybe
			return
		}
		if repository == "up.git" {
			if m.upstream[name] = oid; oid == "" {
				delete(m.upstream, name)
			}
		}
	})
	for _, remote := range m.remotes {
		if !remote.mirror.away {
			m.touchThoseMissing(remote.mirror)
		}
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// quiet has all mirrors there again and checks that the worker, and then sync, leaves them as they should be.
func (m *model) quiet(t *rapid.T) {
	for _, mirror := range m.mirrors {
		if mirror.away {
			m.toggle(mirror)
		}
	}
	m.work(t)
	m.sync(t)
	m.work(t)
}
