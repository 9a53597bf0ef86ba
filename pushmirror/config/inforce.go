package config

import (
	"slices"
	"strings"
)

// InForce is a key of a config and the value that holds.
type InForce struct {
	Key    string
	Header string // of the table that it belongs to; "" for the top of a file
	Remote string // the remote that it is about; "" for none
	Value  string // as TOML, with what may be a secret cut out; "" if there is none
	File   string // where it stands; "" if no file has it
	Line   int
}

// ValuesInForce tells which value every key has, and where it comes from: the general keys first,
// then those of each remote. Its error is that of [Load].
func ValuesInForce(s Sources) ([]InForce, error) {
	c, w, err := load(s)
	if err != nil {
		return nil, err
	}
	var all []InForce
	for _, k := range schema {
		for _, kind := range append([]tableKind{{place: atTop}}, tables...) {
			if k.places&kind.place != 0 && kind.place&(inRemote|inDefaults) == 0 {
				all = append(all, k.inForce(w.tables[kind.place], kind.header, asTOML(k.def)))
			}
		}
	}
	for i, t := range w.remotes {
		for _, k := range schema {
			if k.places&inRemote == 0 {
				continue
			}
			value := k.inForce(slices.Concat(settings{t}, w.tables[inDefaults]), headerOf(inRemote), c.Remotes[i].otherwise(k))
			value.Remote = t.name()
			all = append(all, value)
		}
	}
	return all, nil
}

// inForce finds the value of a key in the first of the tables that has it.
func (k key) inForce(s settings, header, otherwise string) InForce {
	f := InForce{Key: k.name, Header: header, Value: otherwise}
	for _, t := range s {
		if t.values[k.name] == nil {
			continue
		}
		st, _ := t.file.source.find(t.path.key(k.name))
		f.File, f.Line, f.Value = t.file.name, st.first, st.shownValue(t.values[k.name])
		break
	}
	return f
}

// otherwise is the value of a key that no file has, for this remote.
func (r Remote) otherwise(k key) string {
	switch k.name {
	case "only_protected_branches":
		return asTOML(r.OnlyProtectedBranches)
	case "tags":
		return asTOML(r.Tags)
	case "prune":
		return asTOML(r.Prune)
	}
	return asTOML(k.def)
}

// shownValue is what may be shown of a statement's value.
func (st statement) shownValue(value any) string {
	k := keyNamed(st.names)
	list, isList := value.([]string)
	switch {
	case k == nil:
		return cut
	case st.first < st.last && isList:
		quoted := make([]string, len(list))
		for i, text := range list {
			quoted[i] = quote(text)
		}
		shown := "[" + strings.Join(quoted, ", ") + "]"
		if k.mask != nil {
			return k.mask(shown)
		}
		return shorten(shown)
	case k.mask != nil:
		return k.mask(st.value)
	case st.first < st.last || !st.plain():
		return cut
	}
	return shorten(st.value)
}
