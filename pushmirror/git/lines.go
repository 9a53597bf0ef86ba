package git

import (
	"bytes"
	"strings"
)

// lines hands on each line that git writes, with its end, as it comes: of a hundred thousand
// refs there is never the whole text. The lines of one write share a string.
type lines struct {
	each func(line string) error
	most int    // how many bytes of a line are kept, a longer one is left out; 0: no limit
	rest []byte // the beginning of a line
	over bool   // that line is left out
	err  error  // the first; later lines are not handed on
}

// Write implements io.Writer; it never fails, so that git gets to its end.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	if l.over {
		_, after, ended := bytes.Cut(p, []byte("\n"))
		p, l.over = after, !ended
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if end > 0 {
		l.take(string(append(l.rest, p[:end]...)))
		l.rest = l.rest[:0]
	}
	l.rest = append(l.rest, p[end:]...)
	if l.most > 0 && len(l.rest) > l.most {
		l.rest, l.over = nil, true
	}
	return n, nil
}

func (l *lines) take(text string) {
	for line := range strings.Lines(text) {
		if l.err != nil {
			return
		}
		l.err = l.each(line)
	}
}

// close hands on a last line that has no end.
func (l *lines) close() error {
	l.take(string(l.rest))
	l.rest = nil
	return l.err
}
