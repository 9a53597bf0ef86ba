package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Rules of this file
//
// A draft is known again by being, byte for byte, what Text makes of its values: then rewriting
// it loses nothing, no comment and no order of somebody's. So what Text writes for the same
// values may not change from version to version.

// A Draft is a remote in a file of its own in push-mirror.d, which the program writes and
// rewrites.
type Draft struct {
	name   string
	values map[string]any // by key, as the decoder gives them
}

const draftHead = `# Written by git push-mirror remote, and to be changed with git push-mirror remote set.
# Once it is changed by hand, no command changes it any more.

[[remote]]
`

// NewDraft begins a remote of that name. Its error is an *[Error].
func NewDraft(name string) (*Draft, error) {
	if _, err := remoteName("name", name); err != nil {
		return nil, err
	}
	return &Draft{name, map[string]any{}}, nil
}

// ParseDraft reads a file that [Draft.Text] made. It reports false for any other, such as one
// that was changed by hand.
func ParseDraft(text string) (*Draft, bool) {
	if !strings.HasPrefix(text, draftHead) {
		return nil, false
	}
	decoded, err := decode(text)
	if err != nil {
		return nil, false
	}
	remotes, _ := asTables(decoded["remote"], true)
	if len(remotes) != 1 {
		return nil, false
	}
	d := &Draft{values: remotes[0]}
	d.name, _ = d.values["name"].(string)
	delete(d.values, "name")
	if _, err := remoteName("name", d.name); err != nil || d.Text() != text {
		return nil, false
	}
	return d, true
}

// Name is the remote's name.
func (d *Draft) Name() string { return d.name }

// DraftName is the name of the file of the remote of a valid name.
func DraftName(name string) string { return name + ".toml" }

// Has reports whether a key is set.
func (d *Draft) Has(name string) bool {
	_, has := d.values[name]
	return has
}

// HoldsSecret reports whether nobody but the owner may read the file.
func (d *Draft) HoldsSecret() bool {
	f := &file{}
	f.parse(d.Text())
	return f.holdsSecret()
}

// Clone makes a copy that can be changed for itself.
func (d *Draft) Clone() *Draft { return &Draft{d.name, maps.Clone(d.values)} }

// Set sets a key to a value: a string, a bool, an int64 or a []any of strings. Its error is
// an *[Error] without a file.
func (d *Draft) Set(name string, value any) error {
	k, err := settable(name)
	if err != nil {
		return err
	}
	return d.set(k, value)
}

func (d *Draft) set(k *key, value any) error {
	if _, err := k.parse(k.name, value); err != nil {
		if err.Hint == "" {
			err.Hint = k.explain()
		}
		return err
	}
	d.values[k.name] = value
	return nil
}

// SetArgument sets a key to what stands behind KEY= in an argument: a value as TOML has it, a
// string without its quotes, or the one string of a list; nothing unsets the key. All users of
// the machine can see an argument, so it refuses a secret. Its error is an *[Error], which
// shows nothing that may be one.
func (d *Draft) SetArgument(name, text string) error {
	k, err := settable(name)
	switch {
	case err != nil && Nearest(name, namesAt(inRemote, true)) == "" && findKey(name, everywhere) == nil:
		// A secret may end in the = that makes a name of it.
		return complaint("what stands before a = is no key of a remote",
			"there are "+strings.Join(settableNames(), ", "))
	case err != nil:
		return err
	case text == "":
		delete(d.values, name)
		return nil
	case name == "password":
		return complaint("a password in an argument can be seen by all users of this machine",
			"write it to the standard input of --password-stdin, or name a file that has it: password_file=PATH")
	case name == "url":
		if u, err := parseURL(text); err == nil && u.HasUserinfo() {
			return complaint("the url has a user or password in it, which all users of this machine can see in an argument",
				"leave it out up to the @; then username=USER and --password-stdin, or password_file=PATH")
		}
	}
	value, err := k.fromArgument(text)
	if err != nil {
		return err
	}
	return d.set(k, value)
}

// settable is the key of that name, if it may be set in a file of the repository's.
func settable(name string) (*key, error) {
	k := findKey(name, inRemote)
	switch {
	case k == nil:
		message := fmt.Sprintf("unknown key %s", quote(name))
		if findKey(name, everywhere) != nil {
			message = name + " is no key of a remote"
		}
		return nil, complaint(message, strangerHint(name, inRemote, false))
	case k.system:
		return nil, complaint(name+" is allowed in the system file only", "write it there")
	case name == "name":
		return nil, complaint("the name of a remote cannot be changed", "remove the remote, and add it under the other name")
	}
	return k, nil
}

// settableNames are the keys that may be set in a file of the repository's.
func settableNames() []string {
	return slices.DeleteFunc(namesAt(inRemote, false), func(name string) bool { return name == "name" })
}

// fromArgument reads a value by the type that the key's example has.
func (k *key) fromArgument(text string) (any, error) {
	decoded, err := decode("it = " + text)
	value, alone := decoded["it"], err == nil && len(decoded) == 1
	example, _ := decode("it = " + k.example)
	switch example["it"].(type) {
	case string:
		if quoted, ok := value.(string); ok && alone {
			return quoted, nil
		}
		return text, nil
	case []any:
		if strings.HasPrefix(text, "[") {
			if !alone {
				return nil, complaint(k.name+" begins with a [, but is no list", "write for example '"+k.name+"="+k.example+"'")
			}
			return value, nil
		}
		if quoted, ok := value.(string); ok && alone {
			return []any{quoted}, nil
		}
		return []any{text}, nil
	}
	if alone {
		return value, nil
	}
	return text, nil
}

// Text is the file.
func (d *Draft) Text() string {
	var b strings.Builder
	b.WriteString(draftHead)
	writeValue(&b, "name", d.name)
	if url, ok := d.values["url"]; ok {
		writeValue(&b, "url", url)
	}
	for _, name := range slices.Sorted(maps.Keys(d.values)) {
		if name != "url" {
			writeValue(&b, name, d.values[name])
		}
	}
	return b.String()
}

// writeValue writes KEY = VALUE. The encoder fails for types that no value has; a text that it
// did not write in full is not read back as the same.
func writeValue(b *strings.Builder, name string, value any) {
	_ = toml.NewEncoder(b).Encode(map[string]any{name: value})
}

// Check loads the config of s as it would be with these drafts in push-mirror.d, in place of what
// has their names there. Its error is [Errors]; what is wrong with a draft names no file.
func Check(s Sources, drafts []*Draft) (*Config, error) {
	s.Instead = maps.Clone(s.Instead)
	if s.Instead == nil {
		s.Instead = map[string]string{}
	}
	for _, d := range drafts {
		text := d.Text()
		if read, ok := ParseDraft(text); !ok || !reflect.DeepEqual(read, d) || len(text) > largest {
			return nil, Errors{complaint(fmt.Sprintf("remote %q cannot be written so that it reads the same", d.name),
				"all values have to be UTF-8 text, and less than 1 MiB")}
		}
		s.Instead[DraftName(d.name)] = text
	}
	c, err := Load(s)
	faults, _ := err.(Errors) //nolint:errorlint // Load returns nothing else
	for _, e := range faults {
		for _, d := range drafts {
			if e.File == s.draftPath(d.name) {
				e.File, e.Line = "", 0
				if len(drafts) > 1 {
					e.Message = d.name + ": " + e.Message
				}
				break
			}
		}
	}
	return c, err
}

// Trim takes those keys out of drafts that change nothing: without them, the same value would hold.
func Trim(s Sources, drafts []*Draft) {
	files, _ := s.read()
	if len(faultsOf(files)) > 0 {
		return // of which Check tells
	}
	w := merge(files, s.Repository)
	for _, d := range drafts {
		f := &file{}
		f.parse(d.Text())
		if len(f.faults) > 0 || len(f.tables[inRemote]) != 1 {
			continue
		}
		t := f.tables[inRemote][0]
		all := w.remote(t)
		for _, name := range slices.Sorted(maps.Keys(d.values)) {
			value := t.values[name]
			delete(t.values, name)
			if without := w.remote(t); len(f.faults) == 0 && all.is(without) {
				delete(d.values, name)
				continue
			}
			f.faults = nil
			t.values[name] = value
		}
	}
}

// is reports whether two remotes are treated the same. An empty list is as good as none.
func (r Remote) is(other Remote) bool {
	for _, one := range []*Remote{&r, &other} {
		if len(one.PushOptions) == 0 {
			one.PushOptions = nil
		}
	}
	return reflect.DeepEqual(r, other)
}
