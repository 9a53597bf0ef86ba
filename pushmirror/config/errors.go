package config

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a config, and its cure.
type Error struct {
	File    string // the file's path; empty for a text that stands in no file
	Line    int    // counted from 1; 0 if no line is to blame
	Text    string // that line, with whatever may be a secret cut out; may be empty
	Message string // what is wrong
	Hint    string // the cure; may be empty

	cause error
}

// Error renders everything but the hint, which its reader prints in a manner
// of its own: FILE:LINE: MESSAGE, and the line itself below it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
		if e.Line > 0 {
			fmt.Fprintf(&b, "%d:", e.Line)
		}
		b.WriteByte(' ')
	}
	b.WriteString(e.Message)
	if e.Line > 0 && e.Text != "" {
		fmt.Fprintf(&b, "\n%5d | %s", e.Line, e.Text)
	}
	return b.String()
}

// Unwrap returns the I/O error behind e, or nil.
func (e *Error) Unwrap() error {
	return e.cause
}

// Errors is everything that is wrong with a config, in the order of the files
// and their lines. It is never empty when it is returned as an error.
type Errors []*Error

// Error renders the errors one below the other.
func (es Errors) Error() string {
	texts := make([]string, len(es))
	for i, e := range es {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap gives [errors.Is] and [errors.As] each of the errors.
func (es Errors) Unwrap() []error {
	unwrapped := make([]error, len(es))
	for i, e := range es {
		unwrapped[i] = e
	}
	return unwrapped
}

// complaint is an Error that knows nothing yet of the file it is about.
func complaint(message, hint string) *Error {
	return &Error{Message: message, Hint: hint}
}
