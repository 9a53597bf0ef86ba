package config

import (
	"fmt"
	"strings"
)

// ByHand tells how the values of d, and no others, are changed by hand in the file that a remote
// stands in: a line of text for each key that d has or that is in unset. It shows no secret.
func ByHand(r Remote, d *Draft, unset []string) string {
	src, p := remoteIn(r)
	var lines []string
	for _, name := range unset {
		if st, ok := statementOf(src, p, name); ok {
			lines = append(lines, fmt.Sprintf("take out line %d: %s", st.first, st.shown()))
		}
	}
	// The file has its keys in an order of its own; the draft's is as good as any.
	for line := range strings.Lines(strings.TrimPrefix(d.Text(), draftHead)) {
		name, _, _ := strings.Cut(line, " = ")
		if name == "name" {
			continue
		}
		st := statement{names: []string{"remote", name}, key: name, value: strings.TrimSpace(line[len(name)+len(" = "):])}
		switch old, ok := statementOf(src, p, name); {
		case ok:
			lines = append(lines, fmt.Sprintf("line %d: %s", old.first, st.shown()))
		case p != "":
			lines = append(lines, fmt.Sprintf("below line %d: %s", r.Line, st.shown()))
		default:
			lines = append(lines, st.shown())
		}
	}
	return strings.Join(lines, "\n")
}

// remoteIn finds where a remote stands in its file; the path is "" if its keys have no lines of
// their own.
func remoteIn(r Remote) (*source, path) {
	text, _, err := slurp(r.File)
	if err != nil {
		return &source{}, ""
	}
	src := scan(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"))
	for i := range strings.Count(text, "\n") + 1 {
		p := path("").key("remote").element(i)
		if st, ok := src.index[p]; ok && src.statements[st].first == r.Line {
			return src, p
		}
	}
	return src, ""
}

// statementOf finds the line of a key of a remote, if it has one of its own.
func statementOf(src *source, remote path, name string) (statement, bool) {
	i, ok := src.index[remote.key(name)]
	if !ok || remote == "" {
		return statement{}, false
	}
	return src.statements[i], true
}
