package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// printJSON prints data for programs, in lines for people.
func printJSON(w io.Writer, v any) error { return writeJSON(w, v, "  ") }

// orNull is a text as JSON of ours has it: null for none.
func orNull[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// printJSONLine prints data for programs in one line.
func printJSONLine(w io.Writer, v any) error { return writeJSON(w, v, "") }

// writeJSON writes what could steer a terminal as an escape, which JSON does by itself for
// ASCII only.
func writeJSON(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	var safe strings.Builder
	for _, r := range text.String() {
		if r <= '~' || unicode.IsPrint(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, safe.String())
	return err
}
