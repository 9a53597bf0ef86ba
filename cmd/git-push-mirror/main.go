// Git-push-mirror keeps copies of a bare repository on other servers: it is the
// post-receive hook that mirrors each push, and the command to watch and control it.
package main

import (
	"context"
	"os"
	"syscall"
)

func main() {
	os.Exit(run(context.Background(), invocation{
		args: os.Args, env: os.Environ(), dir: ".",
		stdin: os.Stdin, stdout: outlasting(os.Stdout), stderr: outlasting(os.Stderr),
	}))
}

// outlasting gives a file another descriptor. On 1 and 2, package os turns a broken pipe into
// SIGPIPE: a pusher who leaves would end us before the mirrors are updated.
func outlasting(f *os.File) *os.File {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return f
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), f.Name())
}
