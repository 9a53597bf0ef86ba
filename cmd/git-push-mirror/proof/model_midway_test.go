package proof

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"

	"pgregory.net/rapid"
)

// wrap has a git stand before the real one that acts before or after the nth git which an update of
// a remote runs; the file acted tells that it succeeded.
func (m *model) wrap(r *remote, n int, after bool, action string) (env []string, acted string) {
	m.runs++
	dir := fmt.Sprintf("wrap%d", m.runs)
	acted = m.path(dir + "/acted")
	action = fmt.Sprintf("(unset GIT_DIR GIT_OBJECT_DIRECTORY; %s) && touch '%s'", action, acted)
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
