package hook

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
)

// enqueue enters the repository into the queue and starts a worker if none works. Where
// the user's state directory cannot be had, the repository has a queue of its own. Where
// neither can be written, since the disk is full, the worker finds the repository among
// those that it knows, and tries until there is room.
func (h Hook) enqueue(repository, stateDir string, start config.Start) error {
	dir, err := queue.Dir(h.getenv, stateDir)
	if err == nil {
		err = h.enqueueIn(dir, repository, start)
	}
	if err == nil || start == config.StartNever {
		return err // who delivers is not ours to choose
	}
	ownErr := h.enqueueIn(queue.OwnDir(repository), repository, start)
	if ownErr == nil {
		return nil
	}
	if q, openErr := queue.Open(dir); openErr == nil {
		ownErr = errors.Join(ownErr, h.wake(q, start))
	}
	return errors.Join(err, ownErr)
}

func (h Hook) enqueueIn(dir, repository string, start config.Start) error {
	q, err := queue.Open(dir)
	if err != nil {
		return err
	}
	if err := q.Add(repository); err != nil {
		return err
	}
	return h.wake(q, start)
}

// wake starts a worker for a queue if none works.
func (h Hook) wake(q *queue.Queue, start config.Start) error {
	if start == config.StartNever {
		return nil
	}
	working, err := q.Working()
	if err != nil || working {
		return err
	}
	return h.startWorker(q.Log(), append(workerEnv(h.Env), queue.DirVariable+"="+q.Dir()))
}

// workerEnv is what a worker gets of the environment of the hook that starts it: what git
// may see, and where the configuration is. What it delivers must not depend on who pushed:
// their ssh agent, their language and what a web server knows of them stay behind.
func workerEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return key == "SSH_AUTH_SOCK" || key != "PUSH_MIRROR_CONFIG" && !git.Inherits(key)
	})
}

// startWorker starts the worker in a session of its own, in the folder /, with nothing of the
// pusher's: a descriptor that it inherited would keep them waiting for its end. What it prints, a
// panic too, goes to its log. It is no os.StartProcess, which probes for what Wait needs first:
// nobody waits for the worker, but the pusher would wait for the probe.
func (h Hook) startWorker(log string, env []string) error {
	in, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	defer out.Close()
	keepDescriptors()
	attr := &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{in.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	}
	if h.shell != "" && startAfterPush(h.shell, h.Program, *attr) == nil {
		return nil
	} // else there is no such shell, as in a container of few programs, or it must not run
	if _, err := syscall.ForkExec(h.Program, []string{"git-push-mirror", "worker", "--until-idle"}, attr); err != nil {
		return fmt.Errorf("starting the worker: %s: %w", h.Program, err)
	}
	return nil
}

// maxDescriptor is the highest descriptor that is looked at where each has to be: git and web
// servers leave few open, and those low.
const maxDescriptor = 256

// keepDescriptors keeps what we inherited above stderr from being handed on.
func keepDescriptors() {
	if keepAllDescriptors() {
		return
	}
	for fd := 3; fd < maxDescriptor; fd++ {
		syscall.CloseOnExec(fd)
	}
}
