package hook

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// Hook is one run of post-receive.
type Hook struct {
	Dir    string    // the working directory
	Env    []string  // the environment, "KEY=value"
	Stdin  io.Reader // what was pushed
	Stderr io.Writer // what the pusher sees
}

// Run mirrors what was pushed. An error tells of what kept it from looking at any
// remote; what became of each remote is printed.
func (h Hook) Run(ctx context.Context) error {
	changes, err := readChanges(h.Stdin)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	if namespace := h.env("GIT_NAMESPACE"); namespace != "" {
		return fmt.Errorf("pushes to a namespace are not mirrored (GIT_NAMESPACE is %q)", namespace)
	}
	upstream, err := h.open()
	if err != nil {
		return err
	}
	remotes, err := upstream.Select(nil)
	if err != nil {
		return err
	}
	var concerned []config.Remote
	for _, remote := range remotes {
		if remote.Enabled && plan.Concerns(remote, names(changes)) {
			concerned = append(concerned, remote)
		}
	}
	h.update(ctx, upstream, concerned, changes)
	return nil
}

// open opens the repository that git runs the hook in. The pusher's ssh agent is
// theirs: what is delivered does not depend on who pushed.
func (h Hook) open() (*pushmirror.Upstream, error) {
	var env []string
	for _, kv := range h.Env {
		if !strings.HasPrefix(kv, "SSH_AUTH_SOCK=") {
			env = append(env, kv)
		}
	}
	g, err := git.New(env)
	if err != nil {
		return nil, err
	}
	gitDir := h.env("GIT_DIR")
	if gitDir == "" {
		gitDir = "."
	}
	repo, err := g.Find(context.Background(), h.Dir, gitDir)
	if err != nil {
		return nil, err
	}
	return pushmirror.Open(repo, h.env)
}

// update updates remotes side by side and prints the outcome of each as it comes.
func (h Hook) update(ctx context.Context, upstream *pushmirror.Upstream, remotes []config.Remote, changes []change) {
	var printing sync.Mutex
	var all sync.WaitGroup
	hint := false
	for _, remote := range remotes {
		all.Go(func() {
			lines, trouble := report(upstream.Update(ctx, remote, pushmirror.Options{}), changes, maxLines/len(remotes))
			printing.Lock()
			defer printing.Unlock()
			hint = hint || trouble
			for _, line := range lines {
				h.say("%s: %s", remote.Name, line)
			}
		})
	}
	all.Wait()
	if hint {
		h.say("hint: git push-mirror status")
	}
}

// say prints a line for the pusher. If they have gone, nobody is there to be told.
func (h Hook) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.Stderr, "push-mirror: "+format+"\n", args...)
}

func (h Hook) env(key string) string {
	for _, kv := range h.Env {
		if value, ok := strings.CutPrefix(kv, key+"="); ok {
			return value
		}
	}
	return ""
}

func names(changes []change) iter.Seq[git.RefName] {
	return func(yield func(git.RefName) bool) {
		for _, c := range changes {
			if !yield(c.name) {
				return
			}
		}
	}
}
