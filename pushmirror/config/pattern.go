package config

import "strings"

// pattern is a name in which * stands for any run of characters, / included.
// All else is literal and the whole name must match, so that who reads a
// pattern sees what it lets through.
type pattern string

func (p pattern) match(name string) bool {
	head, rest, wild := strings.Cut(string(p), "*")
	if !wild {
		return name == head
	}
	name, found := strings.CutPrefix(name, head)
	for found {
		piece, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, piece)
		}
		// The earliest place leaves most of the name to the pieces that follow.
		_, name, found = strings.Cut(name, piece)
		rest = after
	}
	return false
}

// matchAny reports whether one of the names matches one of the patterns.
func matchAny(patterns []string, names ...string) bool {
	for _, p := range patterns {
		for _, name := range names {
			if pattern(p).match(name) {
				return true
			}
		}
	}
	return false
}
