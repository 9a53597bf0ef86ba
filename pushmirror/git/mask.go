package git

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/url"
	"slices"
	"strings"
)

// Mask hides secrets in what git and mirrors say: as they are, percent-encoded, and as http
// sends them.
type Mask struct{ forms []string } // the longest first

// hidden is what stands in place of a secret.
const hidden = "*****"

// NewMask makes a mask for the password of a user, or for anything else that has no user.
func NewMask(user, secret string) Mask {
	if secret == "" {
		return Mask{}
	}
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.User(secret).String(),
		base64.StdEncoding.EncodeToString([]byte(user + ":" + secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return Mask{slices.Compact(forms)}
}

// And is a mask for both.
func (m Mask) And(other Mask) Mask {
	forms := slices.Concat(m.forms, other.forms)
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return Mask{slices.Compact(forms)}
}

// hide returns a text without the secrets.
func (m Mask) hide(text string) string {
	for _, form := range m.forms {
		text = strings.ReplaceAll(text, form, hidden)
	}
	return text
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
	if len(m.mask.forms) == 0 {
		return m.w.Write(text)
	}
	m.held = append(m.held, text...)
	ready := []byte(m.mask.hide(string(m.held)))
	keep := m.mask.begun(ready)
	m.held = append(m.held[:0], ready[len(ready)-keep:]...)
	if _, err := m.w.Write(ready[:len(ready)-keep]); err != nil {
		return 0, err
	}
	return len(text), nil
}

// begun is the length of the longest end of a text that a secret begins with.
func (m Mask) begun(text []byte) (longest int) {
	for _, form := range m.forms {
		for n := min(len(form)-1, len(text)); n > longest; n-- {
			if bytes.HasSuffix(text, []byte(form[:n])) {
				longest = n
			}
		}
	}
	return longest
}

func (m *masked) flush() error {
	_, err := m.w.Write(m.held)
	m.held = nil
	return err
}
