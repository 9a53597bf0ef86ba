package main

import (
	"context"
	"errors"

	"git-push-mirror/hook"
	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
)

// inEpisode tells what hosts somebody was told of, if anybody is told.
func (inv invocation) inEpisode(upstream *pushmirror.Upstream) func(string) bool {
	if !upstream.Notifies() {
		return nil
	}
	q, err := inv.queue(upstream.StateDir())
	if err != nil {
		return nil
	}
	return q.InEpisode
}

// notify has the owners told of what has failed or recovered, now that no remote has to wait
// for it.
func (inv invocation) notify(ctx context.Context, jobs []syncJob, updates []pushmirror.Update) {
	for i, job := range jobs {
		if ctx.Err() != nil {
			return
		}
		if !job.upstream.Notifies() {
			continue
		}
		q, err := inv.queue(job.upstream.StateDir())
		if notifier := (pushmirror.Notifier{Queue: q, Env: inv.env}); err == nil && notifier.Due(job.upstream, updates[i]) {
			if err = notifier.Tell(ctx, job.upstream, updates[i], pushmirror.Sharing(updates)); err != nil {
				err = errors.Join(err, q.Add(job.upstream.Dir())) // the next worker tells them
			}
		}
		if err != nil {
			inv.say("error", job.label+": "+err.Error())
		}
	}
}

// notifyOfRepositories has the owners told of those that cannot be mirrored at all, and of those
// that can be again.
func (inv invocation) notifyOfRepositories(ctx context.Context, repositories []repository) {
	for _, r := range repositories {
		if ctx.Err() != nil {
			return
		}
		if err := inv.notifyOfRepository(ctx, r); err != nil {
			inv.say("error", r.dir+": "+err.Error())
		}
	}
}

func (inv invocation) notifyOfRepository(ctx context.Context, r repository) error {
	stateDir := ""
	if r.err == nil {
		stateDir = r.upstream.StateDir()
	} else if site, err := config.Load(config.DefaultSources(inv.getenv, "")); err == nil {
		stateDir = site.StateDir
	}
	q, err := inv.queue(stateDir)
	if err != nil {
		return nil // who tells of updates has told of that
	}
	notifier := pushmirror.Notifier{Queue: q, Env: inv.env}
	switch {
	case r.err == nil:
		return notifier.TellMended(ctx, r.upstream)
	case r.folder:
		return nil // and perhaps none of ours, as a file system's lost+found
	}
	g, err := git.New(inv.env)
	if err != nil {
		return err
	}
	return notifier.TellBroken(ctx, r.dir, pushmirror.Notified(ctx, g, r.dir, inv.getenv), r.err)
}

// tryAgain has a worker take up what is to be tried again, since no push may follow. What somebody
// has to mend waits for the next worker: who ran sync was told. A worker that runs already notices
// when it is mended, and learns of a host or login that is back, for which it may hold up other
// repositories.
func (inv invocation) tryAgain(jobs []syncJob, updates []pushmirror.Update) {
	for i, job := range jobs {
		var err error
		switch {
		case updates[i].Record.Status == state.ToRetry:
			var h hook.Hook
			if h, err = inv.hook(); err == nil {
				err = h.Enter(job.upstream)
			}
		case updates[i].Record.Status == state.Failed || updates[i].Event == pushmirror.EventRecovered:
			if dir, dirErr := queue.Dir(inv.getenv, job.upstream.StateDir()); dirErr == nil {
				if working, _ := queue.Working(dir); working {
					err = inv.enter(job.upstream)
				}
			}
		}
		if err != nil {
			inv.say("error", job.label+": handing it to a worker: "+err.Error())
		}
	}
}

// enter has the worker that works look at a repository.
func (inv invocation) enter(upstream *pushmirror.Upstream) error {
	q, err := inv.queue(upstream.StateDir())
	if err != nil {
		return err
	}
	return q.Add(upstream.Dir())
}

// queue opens the worker's list; stateDir is where the configuration has it.
func (inv invocation) queue(stateDir string) (*queue.Queue, error) {
	dir, err := queue.Dir(inv.getenv, stateDir)
	if err != nil {
		return nil, err
	}
	return queue.Open(dir)
}
