package git

import "io"

// The parsers read what git writes as it comes; here, they are given a whole text.

func parseForEachRef(out string) (Refs, RefName, error) {
	var f forEachRef
	err := parse(out, f.line)
	return Sort(f.refs), f.head, err
}

func parseLsRemote(out string) (Refs, RefName, error) {
	l := lsRemote{targets: map[RefName]RefName{}}
	err := parse(out, l.line)
	return Sort(l.refs), l.targets["HEAD"], err
}

func parsePorcelain(out string) ([]Outcome, error) {
	var r report
	err := parse(out, r.line)
	return r.outcomes, err
}

// parse hands the text over in pieces whose ends are no ends of lines.
func parse(out string, line func(string) error) error {
	l := lines{each: line}
	for len(out) > 0 {
		n := min(7, len(out))
		_, _ = io.WriteString(&l, out[:n])
		out = out[n:]
	}
	return l.close()
}
