package proof

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"pgregory.net/rapid"
)

// situation is how a remote stands now. Of what may or may not be ours, the outcome tells which it
// was.
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

// watch runs the program and checks what must hold whatever else happens: promises 2 and 3, and
// that the log tells of what was dropped. It returns what the mirrors that are there held before.
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

// compareStatus compares what is told of a remote with what should be, but for refs that were
// touched.
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

// work has a worker do all that is to be done. It must not need anybody's call: what the hook was
// not told of it finds itself. A mirror that is away stops it from ending, but not from bringing
// the other one up to date.
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

// withheld are the remotes that the worker tries again now and then, since deletions are not done
// for want of a default branch.
func (m *model) withheld() (names []string) {
	for name, s := range m.statuses(m.program("-C", m.path("up.git"), "status", "--json")) {
		if s.Kind == "local" {
			names = append(names, name)
		}
	}
	return names
}

// unfinished says what is left to be done. A mirror that is as it should be is one that an update
// would change nothing of, and of which that is told.
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
