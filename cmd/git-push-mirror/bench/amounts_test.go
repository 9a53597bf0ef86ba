package bench

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// amounts are the rows of the table that count or weigh.
var amounts = []amount{
	{name: "connections for a push", beside: "git daemon", atMost: 1, unit: "connections", size: 100, quick: 100, measure: connections(gitDaemon), config: workerAlone},
	{name: "connections for a push", beside: "sshd", atMost: 1, unit: "connections", size: 100, quick: 100, measure: connections(sshd), config: workerAlone},
	{name: "pushes while a mirror takes 1 s", beside: "one pusher", atMost: 5, unit: "% mirror pushes", size: 500, quick: 40, measure: coalesced(1), config: hookAlone},
	{name: "pushes while a mirror takes 1 s", beside: "8 pushers", atMost: 5, unit: "% mirror pushes", size: 500, quick: 40, measure: coalesced(8), config: hookAlone},
	{name: "memory of the hook", beside: "-", atMost: 20, unit: "MiB", size: 1, quick: 1, measure: hookMemory, config: hookAlone},
	{name: "memory of the worker, one branch changed", beside: "-", atMost: 64, unit: "MiB", size: 100_000, quick: 1_000, measure: workerMemory(oneChanged(nil)), config: workerAlone},
	{name: "memory of the worker, each one ahead", beside: "-", atMost: 64, unit: "MiB", size: 100_000, quick: 1_000, measure: workerMemory(oneAhead(nil)), config: workerAlone},
	{name: "memory of the worker, each divergent", beside: "-", atMost: 64, unit: "MiB", size: 100_000, quick: 1_000, measure: workerMemory(divergent), config: workerAlone},
	{name: "status --recursive", beside: "-", atMost: 1, unit: "s", size: 2_000, quick: 50, measure: statusOfMany, config: workerAlone},
}

// connections counts those that a mirrored push opens to a server of this kind, once the mirror is
// known.
func connections(serve func(w *world) (url string, opened *atomic.Int64)) func(*world, int) float64 {
	return func(w *world, n int) float64 {
		w.mirrored(n, "")
		url, opened := serve(w)
		w.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\n", url))
		w.deliver()
		w.commitToMain("up.git", "changed")
		w.mark("up.git", "refs/heads/main")
		before := opened.Load()
		w.deliver()
		w.same("up.git", "mirror.git")
		return float64(opened.Load() - before)
	}
}

// listen has a program serve each connection to a port, as inetd does, and counts them.
func (w *world) listen(name string, args ...string) (port int, opened *atomic.Int64) {
	listener, err := new(net.ListenConfig).Listen(w.b.Context(), "tcp4", "127.0.0.1:0")
	w.check(err)
	opened = new(atomic.Int64)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			opened.Add(1)
			serving.Go(func() {
				defer connection.Close()
				file, err := connection.(*net.TCPConn).File()
				if err != nil {
					return
				}
				defer file.Close()
				cmd := w.command(".", name, args...)
				cmd.Stdin, cmd.Stdout = file, file
				_ = cmd.Run() // whoever talks to it sees how it ends
			})
		}
	})
	w.b.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().(*net.TCPAddr).Port, opened
}

func gitDaemon(w *world) (string, *atomic.Int64) {
	port, opened := w.listen("git", "daemon", "--inetd", "--export-all", "--enable=receive-pack", "--base-path="+w.dir)
	return fmt.Sprintf("git://127.0.0.1:%d/mirror.git", port), opened
}

func sshd(w *world) (string, *atomic.Int64) {
	server, err := exec.LookPath("sshd")
	if err != nil {
		server = "/usr/sbin/sshd"
	}
	if os.Getuid() == 0 {
		w.check(os.MkdirAll("/run/sshd", 0o755)) // where it locks itself in
	}
	for _, key := range []string{"host_key", "client_key"} {
		w.run(w.command(".", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", w.path(key)))
	}
	w.run(w.command(".", "cp", "client_key.pub", "authorized_keys"))
	w.write("sshd_config", fmt.Sprintf("HostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nSetEnv HOME=%s\n",
		w.path("host_key"), w.path("authorized_keys"), w.dir))
	port, opened := w.listen(server, "-i", "-f", w.path("sshd_config"), "-E", w.path("sshd.log"))
	user := w.run(w.command(".", "id", "-un"))
	w.git(".", "config", "--global", "core.sshCommand",
		fmt.Sprintf("ssh -i %s -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null", w.path("client_key")))
	return fmt.Sprintf("ssh://%s@127.0.0.1:%d%s", user, port, w.path("mirror.git")), opened
}

// coalesced pushes n times to a repository whose mirror thinks for a second about each push, and
// tells how many it got, in percent of n.
func coalesced(pushers int) func(*world, int) float64 {
	return func(w *world, n int) float64 {
		w.withHooks()
		w.write("mirror.git/hooks/pre-receive", fmt.Sprintf("#!/bin/sh\necho >>%s\nsleep 1\n", w.path("pushes")))
		main := w.git("work.git", "rev-parse", "main")
		var all sync.WaitGroup
		numbers := make(chan int)
		for range pushers {
			all.Go(func() {
				for i := range numbers {
					w.git("work.git", "push", "-q", w.path("up.git"), fmt.Sprintf("%s:refs/heads/pushed/%d", main, i))
				}
			})
		}
		for i := range n {
			numbers <- i
		}
		close(numbers)
		all.Wait()
		w.awaitIdle()
		w.same("up.git", "mirror.git")
		pushes, err := os.ReadFile(w.path("pushes"))
		w.check(err)
		return 100 * float64(len(pushes)) / float64(n)
	}
}

// hookMemory has the hook that ours runs in its turn look at ours: what rusage tells of a process
// that we start is at least our own size.
func hookMemory(w *world, _ int) float64 {
	w.withHooks()
	w.write("up.git/hooks/post-receive.before-push-mirror", fmt.Sprintf("#!/bin/sh\ngrep VmHWM /proc/$PPID/status >%s\n", w.path("peak")))
	w.commitToMain("work.git", "another")
	w.git("work.git", "push", "-q", w.path("up.git"), "main")
	w.awaitIdle()
	text, err := os.ReadFile(w.path("peak"))
	w.check(err)
	return mebibytes(string(text))
}

// workerMemory is the peak of the worker on the stage of a contest.
func workerMemory(prepare func(*world, int) stage) func(*world, int) float64 {
	return func(w *world, n int) float64 {
		s := prepare(w, n)
		cmd := w.command(".", program, "worker", "--until-idle")
		var log bytes.Buffer
		cmd.Stderr = &log
		w.check(cmd.Start())
		ended := make(chan error)
		go func() { ended <- cmd.Wait() }()
		peak := ""
		for {
			select {
			case err := <-ended:
				if err != nil {
					w.b.Fatalf("%v\n%s", err, &log)
				}
				s.check()
				return mebibytes(peak)
			case <-time.After(time.Millisecond):
				if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)); err == nil && bytes.Contains(text, []byte("VmHWM")) {
					peak = string(text)
				}
			}
		}
	}
}

// mebibytes reads the line VmHWM of a /proc/PID/status.
func mebibytes(status string) float64 {
	_, peak, _ := strings.Cut(status, "VmHWM:")
	var kibibytes float64
	_, _ = fmt.Sscan(peak, &kibibytes)
	return kibibytes / 1024
}

func statusOfMany(w *world, n int) float64 {
	w.site(n)
	start := time.Now()
	out := w.program("up", "status", "--recursive")
	took := time.Since(start)
	if lines := strings.Count(out, "\tfinished\t"); lines != n {
		w.b.Fatalf("%d of %d repositories are finished:\n%.500s", lines, n, out)
	}
	return took.Seconds()
}
