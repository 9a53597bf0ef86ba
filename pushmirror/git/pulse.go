package git

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// stallError says that git was ended because it made no progress.
type stallError struct{ After time.Duration }

// Error implements error.
func (e *stallError) Error() string {
	return fmt.Sprintf("there was no progress for %s (stall_timeout)", e.After)
}

// pulse watches a command: each write to it, of git's progress, is a beat, and if none comes for
// too long the command is ended. It stops watching once the pack is sent: nobody can tell how long
// a mirror may think about it.
type pulse struct {
	mu      sync.Mutex
	after   time.Duration
	timer   *time.Timer // nil: nobody watches
	packing func()      // nil: it has been called
	tail    []byte      // the end of what was written, for a mark that is cut in two
}

// newPulse begins to watch a command; end ends it, and answered is called when git begins to pack,
// since the mirror has answered by then.
func newPulse(c command, end context.CancelCauseFunc, answered func()) *pulse {
	p := &pulse{after: c.stall, packing: func() {
		answered()
		if c.packing != nil {
			c.packing()
		}
	}}
	if c.stall > 0 {
		p.timer = time.AfterFunc(c.stall, func() { end(&stallError{After: c.stall}) })
	}
	return p
}

// What git push prints when it begins the pack, having read what the mirror holds, and when it has
// sent it.
var (
	packBegun = []byte("numerating objects")
	packSent  = []byte("Total ")
)

// Write implements io.Writer; it never fails.
func (p *pulse) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil && p.packing == nil {
		return len(text), nil
	}
	p.tail = append(p.tail, text...)
	if p.packing != nil && bytes.Contains(p.tail, packBegun) {
		p.packing()
		p.packing = nil
	}
	if p.timer != nil {
		p.timer.Reset(p.after)
		if bytes.Contains(p.tail, packSent) {
			p.timer.Stop()
			p.timer = nil
		}
	}
	p.tail = append(p.tail[:0], p.tail[max(0, len(p.tail)-len(packBegun)+1):]...)
	return len(text), nil
}

func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}
