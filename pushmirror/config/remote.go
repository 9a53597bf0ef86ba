package config

import (
	"fmt"
	"strings"
)

// checkRemotes checks the remotes of a file as far as they do not depend on
// other files.
func (f *file) checkRemotes() {
	remotes := f.tables[inRemote]
	if f.system && len(remotes) > 0 {
		f.checkRoot(remotes[0])
	}
	known := map[string]*table{} // by name in lower-case letters
	for _, t := range remotes {
		t.checkName(known)
		t.checkURL()
		t.checkLogin()
		if f.system && !t.has("repositories") {
			t.file.fault(t.path, complaint(t.label()+" has no repositories",
				`in the system file each remote names those it is for, as ["public/*"], or ["*"] for all below root`))
		}
	}
}

// has reports whether a key was given, if only with a wrong value.
func (t *table) has(name string) bool {
	_, given := t.values[name]
	return given
}

// name returns the name of a remote; "" if it has none, or a wrong one.
func (t *table) name() string {
	return get[string](settings{t}, "name")
}

// label is what an error calls a remote.
func (t *table) label() string {
	if name := t.name(); name != "" {
		return fmt.Sprintf("remote %q", name)
	}
	return "this remote"
}

// line returns the line that the table begins on.
func (t *table) line() int {
	st, _ := t.file.source.find(t.path)
	return st.first
}

func (t *table) checkName(known map[string]*table) {
	if !t.has("name") {
		t.file.fault(t.path, complaint("this remote has no name", findKey("name", inRemote).explain()))
	}
	name := t.name()
	if name == "" {
		return
	}
	folded := strings.ToLower(name)
	if earlier := known[folded]; earlier != nil {
		t.fault("name", namesake(t, earlier))
		return
	}
	known[folded] = t
}

// namesake complains about a remote whose name another one has already.
func namesake(t, earlier *table) *Error {
	where := fmt.Sprintf("line %d", earlier.line())
	if earlier.file != t.file {
		where = fmt.Sprintf("%s:%d", earlier.file.name, earlier.line())
	}
	if t.name() == earlier.name() {
		return complaint(fmt.Sprintf("%s is in this file twice, first on %s", t.label(), where),
			"give one of them another name")
	}
	return complaint(fmt.Sprintf("%s and %s, on %s, differ only in capital letters", t.label(), earlier.label(), where),
		"give one of them another name, or both the same if the later is to replace the earlier")
}

func (t *table) checkURL() {
	u, valid := lookup[URL](settings{t}, "url")
	enabled := get[bool](settings{t}, "enabled")
	switch {
	case !t.has("url") && enabled:
		t.file.fault(t.path, complaint(t.label()+" has no url", findKey("url", inRemote).explain()))
	case !valid:
	default:
		err := checkPlaceholders(u, t.file.system)
		if err == nil && t.file.system && enabled {
			err = t.checkOneEach(u)
		}
		if err != nil {
			t.fault("url", err)
		}
	}
	if u, given := lookup[URL](settings{t}, "lfs_url"); given {
		if err := checkPlaceholders(u, t.file.system); err != nil {
			t.fault("lfs_url", err)
		}
	}
}
