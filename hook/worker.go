package hook

import (
	"fmt"
	"os"
	"os/exec"
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
// it prints, a panic too, goes to its log.
func startWorker(program, log string, env []string) error {
	out, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	defer out.Close()
	keepDescriptors()
	cmd := exec.Command(program, "worker", "--until-idle") //nolint:noctx // it outlives us
	cmd.Args[0] = "git-push-mirror"
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	return cmd.Process.Release()
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
