package config

import (
	"slices"
	"strconv"
	"strings"
)

// Rules of this file
//
// The decoder tells where a text is no TOML, but not where a key stands in a
// text that is. This scanner finds that out, for a text that the decoder took.
// It also reads one that the decoder refused, as well as it can, to tell what
// may be shown of the line that is to blame: up to that line both agree.

// path leads to a key or a table: names, and for an element of an array of
// tables its index. Names are quoted, so no name holds the separator.
type path string

const separator = "\x00"

func (p path) key(name string) path {
	return p + separator + path(strconv.Quote(name))
}

func (p path) element(i int) path {
	return p + separator + path(strconv.Itoa(i))
}

// statement is KEY = VALUE or a [HEADER].
type statement struct {
	names []string // the key or the header, with the names of the table around it
	first int      // its first line, counted from 1
	last  int      // its last line
	key   string   // how the key or the header is written
	value string   // the value's first line, up to a comment; empty for a header
	odd   bool     // a header whose brackets do not match
}

func (st statement) isHeader() bool {
	return strings.HasPrefix(st.key, "[")
}

// source is where the keys of a text stand.
type source struct {
	statements []statement
	index      map[path]int // of the statement that first speaks of a path
}

// find returns the statement in which p stands: its own, or, when p is part of
// an inline table, that of the key around it.
func (s *source) find(p path) (statement, bool) {
	for p != "" {
		if i, ok := s.index[p]; ok {
			return s.statements[i], true
		}
		p = p[:strings.LastIndex(string(p), separator)]
	}
	return statement{}, false
}

// at returns the statement that a line belongs to.
func (s *source) at(line int) (statement, bool) {
	i, _ := slices.BinarySearchFunc(s.statements, line, func(st statement, line int) int {
		return st.last - line
	})
	if i == len(s.statements) || s.statements[i].first > line {
		return statement{}, false
	}
	return s.statements[i], true
}

// oddHeader returns the first header up to a line whose brackets do not match. The decoder finds
// out on the next line only.
func (s *source) oddHeader(line int) (statement, bool) {
	i := slices.IndexFunc(s.statements, func(st statement) bool { return st.odd })
	if i < 0 || s.statements[i].first > line {
		return statement{}, false
	}
	return s.statements[i], true
}

// scanner walks over a text whose lines end in \n.
type scanner struct {
	source
	text   string
	pos    int
	table  []string     // the header that the next key stands below
	prefix path         // the same, with the indexes of array elements
	arrays map[path]int // how many elements an array of tables has so far
	line   int          // of the offset counted
	offset int
}

func scan(text string) *source {
	s := &scanner{text: text, line: 1, arrays: map[path]int{}, source: source{index: map[path]int{}}}
	for s.pos < len(text) {
		s.skipSpace()
		start := s.pos
		switch {
		case s.accept("[["):
			s.header(start, "]]")
		case s.accept("["):
			s.header(start, "]")
		default:
			s.assignment(start)
		}
		s.skipLine()
	}
	return &s.source
}

func (s *scanner) header(start int, end string) {
	names, ok := s.names()
	if !ok {
		return
	}
	if odd := !s.accept(end); s.accept("]") || odd {
		s.add(statement{names: names, key: s.text[start:s.pos], odd: true}, start)
		return
	}
	s.add(statement{names: names, key: s.text[start:s.pos]}, start)
	s.table, s.prefix = names, ""
	for i, name := range names {
		s.prefix = s.prefix.key(name)
		s.note(s.prefix)
		if end == "]]" && i == len(names)-1 {
			s.arrays[s.prefix]++
		}
		// A name on the way that is an array of tables means its newest element.
		if n := s.arrays[s.prefix]; n > 0 {
			s.prefix = s.prefix.element(n - 1)
			s.note(s.prefix)
		}
	}
}

func (s *scanner) assignment(start int) {
	names, ok := s.names()
	key := s.text[start:s.pos]
	if !ok || !s.accept("=") {
		return
	}
	value := s.value()
	s.add(statement{names: slices.Concat(s.table, names), key: key, value: value}, start)
	p := s.prefix
	for _, name := range names {
		p = p.key(name)
		s.note(p)
	}
}

// add takes the statement from start to the present position.
func (s *scanner) add(st statement, start int) {
	st.first = s.line + strings.Count(s.text[s.offset:start], "\n")
	st.last = st.first + strings.Count(s.text[start:s.pos], "\n")
	s.line, s.offset = st.first, start
	s.statements = append(s.statements, st)
}

// note says that p stands in the newest statement, unless an earlier one spoke
// of it.
func (s *scanner) note(p path) {
	if _, known := s.index[p]; !known {
		s.index[p] = len(s.statements) - 1
	}
}

// names reads the dotted names of a key or a header.
func (s *scanner) names() ([]string, bool) {
	var names []string
	for {
		s.skipSpace()
		name, ok := s.name()
		if !ok {
			return nil, false
		}
		names = append(names, name)
		s.skipSpace()
		if !s.accept(".") {
			return names, true
		}
	}
}

func (s *scanner) name() (string, bool) {
	start := s.pos
	if s.skipString() {
		return unquote(s.text[start:s.pos])
	}
	for s.pos < len(s.text) && isBare(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos], s.pos > start
}

func isBare(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// unquote returns the name or value that a string on one line stands for.
func unquote(quoted string) (string, bool) {
	if len(quoted) < 2 || quoted[0] != quoted[len(quoted)-1] {
		return "", false
	}
	if quoted[0] == '\'' || !strings.Contains(quoted, `\`) {
		return quoted[1 : len(quoted)-1], true
	}
	// Only the decoder knows all its escapes.
	decoded, err := decode("it = " + quoted)
	text, isText := decoded["it"].(string)
	return text, err == nil && isText
}

// value skips a value, and returns what its first line shows of it.
func (s *scanner) value() string {
	s.skipSpace()
	shown, depth := s.pos, 0
	rest, _, _ := strings.Cut(s.text[s.pos:], "\n")
	stop := s.pos + len(rest)
	for s.pos < len(s.text) {
		if s.skipString() {
			continue
		}
		switch s.text[s.pos] {
		case '#':
			stop = min(stop, s.pos)
			s.skipComment()
			continue
		case '\n':
			if depth <= 0 {
				return strings.TrimSpace(s.text[shown:stop])
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		s.pos++
	}
	return strings.TrimSpace(s.text[shown:stop])
}

// skipString skips a string, if one begins here. A string that does not end
// ends with its line, or with the text if it may have several lines.
func (s *scanner) skipString() bool {
	for _, quote := range []string{`"""`, `'''`} {
		if s.accept(quote) {
			s.skipLines(quote)
			return true
		}
	}
	if !s.accept(`"`) && !s.accept(`'`) {
		return false
	}
	quote := s.text[s.pos-1]
	for s.pos < len(s.text) && s.text[s.pos] != '\n' {
		c := s.text[s.pos]
		s.pos++
		if c == quote {
			break
		}
		if c == '\\' && quote == '"' && s.pos < len(s.text) {
			s.pos++
		}
	}
	return true
}

// skipLines skips the rest of a string of several lines.
func (s *scanner) skipLines(quote string) {
	for s.pos < len(s.text) {
		switch {
		case s.accept(quote):
			// Up to two quotes of the string itself may stand before its end.
			for range 2 {
				s.accept(quote[:1])
			}
			return
		case quote[0] == '"' && s.text[s.pos] == '\\' && s.pos+1 < len(s.text):
			s.pos += 2
		default:
			s.pos++
		}
	}
}

func (s *scanner) accept(prefix string) bool {
	if !strings.HasPrefix(s.text[s.pos:], prefix) {
		return false
	}
	s.pos += len(prefix)
	return true
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// skipComment skips up to the end of the line.
func (s *scanner) skipComment() {
	rest, _, _ := strings.Cut(s.text[s.pos:], "\n")
	s.pos += len(rest)
}

// skipLine skips what is left of the line, with its end.
func (s *scanner) skipLine() {
	s.skipComment()
	s.pos = min(s.pos+1, len(s.text))
}
