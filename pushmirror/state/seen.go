package state

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// Seen is what a mirror is known to hold.
type Seen struct {
	// URL is the mirror's, without user and password.
	URL string
	// Listed is when the mirror was last asked for all of its refs.
	Listed Time
	Mirror plan.Mirror
}

const (
	seenVersion = 1
	seenTitle   = "git-push-mirror last seen "
)

// Seen reads what is known of the mirror at url. It returns nil if nothing is, if the file is about
// another URL, or if the repository was moved or copied since: the next update lists the mirror.
func (d *Dir) Seen(url string) (*Seen, error) {
	var seen *Seen
	var where string
	found, err := d.read("seen", func(content string) (err error) {
		seen, where, err = parseSeen(content)
		return err
	})
	if err != nil || !found || seen.URL != url || where != d.identity() {
		return nil, err
	}
	return seen, nil
}

// SeenFingerprint differs between the file of what was last seen, any that replaces it, and a copy
// of it in another repository; "" if there is none.
func (d *Dir) SeenFingerprint() string {
	info, err := os.Lstat(filepath.Join(d.path, "seen"))
	if err != nil {
		return ""
	}
	return disk.Stamp(info) + " " + d.identity()
}

// identity tells this repository from a copy of it and from one that was moved.
func (d *Dir) identity() string {
	return fmt.Sprintf("%d %q", d.inode.Number, d.repository)
}

// WriteSeen replaces what is known of the mirror; nil forgets it. It need not survive a power
// failure: an update that finds an older or a damaged one lists the mirror again.
func (d *Dir) WriteSeen(s *Seen) error {
	if s == nil {
		if err := os.Remove(filepath.Join(d.path, "seen")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forgetting what was last seen: %w", err)
		}
		return nil
	}
	err := d.replace("seen", disk.Cached, func(w *bufio.Writer) error {
		writeSeen(w, s, d.identity())
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing what was last seen: %w", err)
	}
	return nil
}

// writeSeen writes the file: a head of KEY VALUE lines, the last of which is the
// number of refs, then a line OID FLAGS NAME [TARGET] for each. Flags are f
// (foreign), l (left) or -.
func writeSeen(w *bufio.Writer, s *Seen, where string) {
	_, _ = fmt.Fprintf(w, "%s%d\nurl %q\nrepository %s\nlisted %s\nhead %s\nrefs %d\n",
		seenTitle, seenVersion, s.URL, where, s.Listed, s.Mirror.Head, len(s.Mirror.Refs))
	for _, ref := range s.Mirror.Refs {
		flags := ""
		if s.Mirror.Foreign[ref.Name] {
			flags += "f"
		}
		if s.Mirror.Left[ref.Name] {
			flags += "l"
		}
		if flags == "" {
			flags = "-"
		}
		for _, part := range []string{string(ref.OID), " ", flags, " ", string(ref.Name)} {
			_, _ = w.WriteString(part)
		}
		if ref.Symref != "" {
			_, _ = w.WriteString(" " + string(ref.Symref))
		}
		_ = w.WriteByte('\n')
	}
}

// parseSeen reads what writeSeen wrote.
func parseSeen(text string) (s *Seen, where string, err error) {
	title, rest, _ := strings.Cut(text, "\n")
	number, ok := strings.CutPrefix(title, seenTitle)
	version, err := strconv.Atoi(number)
	if !ok || err != nil {
		return nil, "", errDamaged
	}
	if version > seenVersion {
		return nil, "", &versionError{Got: version, Known: seenVersion}
	}
	p := seenParser{rest: rest}
	s = &Seen{Mirror: plan.Mirror{Foreign: map[git.RefName]bool{}, Left: map[git.RefName]bool{}}}
	s.URL = strings.Clone(p.unquote(p.field("url")))
	where = p.field("repository")
	s.Listed = p.time(p.field("listed"))
	s.Mirror.Head = git.RefName(strings.Clone(p.field("head")))
	count, err := strconv.Atoi(p.field("refs"))
	if p.damaged || err != nil || count != strings.Count(p.rest, "\n") || (p.rest != "" && !strings.HasSuffix(p.rest, "\n")) {
		return nil, "", errDamaged
	}
	s.Mirror.Refs = make(git.Refs, 0, count)
	for range count {
		if err := p.ref(&s.Mirror); err != nil {
			return nil, "", err
		}
	}
	return s, where, nil
}

// seenParser copies names and values out of the text, which is large and can go then, and apart
// from each other: a new listing brings other values, but the names stay in use.
type seenParser struct {
	rest          string
	damaged       bool
	names, values git.Pool
}

func (p *seenParser) field(key string) string {
	line, rest, ok := strings.Cut(p.rest, "\n")
	value, found := strings.CutPrefix(line, key+" ")
	p.damaged = p.damaged || !ok || !found
	p.rest = rest
	return value
}

func (p *seenParser) unquote(s string) string {
	text, err := strconv.Unquote(s)
	p.damaged = p.damaged || err != nil
	return text
}

func (p *seenParser) time(s string) Time {
	t, err := parseTime(s)
	p.damaged = p.damaged || err != nil
	return t
}

func (p *seenParser) ref(m *plan.Mirror) error {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	var part [4]string
	n := 0
	for field := range strings.SplitSeq(line, " ") {
		if n == len(part) {
			return errDamaged
		}
		part[n] = field
		n++
	}
	oid, err := git.ParseOID(p.values.Keep(part[0]))
	name, target := git.RefName(p.names.Keep(part[2])), git.RefName(p.names.Keep(part[3]))
	if err != nil || (!name.IsBranch() && !name.IsTag()) {
		return errDamaged
	}
	if last := len(m.Refs) - 1; last >= 0 && m.Refs[last].Name >= name {
		return errDamaged
	}
	m.Refs = append(m.Refs, git.Ref{Name: name, OID: oid, Symref: target})
	for _, flag := range part[1] {
		switch flag {
		case 'f':
			m.Foreign[name] = true
		case 'l':
			m.Left[name] = true
		}
	}
	return nil
}
