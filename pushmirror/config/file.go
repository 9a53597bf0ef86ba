package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// file is one config file, decoded and checked by itself.
type file struct {
	name     string
	system   bool        // the system file, which may say more than a repository's own
	info     fs.FileInfo // nil if it could not be read
	modified time.Time
	source   *source
	tables   map[place][]*table
	faults   Errors
}

// table is one table of a file: its top, or what follows a header.
type table struct {
	file   *file
	at     place
	path   path
	values map[string]any // of the type that the key's parser gives; nil for a value with a fault
}

// parse decodes text and checks all that can be checked without other files.
func (f *file) parse(text string) {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for i, line := range strings.Split(text, "\n") {
		if !utf8.ValidString(line) {
			e := complaint("this is not UTF-8 text", "save the file as UTF-8")
			e.File, e.Line = f.name, i+1
			f.faults = Errors{e}
			return
		}
	}
	f.source = scan(text)
	values, err := decode(text)
	if err != nil {
		f.faults = Errors{f.syntaxError(err, text)}
		return
	}
	f.tables = map[place][]*table{}
	f.load(values)
	f.checkRemotes()
}

// decode decodes TOML.
func decode(text string) (values map[string]any, err error) {
	// The decoder panics where it contradicts itself, and a config must not be
	// able to end a hook.
	defer func() {
		if recover() != nil {
			err = errors.New("the decoder gave up")
		}
	}()
	_, err = toml.Decode(text, &values)
	return values, err
}

// syntaxError takes over the decoder's words only where the line itself may be
// shown, since they quote it.
func (f *file) syntaxError(err error, text string) *Error {
	e := &Error{
		File: f.name, Message: "this is not TOML",
		Hint: "each key stands on a line of its own, as KEY = VALUE, with strings in quotes and lists in brackets",
	}
	syntax, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		return e
	}
	e.Line = min(max(syntax.Position.Line, 1), 1+strings.Count(text, "\n"))
	if st, ok := f.source.oddHeader(e.Line); ok {
		e.Line = st.first
		if findTable(st.names[0]) != nil { // or it may be a list of secrets
			e.Text = st.shown()
		}
		e.Message += ": the brackets of this header do not match"
		e.Hint = "a header stands on a line of its own, in as many brackets on either side, as [[remote]] and [hook]"
		return e
	}
	st, ok := f.source.at(e.Line)
	switch {
	case !ok:
	case st.first < e.Line:
		e.Message = fmt.Sprintf("this is not TOML, as part of the value that begins on line %d", st.first)
		e.Hint = "look for a bracket or a quote that is missing before this line"
	case strings.HasSuffix(syntax.Message, "has already been defined."):
		e.Text = st.shown()
		e.Message, e.Hint = "this stands in the file for the second time", "keep one of the two"
	default:
		e.Text = st.shown()
		if st.plain() {
			e.Message += ": " + syntax.Message
		}
	}
	return e
}

// fault notes that something is wrong with what stands at p.
func (f *file) fault(p path, e *Error) {
	e.File = f.name
	if st, ok := f.source.find(p); ok {
		e.Line, e.Text = st.first, st.shown()
	}
	f.faults = append(f.faults, e)
}

// load takes the decoded values into tables, by the schema.
func (f *file) load(values map[string]any) {
	top := f.newTable(atTop, "")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		kind := findTable(name)
		if kind == nil {
			top.set(name, values[name])
			continue
		}
		p := path("").key(name)
		elements, ok := asTables(values[name], kind.many)
		if !ok {
			f.fault(p, wrongHeader(kind))
			continue
		}
		for i, element := range elements {
			t := f.newTable(kind.place, p)
			if kind.many {
				t.path = p.element(i)
			}
			for _, name := range slices.Sorted(maps.Keys(element)) {
				t.set(name, element[name])
			}
		}
	}
}

func (f *file) newTable(at place, p path) *table {
	t := &table{file: f, at: at, path: p, values: map[string]any{}}
	f.tables[at] = append(f.tables[at], t)
	return t
}

// asTables returns the tables that a value consists of, if it is a list just
// when it should be.
func asTables(value any, list bool) ([]map[string]any, bool) {
	switch value := value.(type) {
	case map[string]any:
		return []map[string]any{value}, !list
	case []map[string]any:
		return value, list
	case []any:
		elements := make([]map[string]any, len(value))
		for i, item := range value {
			element, ok := item.(map[string]any)
			if !ok {
				return nil, false
			}
			elements[i] = element
		}
		return elements, list
	}
	return nil, false
}

func wrongHeader(kind *tableKind) *Error {
	hint := "write " + kind.header + " in single brackets, and in each file only once"
	if kind.many {
		hint = "write " + kind.header + " in double brackets for each " + kind.name + ", and its keys below"
	}
	return complaint(kind.name+" must begin with "+kind.header, hint)
}

// set takes one value into the table.
func (t *table) set(name string, value any) {
	k := findKey(name, t.at)
	switch {
	case k == nil:
		t.fault(name, t.stranger(name, value))
	case k.system && !t.file.system:
		t.fault(name, complaint(name+" is allowed in the system file only",
			"move it to "+defaultSystemFile+", or to the file that $"+systemVariable+" names"))
	default:
		parsed, err := k.parse(name, value)
		if err != nil {
			if err.Hint == "" {
				err.Hint = k.explain()
			}
			t.fault(name, err)
			return
		}
		t.values[name] = parsed
	}
}

// fault notes that something is wrong with the value of a key.
func (t *table) fault(name string, e *Error) {
	t.values[name] = nil
	t.file.fault(t.path.key(name), e)
}

// stranger complains about a name that may not stand in this table.
func (t *table) stranger(name string, value any) *Error {
	where := ""
	if t.at != atTop {
		where = " in " + headerOf(t.at)
	}
	kind := "key"
	switch value.(type) {
	case map[string]any, []map[string]any:
		kind = "table"
	}
	message := fmt.Sprintf("unknown %s %s%s", kind, quote(name), where)
	if findKey(name, everywhere) != nil {
		if t.at == atTop {
			where = " at the top of the file"
		}
		message = name + " is not allowed" + where
	}
	return complaint(message, strangerHint(name, t.at, t.file.system))
}
