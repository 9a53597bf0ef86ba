package config

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Rules of this file
//
// A config may hold passwords where nobody expects one: below a misspelt key,
// in a comment, or, after a missing quote, in the next value. So an error shows
// a value only if the schema knows its key and the value has nothing in it that
// a password may hide behind. A comment is never shown.

const (
	cut      = "…"
	longText = 120 // runes that are worth showing of a value
)

// baits are what may carry a secret into a value that should have none: the
// end of a user and password, and a second assignment.
var baits = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`@|[\w"'\])}]\s*=`) })

func mayHoldSecret(text string) bool {
	return baits().MatchString(text) || strings.ContainsFunc(text, unicode.IsControl)
}

// quote makes a value fit for a message.
func quote(value string) string {
	if mayHoldSecret(value) {
		return `"` + cut + `"`
	}
	return fmt.Sprintf("%q", shorten(value))
}

func shorten(text string) string {
	runes := []rune(text)
	if len(runes) <= longText {
		return text
	}
	return string(runes[:longText]) + cut
}

// shown returns a statement's first line as an error may show it.
func (st statement) shown() string {
	key := strings.TrimSpace(st.key)
	switch {
	case mayHoldSecret(key):
		return cut
	case st.isHeader():
		return shorten(key)
	case st.plain():
		return shorten(key + " = " + st.value)
	}
	if k := keyNamed(st.names); k != nil && k.mask != nil {
		return shorten(key) + " = " + k.mask(st.value)
	}
	return shorten(key) + " = " + cut
}

// plain reports whether nothing of the statement needs to be cut.
func (st statement) plain() bool {
	if st.isHeader() {
		return !mayHoldSecret(st.key)
	}
	k := keyNamed(st.names)
	return k != nil && k.mask == nil && !mayHoldSecret(st.value)
}

// hide shows nothing of a value.
func hide(string) string { return cut }

// maskURL shows a URL only if it can be read, and then without its secrets.
func maskURL(value string) string {
	if text, ok := unquote(value); ok {
		if u, err := ParseURL(text); err == nil {
			return fmt.Sprintf("%q", u.String())
		}
	}
	return cut
}

// maskArguments shows the program of a list alone: its arguments may be secrets.
func maskArguments(value string) string {
	parts := programOnly().FindStringSubmatch(value)
	switch {
	case parts == nil || mayHoldSecret(parts[1]):
		return cut
	case parts[2] == "":
		return "[" + shorten(parts[1]) + "]"
	}
	return "[" + shorten(parts[1]) + ", " + cut + "]"
}

// programOnly matches a list whose first string is closed and has nothing escaped.
var programOnly = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\[\s*("[^"\\]*"|'[^']*')\s*,?\s*(.*)\]$`)
})
