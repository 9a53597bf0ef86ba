package git

import (
	"fmt"
	"strings"
)

// OID is an object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal
// digits. The empty OID stands for "no object".
type OID string

// ParseOID checks that s is an object id.
func ParseOID(s string) (OID, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", fmt.Errorf("%.80q is no object id: it has %d characters, not 40 or 64", s, len(s))
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("%q is no object id: it holds more than 0-9 and a-f", s)
		}
	}
	return OID(s), nil
}

// isZero reports whether o names no object: it is empty or, as git writes a
// ref that does not exist, all zeros.
func (o OID) isZero() bool {
	return strings.Trim(string(o), "0") == ""
}

// Short is the first seven digits, for people.
func (o OID) Short() string {
	return string(o[:min(7, len(o))])
}
