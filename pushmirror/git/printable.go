package git

import (
	"strings"
	"unicode"
)

// Printable makes text from outside, a mirror's words or a ref's name, safe to show on
// a terminal in one line: what is not a printable character becomes "?".
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return '?'
	}, s)
}
