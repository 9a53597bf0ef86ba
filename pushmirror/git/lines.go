package git

import (
	"bytes"
	"strings"
)

// lines passes each line that git writes, with its LF, to each as it comes, so that the whole text
// of a hundred thousand refs is never in memory. The lines of one write share a string.
type lines struct {
	each func(line string) error
	most int    // bytes: a line that has not ended by then is left out; 0: no limit
	rest []byte // the beginning of a line
	over bool   // the rest of that line is left out
	err  error  // the first of each; no line is passed after it
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

// close passes a last line without LF, and returns the first error of each.
func (l *lines) close() error {
	l.take(string(l.rest))
	l.rest = nil
	return l.err
}
