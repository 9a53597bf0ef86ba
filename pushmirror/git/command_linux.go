package git

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// endWithUs has the kernel end a command when we die without a chance to do it. That is
// bound to the thread that starts the command, which must not end before the command: the
// function that it returns lets the thread go.
func endWithUs(cmd *exec.Cmd) (release func()) {
	runtime.LockOSThread()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	return runtime.UnlockOSThread
}

// endMarked ends all processes that have the variable, which is KEY=VALUE, in their
// environment, and waits for it: first as they like it, then by force.
func endMarked(variable string) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for deadline := time.Now().Add(killDelay); ; time.Sleep(10 * time.Millisecond) {
			left := marked(variable)
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				break
			}
			for _, pid := range left {
				_ = syscall.Kill(pid, signal)
			}
		}
	}
}

// marked lists the processes that have a variable in their environment, as far as we may
// look: proc_pid_environ(5).
func marked(variable string) (pids []int) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, environ := range environs {
		text, err := os.ReadFile(environ)
		if err != nil || !bytes.Contains(append([]byte{0}, text...), []byte("\x00"+variable+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(environ))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
