package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"git-push-mirror/pushmirror/git"
)

// progress is where git's own progress goes: to the terminal, if there is one, each
// line behind the remote's name when there are several.
func (inv invocation) progress(remote string, of int, mu *sync.Mutex) io.Writer {
	if !isTerminal(inv.stderr) {
		return nil
	}
	prefix := ""
	if of > 1 {
		prefix = remote + ": "
	}
	return &progress{to: inv.stderr, mu: mu, prefix: prefix}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress passes lines on, whole and printable: some are a remote's words.
type progress struct {
	to     io.Writer
	mu     *sync.Mutex
	prefix string
	line   []byte
}

// Write implements io.Writer.
func (p *progress) Write(text []byte) (int, error) {
	for _, c := range text {
		if c != '\r' && c != '\n' {
			if len(p.line) < 1000 {
				p.line = append(p.line, c)
			}
			continue
		}
		p.mu.Lock()
		_, _ = fmt.Fprintf(p.to, "%s%s%c", p.prefix, git.Printable(string(p.line)), c)
		p.mu.Unlock()
		p.line = p.line[:0]
	}
	return len(text), nil
}
