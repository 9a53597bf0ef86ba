package proof

import (
	"fmt"
	"os"
	"strings"

	"pgregory.net/rapid"
)

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
			// There is one list of protected branches for all remotes, so that each has an
			// expression of its own.
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
