package hook

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// followEvery is how often the outcome is looked for.
const followEvery = 20 * time.Millisecond

// follow prints the outcome of each remote as it comes, for as long as a pusher may be
// kept waiting, and the trouble of those that the push does not concern.
func (h Hook) follow(ctx context.Context, upstream *pushmirror.Upstream, remotes []config.Remote, changes []change, pushed state.Time) {
	settings, wait := upstream.Hook(), h.wait(upstream, remotes)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	t := teller{hook: h}
	waiting := make([]*awaited, 0, len(remotes))
	for _, remote := range remotes {
		waiting = append(waiting, &awaited{Remote: remote, id: "unread"})
	}
	for {
		waiting = slices.DeleteFunc(waiting, func(w *awaited) bool {
			ended, err := w.look(upstream, pushed)
			if ended {
				lines, bad := outcome(w.record, err, changes, settings.Show, maxLines/len(remotes))
				t.tell(w.Remote, lines, bad)
			}
			return ended
		})
		if len(waiting) == 0 || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(followEvery):
		}
	}
	for _, w := range waiting {
		if w.record.Error == "" {
			w.record.Error = upstream.HeldUp(w.Remote)
		}
		lines, bad := underWay(w.record, wait, settings.Show)
		t.tell(w.Remote, lines, bad)
	}
	for _, remote := range others(upstream, remotes) {
		record, err := upstream.Record(remote)
		if err != nil {
			record.Error = err.Error()
		}
		lines, bad := underWay(record, 0, settings.Show)
		t.tell(remote, lines, bad)
	}
	t.end(cmp.Or(settings.Contact, "git push-mirror status"))
}

// teller prints what there is to tell of remotes, as much as a pusher should be shown.
type teller struct {
	hook    Hook
	trouble bool
	shown   int // lines
	unshown int // remotes, when there were enough lines
}

func (t *teller) tell(remote config.Remote, lines []string, bad bool) {
	t.trouble = t.trouble || bad
	if t.shown >= maxLines && len(lines) > 0 {
		t.unshown++
		return
	}
	for _, line := range lines {
		t.hook.say("%s: %s", remote.Name, line)
	}
	t.shown += len(lines)
}

// end says what was left out and, if there was trouble, what helps.
func (t *teller) end(hint string) {
	if t.unshown > 0 {
		t.hook.say("and %d more remotes", t.unshown)
	}
	if t.trouble {
		t.hook.say("hint: %s", hint)
	}
}

// wait is how long the pusher may be kept waiting for the outcome.
func (h Hook) wait(upstream *pushmirror.Upstream, remotes []config.Remote) time.Duration {
	wait := upstream.Hook().Wait
	if h.asksToWait() {
		for _, remote := range remotes {
			wait = max(wait, remote.StallTimeout)
		}
	}
	return wait
}

// others are the remotes that a push does not concern.
func others(upstream *pushmirror.Upstream, concerned []config.Remote) []config.Remote {
	remotes, err := upstream.Select(nil)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(remotes), func(remote config.Remote) bool {
		return !remote.Enabled || slices.ContainsFunc(concerned, func(other config.Remote) bool { return other.Name == remote.Name })
	})
}

// awaited is a remote that the push was not seen to have reached yet.
type awaited struct {
	config.Remote
	id     string // of the record
	record state.Record
}

// look reads the record if it is a new one, and reports whether there is nothing to wait for any
// more.
func (w *awaited) look(upstream *pushmirror.Upstream, pushed state.Time) (ended bool, err error) {
	id := upstream.RecordID(w.Remote)
	if id == w.id {
		return false, nil
	}
	w.id = id
	w.record, err = upstream.Record(w.Remote)
	if err == nil && upstream.Mended(w.Remote, w.record) {
		w.record.NextAttemptAt = state.Time{} // it is tried at once
	}
	if err == nil && !answered(w.record, pushed) {
		return false, nil
	}
	return true, err
}

// underWay tells of a remote that nobody waits for any longer, and whether it is in trouble
// from before.
func underWay(r state.Record, wait time.Duration, show config.Show) (lines []string, trouble bool) {
	switch {
	case show == config.ShowNothing:
		return nil, false
	case r.Error != "":
		return []string{"older trouble: " + git.Printable(r.Error)}, true
	case wait > 0 && show == config.ShowAll:
		return []string{"on its way"}, false
	}
	return nil, false
}

// answered reports whether there is nothing to wait for: the push is dealt with, or the
// remote waits for its next attempt.
func answered(r state.Record, pushed state.Time) bool {
	return !r.StartedAt.Before(pushed.Time) || r.Unreached && r.NextAttemptAt.After(pushed.Time)
}

// outcome tells what became of the push on a remote, and whether it is trouble.
func outcome(r state.Record, err error, changes []change, show config.Show, limit int) (lines []string, trouble bool) {
	if err != nil {
		return []string{git.Printable(err.Error())}, true
	}
	if show == config.ShowNothing {
		return nil, false
	}
	return report(r, changes, show, limit)
}

// asksToWait reports whether the pusher sent the push option mirror.wait. There may be any number
// of options, empty ones too.
func (h Hook) asksToWait() bool {
	for _, kv := range h.Env {
		key, value, _ := strings.Cut(kv, "=")
		if value == "mirror.wait" && strings.HasPrefix(key, "GIT_PUSH_OPTION_") {
			return true
		}
	}
	return false
}
