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

// ShellQuote writes an argument as a shell reads it, and a person can paste it into one.
func ShellQuote(s string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("/._-+:@%,=", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if s != "" && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
