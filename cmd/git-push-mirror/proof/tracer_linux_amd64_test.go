package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// A fault is what happens at a system call in place of what it asks for.
type fault struct {
	errno syscall.Errno // 0: none
	short bool          // half of what is to be written is written
	kill  bool          // the process ends before it
}

func (f fault) String() string {
	switch {
	case f.kill:
		return "kill -9"
	case f.short:
		return "a short write"
	case f.errno == 0:
		return "nothing"
	}
	return f.errno.Error()
}

// fits reports whether the call can end so.
func (f fault) fits(c call) bool {
	switch {
	case f.short:
		return c.name == "write"
	case f.errno == syscall.EACCES:
		return c.name == "open" || c.name == "rename" || c.name == "unlink" || c.name == "mkdir"
	case f.errno == syscall.EINTR:
		return c.name == "open" || c.name == "write" || c.name == "sync" || c.name == "flock"
	case f.errno == syscall.ENOSPC:
		return c.name != "unlink" && c.name != "flock" && c.name != "chmod" && c.name != "start"
	case f.errno == syscall.EAGAIN:
		return c.name == "start"
	case f.errno == syscall.EIO:
		return c.name != "start"
	}
	return true
}

// A call is a system call that changes a file, or starts a process.
type call struct {
	name, path string
}

func (c call) String() string { return c.name + " " + c.path }

// A tracer runs a program and has a fault happen at one of its calls that concern files below a
// folder. Threads of the program are followed, and what it starts is not. (strace counts for each
// thread of its own, which makes "the third call" three.)
type tracer struct {
	below string
	at    int // the number of the call, from 1; 0: none
	fault fault

	calls   []call
	entered map[int]bool     // threads that are in a system call
	result  map[int]uint64   // of the call that they are in, when it is ours
	known   map[int]struct{} // threads
}

// traced is how a traced program ended.
type traced struct {
	code   int // -1: by a signal
	output string
	calls  []call
}

// run runs the program to its end.
func (t *tracer) run(w *world, stdin string, env []string, argv ...string) (traced, error) {
	runtime.LockOSThread() // whoever starts a traced process has to do all that concerns it
	defer runtime.UnlockOSThread()
	t.entered, t.result, t.known = map[int]bool{}, map[int]uint64{}, map[int]struct{}{}
	var output bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = w.dir, append(slices.Clip(w.env), env...), strings.NewReader(stdin), &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		return traced{}, err
	}
	status, err := t.follow(cmd.Process.Pid)
	_ = cmd.Wait() // follow has seen its end; this waits for its output
	if err == nil {
		err = ctx.Err()
	}
	code := -1
	if status.Exited() {
		code = status.ExitStatus()
	}
	return traced{code, output.String(), t.calls}, err
}

// follow lets a process that has been started go on from stop to stop, until its end.
func (t *tracer) follow(pid int) (syscall.WaitStatus, error) {
	const sysGood, exitKill = 1, 0x100000
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return status, fmt.Errorf("waiting for the program to start: %w", err)
	}
	if err := syscall.PtraceSetOptions(pid, sysGood|exitKill|syscall.PTRACE_O_TRACECLONE); err != nil {
		return status, fmt.Errorf("tracing: %w", err)
	}
	t.known[pid] = struct{}{}
	if err := syscall.PtraceSyscall(pid, 0); err != nil {
		return status, fmt.Errorf("tracing: %w", err)
	}
	for {
		thread, err := t.next(&status)
		if err != nil {
			return status, err
		}
		if status.Exited() || status.Signaled() {
			if thread == pid {
				return status, nil
			}
			continue
		}
		signal := status.StopSignal()
		switch {
		case signal == syscall.SIGTRAP|0x80:
			t.stop(pid, thread)
			signal = 0
		case signal == syscall.SIGTRAP:
			signal = 0 // a thread was started
		case signal == syscall.SIGSTOP:
			if _, known := t.known[thread]; !known {
				t.known[thread] = struct{}{}
				signal = 0 // it was
			}
		}
		if err := syscall.PtraceSyscall(thread, int(signal)); err != nil && !errors.Is(err, syscall.ESRCH) {
			return status, fmt.Errorf("tracing: %w", err)
		}
	}
}

// next waits for the next stop of a thread that we trace. Other tests have processes too, whose
// ends are theirs.
func (t *tracer) next(status *syscall.WaitStatus) (int, error) {
	const noThread, wall = 0x20000000, 0x40000000 // __WNOTHREAD: only what this thread of ours traces
	for {
		thread, err := syscall.Wait4(-1, status, wall|noThread, nil)
		if !errors.Is(err, syscall.EINTR) {
			return thread, err
		}
	}
}

// stop looks at a call when it begins, and sets its result when it ends.
func (t *tracer) stop(pid, thread int) {
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(thread, &regs); err != nil {
		return // it was killed
	}
	if t.entered[thread] = !t.entered[thread]; !t.entered[thread] {
		if result, ok := t.result[thread]; ok {
			delete(t.result, thread)
			regs.Rax = result
			_ = syscall.PtraceSetRegs(thread, &regs)
		}
		return
	}
	c, ok := t.callOf(thread, &regs)
	if !ok {
		return
	}
	t.calls = append(t.calls, c)
	if len(t.calls) != t.at {
		return
	}
	switch {
	case t.fault.kill:
		_ = syscall.Kill(pid, syscall.SIGKILL)
	case t.fault.short:
		regs.Rdx /= 2
		_ = syscall.PtraceSetRegs(thread, &regs)
	case t.fault.errno != 0:
		t.result[thread] = -uint64(t.fault.errno)
		regs.Orig_rax = ^uint64(0) // no call at all
		_ = syscall.PtraceSetRegs(thread, &regs)
	}
}

// callOf tells which call a thread is about to make, if it is one of those that we look for.
func (t *tracer) callOf(thread int, regs *syscall.PtraceRegs) (c call, ok bool) {
	const renameat2, clone3 = 316, 435
	at := func(dir, name uint64) string { return t.path(thread, int32(dir), t.text(thread, name)) }
	switch regs.Orig_rax {
	case syscall.SYS_OPENAT:
		c = call{"open", at(regs.Rdi, regs.Rsi)}
	case syscall.SYS_WRITE, syscall.SYS_PWRITE64:
		c = call{"write", t.path(thread, int32(regs.Rdi), "")}
	case syscall.SYS_FSYNC:
		c = call{"sync", t.path(thread, int32(regs.Rdi), "")}
	case syscall.SYS_RENAMEAT, renameat2:
		c = call{"rename", at(regs.Rdx, regs.R10)}
	case syscall.SYS_UNLINKAT:
		c = call{"unlink", at(regs.Rdi, regs.Rsi)}
	case syscall.SYS_MKDIRAT:
		c = call{"mkdir", at(regs.Rdi, regs.Rsi)}
	case syscall.SYS_LINKAT:
		c = call{"link", at(regs.Rdx, regs.R10)}
	case syscall.SYS_SYMLINKAT:
		c = call{"link", at(regs.Rsi, regs.Rdx)}
	case syscall.SYS_FCHMOD:
		c = call{"chmod", t.path(thread, int32(regs.Rdi), "")}
	case syscall.SYS_FCHMODAT:
		c = call{"chmod", at(regs.Rdi, regs.Rsi)}
	case syscall.SYS_FTRUNCATE:
		c = call{"truncate", t.path(thread, int32(regs.Rdi), "")}
	case syscall.SYS_FLOCK:
		c = call{"flock", t.path(thread, int32(regs.Rdi), "")}
	case syscall.SYS_CLONE, clone3:
		flags := regs.Rdi
		if regs.Orig_rax == clone3 {
			flags = t.word(thread, regs.Rdi)
		}
		return call{"start", "a process"}, flags&syscall.CLONE_THREAD == 0
	default:
		return call{}, false
	}
	return c, strings.HasPrefix(c.path, t.below+"/")
}

// text reads a text that ends with a zero.
func (t *tracer) text(thread int, address uint64) string {
	var text []byte
	for len(text) < 4096 {
		var part [8]byte
		n, err := syscall.PtracePeekData(thread, uintptr(address)+uintptr(len(text)), part[:])
		if end := bytes.IndexByte(part[:n], 0); end >= 0 {
			return string(append(text, part[:end]...))
		}
		if err != nil {
			break
		}
		text = append(text, part[:n]...)
	}
	return string(text)
}

func (t *tracer) word(thread int, address uint64) uint64 {
	var word [8]byte
	if _, err := syscall.PtracePeekData(thread, uintptr(address), word[:]); err != nil {
		return 0
	}
	var value uint64
	for i, b := range word {
		value |= uint64(b) << (8 * i)
	}
	return value
}

// path is the file that a descriptor, and a name in its folder, mean.
func (t *tracer) path(thread int, descriptor int32, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	link := fmt.Sprintf("/proc/%d/fd/%d", thread, descriptor)
	if descriptor == -100 { // AT_FDCWD
		link = fmt.Sprintf("/proc/%d/cwd", thread)
	}
	dir, err := os.Readlink(link)
	if err != nil {
		return ""
	}
	return filepath.Join(dir, name)
}
