package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// Hook is one run of post-receive. Announce and Enter, which are for others than git, need Program
// and Env alone.
type Hook struct {
	Dir     string    // the working directory
	Program string    // this program, to be started as the worker
	Env     []string  // the environment, "KEY=value"
	Stdin   io.Reader // what was pushed
	Stderr  io.Writer // what the pusher sees
	Waits   func()    // called once all marks are made and there is only waiting left, which the end of ctx may cut short; nil: nobody asks

	shell string // has the worker begin a moment later, if it can be run; "" for at once
}

// Run has what was pushed delivered, and runs the hook that was there before us. It
// returns that hook's exit code, else 0. An error tells of what kept it from handing the
// push over; what became of the push is printed.
func (h Hook) Run(ctx context.Context) (code int, err error) {
	var input bytes.Buffer
	changes, err := readChanges(io.TeeReader(h.Stdin, &input))
	repo, repoErr := h.repository(ctx)
	if repoErr != nil {
		return 0, errors.Join(err, repoErr)
	}
	if h.getenv(chainedVariable) == chained(repo.Dir(), input.Bytes()) {
		return 0, nil
	}
	pushed := state.Now()
	var upstream *pushmirror.Upstream
	var concerned []config.Remote
	if err == nil && len(changes) > 0 {
		upstream, concerned, err = h.handOver(repo, changes)
	}
	if h.Waits != nil && (upstream != nil && h.wait(upstream, concerned) > 0 || chains(repo.Dir())) {
		h.Waits() // all is marked
	}
	code, chainErr := h.chain(ctx, repo.Dir(), input.Bytes())
	if err == nil && upstream != nil {
		h.follow(ctx, upstream, concerned, changes, pushed)
	}
	return code, errors.Join(err, chainErr)
}

// handOver makes the marks of the remotes that the push concerns, enters the repository
// into the queue and sees to it that a worker runs, in that order. It runs no git.
func (h Hook) handOver(repo *git.Repository, changes []change) (*pushmirror.Upstream, []config.Remote, error) {
	if namespace := h.getenv("GIT_NAMESPACE"); namespace != "" {
		return nil, nil, fmt.Errorf("pushes to a namespace are not mirrored (GIT_NAMESPACE is %q)", namespace)
	}
	push := state.Push{Time: state.Now(), Pusher: h.pusher()}
	for _, c := range changes[:min(len(changes), state.MaxPushRefs+1)] { // one too many is enough for Mark to name none
		push.Refs = append(push.Refs, c.name)
	}
	upstream, err := pushmirror.OpenInHook(repo, h.getenv)
	if err != nil {
		// What is configured is not known, so everything is due once it is.
		site := h.site()
		return nil, nil, errors.Join(err, pushmirror.MarkAll(repo, push), h.enqueue(repo.Dir(), site.StateDir, site.Worker.Start))
	}
	remotes, err := upstream.Select(nil)
	if err != nil {
		return nil, nil, err
	}
	concerned := concernedBy(remotes, repo.Dir(), changes)
	if len(concerned) == 0 {
		if slices.ContainsFunc(remotes, func(remote config.Remote) bool { return remote.Enabled }) {
			upstream.MakeKnown()
		}
		return upstream, nil, nil
	}
	if h.wait(upstream, concerned) == 0 {
		// The worker, which takes ten times as long to start as a shell, would still compete with
		// the end of the push.
		h.shell = shell()
	}
	return upstream, concerned, h.deliver(upstream, concerned, push)
}

// Announce has remotes looked at without a push, since somebody added or changed them.
func (h Hook) Announce(upstream *pushmirror.Upstream, remotes []config.Remote) error {
	return h.deliver(upstream, remotes, state.Push{Time: state.Now()})
}

// Enter enters a repository, some remote of which is to be tried again, into the queue, and has a
// worker look at it.
func (h Hook) Enter(upstream *pushmirror.Upstream) error {
	return h.enqueue(upstream.Dir(), upstream.StateDir(), upstream.Worker().Start)
}

// deliver marks remotes, and has a worker find the marks.
func (h Hook) deliver(upstream *pushmirror.Upstream, remotes []config.Remote, push state.Push) error {
	var err error
	for _, remote := range remotes {
		if markErr := upstream.Mark(remote, push); markErr != nil {
			err = errors.Join(err, fmt.Errorf("noting that %s has work: %w", remote.Name, markErr))
		}
	}
	return errors.Join(err, h.Enter(upstream))
}

// site is what the system's file alone says, or the defaults if it is broken too.
func (h Hook) site() *config.Config {
	site, err := config.Load(config.DefaultSources(h.getenv, ""))
	if err != nil {
		site, _ = config.Load(config.Sources{}) // which reads nothing that could be broken
	}
	return site
}

// repository is the one that git runs the hook in.
func (h Hook) repository(ctx context.Context) (*git.Repository, error) {
	g, err := git.New(h.Env)
	if err != nil {
		return nil, err
	}
	gitDir := h.getenv("GIT_DIR")
	if gitDir == "" {
		gitDir = "."
	}
	return g.Find(ctx, h.Dir, gitDir)
}

// pusher is who pushed, as far as the hosting system or the machine says.
func (h Hook) pusher() string {
	for _, key := range []string{"GL_USER", "GITEA_PUSHER_NAME", "REMOTE_USER"} {
		if name := h.getenv(key); name != "" {
			return name
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// say prints a line for the pusher. If they have gone, nobody is there to be told.
func (h Hook) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.Stderr, "push-mirror: "+format+"\n", args...)
}

func (h Hook) getenv(key string) string { return git.Getenv(h.Env, key) }
