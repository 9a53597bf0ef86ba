package git

import (
	"fmt"
	"strings"
)

// refList collects refs that come sorted by name. Those that are known share its name and, if
// equal, its value, so that the text that they were read from can go.
type refList struct {
	known  Refs // sorted
	next   int  // of known
	refs   Refs
	values Pool // new ones of known refs
}

func (l *refList) add(ref Ref) {
	for l.next < len(l.known) && l.known[l.next].Name < ref.Name {
		l.next++
	}
	if l.next < len(l.known) {
		known := l.known[l.next]
		switch {
		case known.Name != ref.Name:
		case known.OID != ref.OID:
			ref.Name, ref.OID = known.Name, OID(l.values.Keep(string(ref.OID)))
		default:
			ref.Name, ref.OID = known.Name, known.OID
		}
	}
	l.refs = append(l.refs, ref)
}

// forEachRef reads the output of
//
//	git for-each-ref --format='%(HEAD)%(objectname) %(refname) %(symref)'
type forEachRef struct {
	refList
	head RefName
}

func (f *forEachRef) line(line string) error {
	rest, isHead := strings.CutPrefix(line, "*")
	rest, isOther := strings.CutPrefix(rest, " ")
	oid, rest, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	name, symref, ok := strings.Cut(rest, " ")
	if !ok || isHead == isOther {
		return fmt.Errorf("reading 'git for-each-ref': unexpected line %.200q", line)
	}
	ref := Ref{Name: RefName(name)}
	if symref != "" { // or else a piece of the text, of no length, would keep all of it
		ref.Symref = RefName(symref)
	}
	var err error
	if ref.OID, err = ParseOID(oid); err != nil {
		return fmt.Errorf("reading 'git for-each-ref': %w", err)
	}
	if !ref.Name.IsBranch() && !ref.Name.IsTag() {
		return fmt.Errorf("reading 'git for-each-ref': unexpected ref %.200q", name)
	}
	if isHead {
		f.head = ref.Name
	}
	f.add(ref)
	return nil
}

// lsRemote reads the output of
//
//	git ls-remote --symref
//
// keeping branches and tags. The lines of peeled tags (refs/tags/v1^{}) are left out.
type lsRemote struct {
	refList
	targets map[RefName]RefName
}

func (r *lsRemote) line(line string) error {
	value, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
	if !ok {
		return fmt.Errorf("reading 'git ls-remote': unexpected line %.200q", line)
	}
	if target, ok := strings.CutPrefix(value, "ref: "); ok {
		r.targets[RefName(name)] = RefName(target)
		return nil
	}
	ref := Ref{Name: RefName(name), Symref: r.targets[RefName(name)]}
	var err error
	if ref.OID, err = ParseOID(value); err != nil {
		return fmt.Errorf("reading 'git ls-remote': %w", err)
	}
	if (ref.Name.IsBranch() || ref.Name.IsTag()) && !strings.HasSuffix(name, "^{}") {
		r.add(ref)
	}
	return nil
}
