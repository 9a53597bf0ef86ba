package git

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// RefName is the full name of a ref, such as refs/heads/main. Git allows any
// byte in it but control characters, space and ~^:?*[\, so it need not be UTF-8.
type RefName string

// IsBranch reports whether n lies below refs/heads/.
func (n RefName) IsBranch() bool { return strings.HasPrefix(string(n), branchPrefix) }

// IsTag reports whether n lies below refs/tags/.
func (n RefName) IsTag() bool { return strings.HasPrefix(string(n), tagPrefix) }

// Short is the name as people say it: without refs/heads/ or refs/tags/.
func (n RefName) Short() string {
	for _, prefix := range []string{branchPrefix, tagPrefix} {
		if short, ok := strings.CutPrefix(string(n), prefix); ok {
			return short
		}
	}
	return string(n)
}

// MarshalText writes the bytes that are not UTF-8 as \xe9, since JSON cannot hold them. A
// name has no backslash of its own, so UnmarshalText finds them again.
func (n RefName) MarshalText() ([]byte, error) {
	var text []byte
	for rest := string(n); rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if r == utf8.RuneError && size == 1 {
			text = fmt.Appendf(text, `\x%02x`, rest[0])
		} else {
			text = append(text, rest[:size]...)
		}
		rest = rest[size:]
	}
	return text, nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *RefName) UnmarshalText(text []byte) error {
	name := make([]byte, 0, len(text))
	for {
		plain, rest, escaped := bytes.Cut(text, []byte(`\x`))
		name = append(name, plain...)
		if !escaped {
			*n = RefName(name)
			return nil
		}
		if len(rest) >= 2 {
			if more, err := hex.AppendDecode(name, rest[:2]); err == nil {
				name, text = more, rest[2:]
				continue
			}
		}
		name, text = append(name, `\x`...), rest
	}
}

// ConflictsWith reports whether n and m cannot both exist in a repository that
// keeps refs as files: one is a directory of the other, as refs/heads/a and
// refs/heads/a/b.
func (n RefName) ConflictsWith(m RefName) bool {
	return strings.HasPrefix(string(n), string(m)+"/") || strings.HasPrefix(string(m), string(n)+"/")
}

// Ref is a ref and the object it names.
type Ref struct {
	Name RefName
	OID  OID
	// Symref is the ref that a symbolic ref points to; empty for a plain ref.
	Symref RefName
}

// Refs are refs sorted by name, each name once. Their strings share the text
// that they were parsed from: a hundred thousand refs are a few megabytes.
type Refs []Ref

// Sort sorts refs by name, in place; of refs with the same name only the last stays.
func Sort(refs Refs) Refs {
	return LastOfEach(refs, func(ref Ref) RefName { return ref.Name })
}

// LastOfEach sorts a list by the names of the refs that its items are about, in place; of items
// about the same ref only the last stays.
func LastOfEach[T any](list []T, name func(T) RefName) []T {
	byName := func(a, b T) int { return cmp.Compare(name(a), name(b)) }
	if !slices.IsSortedFunc(list, byName) {
		slices.SortStableFunc(list, byName)
	}
	last := list[:0]
	for i, one := range list {
		if i+1 == len(list) || name(list[i+1]) != name(one) {
			last = append(last, one)
		}
	}
	return last
}

// Get finds a ref by name.
func (r Refs) Get(name RefName) (Ref, bool) {
	i, ok := slices.BinarySearchFunc(r, name, func(ref Ref, name RefName) int { return cmp.Compare(ref.Name, name) })
	if !ok {
		return Ref{}, false
	}
	return r[i], true
}

// Below yields the refs below name as a directory: refs/heads/a/b is below refs/heads/a.
func (r Refs) Below(name RefName) iter.Seq[Ref] {
	dir := name + "/"
	i, _ := slices.BinarySearchFunc(r, dir, func(ref Ref, name RefName) int { return cmp.Compare(ref.Name, name) })
	return func(yield func(Ref) bool) {
		for ; i < len(r) && strings.HasPrefix(string(r[i].Name), string(dir)); i++ {
			if !yield(r[i]) {
				return
			}
		}
	}
}

// Join walks two sorted lists side by side and yields each name once, with the
// zero Ref for a side that lacks it.
func Join(a, b Refs) iter.Seq2[Ref, Ref] {
	return func(yield func(Ref, Ref) bool) {
		for i, j := 0, 0; i < len(a) || j < len(b); {
			var left, right Ref
			switch {
			case j == len(b) || (i < len(a) && a[i].Name < b[j].Name):
				left = a[i]
				i++
			case i == len(a) || b[j].Name < a[i].Name:
				right = b[j]
				j++
			default:
				left, right = a[i], b[j]
				i, j = i+1, j+1
			}
			if !yield(left, right) {
				return
			}
		}
	}
}
