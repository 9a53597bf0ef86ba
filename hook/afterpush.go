package hook

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// afterPush has a shell become the worker once a read of its standard input has timed out: a sleep
// would be one more program to start while the push ends.
const afterPush = `read -r nothing 2>/dev/null; exec "$0" worker --until-idle </dev/null`

// pushEnds is how long a push may still take once its hook has ended.
const pushEnds = 50 * time.Millisecond

// shell is the shell that runs afterPush; "" if the machine's is not known to. One that polls first,
// as busybox does, would wait for good.
func shell() string {
	const sh = "/bin/sh"
	target, err := os.Readlink(sh)
	if name := filepath.Base(target); err == nil && (name == "dash" || name == "bash") {
		return sh
	}
	return ""
}

// clock returns a socket that nothing is written to: a read of it ends after pushEnds.
func clock() (fd int, err error) {
	fd, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return 0, err
	}
	syscall.CloseOnExec(fd)
	end := syscall.NsecToTimeval(pushEnds.Nanoseconds())
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &end); err != nil {
		return 0, errors.Join(err, syscall.Close(fd))
	}
	return fd, nil
}

// startAfterPush starts the worker once the push has ended; attr is for one that starts at once.
func startAfterPush(shell, program string, attr syscall.ProcAttr) error {
	socket, err := clock()
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(socket) }()
	attr.Files = append([]uintptr{uintptr(socket)}, attr.Files[1:]...)
	_, err = syscall.ForkExec(shell, []string{"sh", "-c", afterPush, program}, &attr)
	return err
}
