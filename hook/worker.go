package hook

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"git-push-mirror/pushmirror/git"
)

// workerEnv is what a worker gets of the environment of the hook that starts it: what git
// may see, and where the configuration is. What it delivers must not depend on who pushed:
// their ssh agent, their language and what a web server knows of them stay behind.
func workerEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return key == "SSH_AUTH_SOCK" || key != "PUSH_MIRROR_CONFIG" && !git.Inherits(key)
	})
}

// startWorker starts the worker in a session of its own, in the folder /, with nothing of
// the pusher's: a descriptor that it inherited would keep them waiting for its end. What
// it prints, a panic too, goes to its log. It is no os.StartProcess, which probes for what Wait needs
// first: nobody waits for the worker, but the pusher would wait for the probe.
func startWorker(program, log string, env []string) error {
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
	_, err = syscall.ForkExec(program, []string{"git-push-mirror", "worker", "--until-idle"}, &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{in.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("starting the worker: %s: %w", program, err)
	}
	return nil
}

// maxDescriptor is the highest descriptor that is looked at: git and web servers leave
// few open, and those low.
const maxDescriptor = 256

// keepDescriptors keeps what we inherited above stderr from being handed on.
func keepDescriptors() {
	for fd := 3; fd < maxDescriptor; fd++ {
		syscall.CloseOnExec(fd)
	}
}
