package git

import (
	"os/exec"
	"runtime"
	"syscall"
)

// endWithUs has the kernel end a command when we die without a chance to do it. That is
// bound to the thread that starts the command, which must not end before the command: the
// function that it returns lets the thread go.
func endWithUs(cmd *exec.Cmd) (release func()) {
	runtime.LockOSThread()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	return runtime.UnlockOSThread
}
