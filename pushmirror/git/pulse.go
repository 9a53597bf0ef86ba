package git

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// StallError tells that git was ended since it made no progress.
type StallError struct{ After time.Duration }

// Error implements error.
func (e *StallError) Error() string {
	return fmt.Sprintf("there was no progress for %s (stall_timeout)", e.After)
}

// pulse watches over a command: each write to it, of what git says of its progress, is a
// beat. When none comes for long, the command is ended. Once the pack is sent there is no
// telling how long a mirror thinks, and the pulse rests.
type pulse struct {
	mu    sync.Mutex
	after time.Duration
	timer *time.Timer // nil: nobody watches
	tail  []byte      // the end of what was written, for a mark that is cut in two
}

func newPulse(after time.Duration, end context.CancelCauseFunc) *pulse {
	p := &pulse{after: after}
	if after > 0 {
		p.timer = time.AfterFunc(after, func() { end(&StallError{After: after}) })
	}
	return p
}

// packSent begins the line with which git push ends the sending of a pack.
var packSent = []byte("Total ")

// Write implements io.Writer; it never fails.
func (p *pulse) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return len(text), nil
	}
	p.tail = append(p.tail, text...)
	if bytes.Contains(p.tail, packSent) {
		p.timer.Stop()
		p.timer = nil
		return len(text), nil
	}
	p.tail = append(p.tail[:0], p.tail[max(0, len(p.tail)-len(packSent)+1):]...)
	p.timer.Reset(p.after)
	return len(text), nil
}

func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}
