package hook

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// followEvery is how often the outcome is looked for.
const followEvery = 20 * time.Millisecond

// follow prints the outcome of each remote as it comes, for as long as a pusher may be
// kept waiting.
func (h Hook) follow(ctx context.Context, upstream *pushmirror.Upstream, remotes []config.Remote, changes []change, pushed state.Time) {
	settings := upstream.Hook()
	wait := settings.Wait
	if h.asksToWait() {
		for _, remote := range remotes {
			wait = max(wait, remote.StallTimeout)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	trouble := false
	waiting := remotes
	for {
		var left []config.Remote
		for _, remote := range waiting {
			record, err := upstream.Record(remote)
			if err == nil && !settled(record, pushed) {
				left = append(left, remote)
				continue
			}
			if record.StartedAt.Before(pushed.Time) {
				record.Results, record.More = nil, 0 // those of an earlier push
			}
			trouble = h.outcome(remote, record, err, changes, settings.Show, maxLines/len(remotes)) || trouble
		}
		waiting = left
		if len(waiting) == 0 || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(followEvery):
		}
	}
	for _, remote := range waiting {
		trouble = h.underWay(upstream, remote, wait, settings.Show) || trouble
	}
	if trouble {
		h.say("hint: %s", cmp.Or(settings.Contact, "git push-mirror status"))
	}
}

// underWay tells of a remote that nobody waits for any longer, and reports whether it is in
// trouble from before.
func (h Hook) underWay(upstream *pushmirror.Upstream, remote config.Remote, wait time.Duration, show config.Show) (trouble bool) {
	record, err := upstream.Record(remote)
	switch {
	case show == config.ShowNothing:
		return false
	case err == nil && record.Error != "":
		h.say("%s: older trouble: %s", remote.Name, git.Printable(record.Error))
		return true
	case wait > 0 && show == config.ShowAll:
		h.say("%s: on its way", remote.Name)
	}
	return false
}

// settled reports whether there is nothing to wait for: the push is dealt with, or the
// remote waits for its next attempt.
func settled(r state.Record, pushed state.Time) bool {
	return !r.StartedAt.Before(pushed.Time) || r.Unreached && r.NextAttemptAt.After(pushed.Time)
}

// outcome prints what became of the push on a remote and reports whether it is trouble.
func (h Hook) outcome(remote config.Remote, r state.Record, err error, changes []change, show config.Show, limit int) (trouble bool) {
	if err != nil {
		h.say("%s: %v", remote.Name, git.Printable(err.Error()))
		return true
	}
	if show == config.ShowNothing {
		return false
	}
	lines, trouble := report(r, changes, show, limit)
	for _, line := range lines {
		h.say("%s: %s", remote.Name, line)
	}
	return trouble
}

// asksToWait reports whether the pusher sent the push option mirror.wait.
func (h Hook) asksToWait() bool {
	for i := 0; ; i++ {
		key := fmt.Sprintf("GIT_PUSH_OPTION_%d", i)
		option := h.env(key)
		if option == "mirror.wait" {
			return true
		}
		if option == "" {
			return false
		}
	}
}
