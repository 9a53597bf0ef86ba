package git

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Mask hides secrets in what git and mirrors say: as they are, as http sends them, and with any of
// their characters written as a URL, JSON, HTML or a shell would.
type Mask struct{ secrets []secret }

// secret is what to hide, character by character; or, if it is encoded as a whole, as it is.
type secret struct {
	characters []character
	whole      string
	begins     [256]bool // which bytes it may begin with
}

// character is one of a secret, and all that may stand for it.
type character struct{ forms []string }

// hidden is what stands in place of a secret.
const hidden = "*****"

// NewMask makes a mask that hides text: a user's password or, with user "", any other secret.
func NewMask(user, text string) Mask {
	if text == "" {
		return Mask{}
	}
	spelt := secret{}
	for rest := text; rest != ""; {
		_, size := utf8.DecodeRuneInString(rest)
		spelt.characters = append(spelt.characters, characterOf(rest[:size]))
		rest = rest[size:]
	}
	for _, form := range spelt.characters[0].forms {
		spelt.begins[form[0]] = true
	}
	mask := Mask{[]secret{spelt}}
	for _, plain := range []string{user + ":" + text, text} {
		encoded := secret{whole: base64.StdEncoding.EncodeToString([]byte(plain))}
		encoded.begins[encoded.whole[0]] = true
		mask.secrets = append(mask.secrets, encoded)
	}
	return mask
}

// named are the HTML entities of the characters that have a meaning there.
var named = map[string]string{"&": "amp", "<": "lt", ">": "gt", `"`: "quot", "'": "apos"}

// characterOf takes one character in UTF-8, or one byte that is not UTF-8.
func characterOf(text string) character {
	percent := ""
	for _, b := range []byte(text) {
		percent += fmt.Sprintf("%%%02x", b)
	}
	forms := []string{percent, `\` + text, text}
	if r, size := utf8.DecodeRuneInString(text); r != utf8.RuneError || size > 1 {
		units := ""
		for _, unit := range utf16.Encode([]rune{r}) {
			units += fmt.Sprintf(`\u%04x`, unit)
		}
		forms = append([]string{units, fmt.Sprintf("&#%d;", r), fmt.Sprintf("&#x%x;", r)}, forms...)
	}
	if name := named[text]; name != "" {
		forms = append([]string{"&" + name + ";"}, forms...)
	}
	if text == " " {
		forms = append(forms, "+")
	}
	return character{forms}
}

// match returns the length of what stands for the secret at the beginning of text, 0 if nothing
// does; begun: text ends within what may stand for it.
func (s secret) match(text string) (length int, begun bool) {
	if s.whole != "" {
		if strings.HasPrefix(text, s.whole) {
			return len(s.whole), false
		}
		return 0, strings.HasPrefix(s.whole, text)
	}
	reached := []int{0} // how far the characters so far may have come
	for _, c := range s.characters {
		var next []int
		for _, at := range reached {
			for _, form := range c.forms {
				rest := text[at:]
				if len(rest) < len(form) {
					begun = begun || alike(form[:len(rest)], rest)
				} else if end := at + len(form); alike(form, rest[:len(form)]) && !slices.Contains(next, end) {
					next = append(next, end)
				}
			}
		}
		if reached = next; len(reached) == 0 {
			return 0, begun
		}
	}
	return slices.Max(reached), begun
}

// alike reports whether text equals a form of a character: hexadecimal digits, and the letters that
// mark them, may be in either case.
func alike(form, text string) bool {
	if form == text {
		return true
	}
	if form == "" || form[0] != text[0] {
		return false
	}
	return len(form) > 1 && strings.ContainsRune(`%&\`, rune(form[0])) && !isPlain(form) && strings.EqualFold(form, text)
}

// isPlain reports whether a form is a backslash and the character itself.
func isPlain(form string) bool {
	return form[0] == '\\' && !strings.HasPrefix(form, `\u`)
}

// And is a mask that hides the secrets of both.
func (m Mask) And(other Mask) Mask {
	return Mask{slices.Concat(m.secrets, other.secrets)}
}

// hide returns a text without the secrets.
func (m Mask) hide(text string) string {
	shown, _ := m.split(text)
	return shown
}

// split returns a text without the secrets, and how much of its end may be the beginning of one.
func (m Mask) split(text string) (shown string, begun int) {
	if len(m.secrets) == 0 {
		return text, 0
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		longest := 0
		for _, s := range m.secrets {
			if !s.begins[text[i]] {
				continue
			}
			length, more := s.match(text[i:])
			longest = max(longest, length)
			if more && begun == 0 {
				begun = len(text) - i
			}
		}
		if longest == 0 {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(hidden)
		i += longest
		if begun > len(text)-i {
			begun = 0 // it was within
		}
	}
	return b.String(), begun
}

// masked hides the secrets in what is written to it, wherever that is cut into pieces, and
// writes the rest to w. Call flush at the end.
type masked struct {
	mask Mask
	w    io.Writer
	held []byte // what may be the beginning of a secret
}

// Write implements io.Writer.
func (m *masked) Write(text []byte) (int, error) {
	if len(m.mask.secrets) == 0 {
		return m.w.Write(text)
	}
	m.held = append(m.held, text...)
	_, begun := m.mask.split(string(m.held))
	ready := len(m.held) - begun
	if _, err := io.WriteString(m.w, m.mask.hide(string(m.held[:ready]))); err != nil {
		return 0, err
	}
	m.held = append(m.held[:0], m.held[ready:]...)
	return len(text), nil
}

func (m *masked) flush() error {
	_, err := io.WriteString(m.w, m.mask.hide(string(m.held)))
	m.held = nil
	return err
}
