package git

import (
	"context"
	"fmt"
	"time"
)

// answerError says that git was ended because the mirror's host had not sent a byte.
type answerError struct{ After time.Duration }

// Error implements error.
func (e *answerError) Error() string {
	return fmt.Sprintf("the mirror's host did not answer within %s", e.After)
}

// contact is how far the connections of a session's processes have come.
type contact int

const (
	noContact contact = iota // they have no connection, and wait for none
	silence                  // they wait for one, or for the first byte on it
	answered                 // some byte has come
)

// awaitAnswer ends a command whose mirror sends no byte within limit. Neither git nor curl has a
// setting for that, so the kernel is asked about the command's connections.
func awaitAnswer(ctx context.Context, session int, limit time.Duration, end context.CancelCauseFunc) {
	ticks := time.NewTicker(max(limit/15, time.Millisecond))
	defer ticks.Stop()
	var since time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			switch contactOf(session) {
			case noContact:
			case answered:
				return
			case silence:
				if since.IsZero() {
					since = now
				}
				if now.Sub(since) >= limit {
					end(&answerError{After: limit})
					return
				}
			}
		}
	}
}
