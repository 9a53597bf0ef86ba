package config

import "strings"

// findKey returns the key of that name that may stand at one of the places, or
// nil.
func findKey(name string, places place) *key {
	for i, k := range schema {
		if k.name == name && k.places&places != 0 {
			return &schema[i]
		}
	}
	return nil
}

const everywhere = ^place(0)

// keyNamed returns the key that the names of a statement lead to, or nil.
func keyNamed(names []string) *key {
	switch len(names) {
	case 1:
		return findKey(names[0], atTop)
	case 2:
		if kind := findTable(names[0]); kind != nil {
			return findKey(names[1], kind.place)
		}
	}
	return nil
}

// findTable returns the table of that name, or nil.
func findTable(name string) *tableKind {
	for i, kind := range tables {
		if kind.name == name {
			return &tables[i]
		}
	}
	return nil
}

// headerOf returns how the table at a place begins; nothing begins the top.
func headerOf(at place) string {
	for _, kind := range tables {
		if kind.place == at {
			return kind.header
		}
	}
	return ""
}

// namesAt lists the keys that may stand at one of the places, in the system
// file or another, and the tables if one of the places is the top.
func namesAt(places place, system bool) []string {
	var names []string
	for _, k := range schema {
		if k.places&places != 0 && (system || !k.system) {
			names = append(names, k.name)
		}
	}
	if places&atTop != 0 {
		for _, kind := range tables {
			if system || !kind.system {
				names = append(names, kind.name)
			}
		}
	}
	return names
}

// asWritten turns the name of a table into its header.
func asWritten(name string) string {
	if kind := findTable(name); kind != nil {
		return kind.header
	}
	return name
}

// strangerHint tells what to do about a name that may not stand at a place:
// where it belongs, what was meant, or what there is to choose from.
func strangerHint(name string, at place, system bool) string {
	if k := findKey(name, everywhere); k != nil {
		return name + " belongs " + whereabouts(k.places, at)
	}
	// The names that may stand here come first, so they win over equals.
	meant := Nearest(name, append(namesAt(at, true), namesAt(everywhere, true)...))
	if meant == "" {
		valid := namesAt(at, system)
		for i, name := range valid {
			valid[i] = asWritten(name)
		}
		return "what may stand here is " + strings.Join(valid, ", ")
	}
	hint := "did you mean " + asWritten(meant) + "?"
	if k := findKey(meant, everywhere); k != nil && k.places&at == 0 {
		hint += " It belongs " + whereabouts(k.places, at)
	}
	return hint
}

// whereabouts says where keys of the given places belong, to somebody who put
// one elsewhere.
func whereabouts(places, elsewhere place) string {
	switch {
	case places&atTop != 0 && elsewhere == inRemote:
		// Whatever follows a header is part of that table, to the surprise of
		// those who add a line at the end.
		return "at the top of the file, above the first [[remote]]"
	case places&atTop != 0:
		return "at the top of the file, above " + headerOf(elsewhere)
	case places&inDefaults != 0:
		return "in a [[remote]], or in [defaults] for all of them"
	}
	for _, kind := range tables {
		if places&kind.place != 0 {
			if kind.many {
				return "in a " + kind.header
			}
			return "below " + kind.header
		}
	}
	return ""
}

// explain says what a key is for, and how it is written.
func (k *key) explain() string {
	return k.name + ": " + k.means + "; for example " + k.name + " = " + k.example
}
