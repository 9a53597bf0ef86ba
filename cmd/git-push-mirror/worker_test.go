package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"git-push-mirror/pushmirror/queue"
)

// cmdWaitidle: waitidle waits until no worker works and none is called for.
func cmdWaitidle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: waitidle")
	}
	q, err := queue.Open(ts.Getenv("PUSH_MIRROR_STATE_DIR"))
	ts.Check(err)
	if !eventually(func() bool {
		work, err := q.HasWork() // first: whoever has taken it works
		ts.Check(err)
		working, err := q.Working()
		ts.Check(err)
		return !working && !work
	}) {
		ts.Fatalf("the worker is not idle after %v:\n%s", patience, ts.ReadFile(q.Log()))
	}
}

// cmdKillworker: killworker ends the worker that works, if any, with kill -9.
func cmdKillworker(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: killworker")
	}
	killWorker(ts.Getenv("PUSH_MIRROR_STATE_DIR"))
}

// killWorker ends the worker of a state directory and waits until it is gone: one that
// waits to try again would outlive its script.
func killWorker(state string) {
	q, err := queue.Open(state)
	if err != nil {
		return
	}
	eventually(func() bool {
		if working, err := q.Working(); err != nil || !working {
			return true
		}
		var pid int
		text, err := os.ReadFile(filepath.Join(state, "worker.lock"))
		if err == nil {
			_, err = fmt.Sscanf(string(text), "pid %d", &pid)
		}
		if err == nil && pid > 1 {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		return errors.Is(err, syscall.ESRCH)
	})
}

// silenceCommand makes a script command out of a greeting, which may be empty:
//
//	NAME URL    listen where the server of that URL does when it runs, and on that port of all other addresses of this
//	            machine, take connections, send the greeting and never say a word more
//	NAME -stop  end that
func silenceCommand(name, greeting string) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: %s URL | -stop", name)
		}
		s := scriptOf(ts)
		if args[0] == "-stop" {
			s.silence()
			return
		}
		u, err := url.Parse(args[0])
		ts.Check(err)
		port, err := strconv.Atoi(u.Port())
		ts.Check(err)
		listener := listenOn(ts, port)
		done := make(chan struct{})
		s.silence = sync.OnceFunc(func() {
			_ = listener.Close()
			<-done
		})
		ts.Defer(s.silence)
		go func() {
			defer close(done)
			var held []net.Conn
			for {
				connection, err := listener.Accept()
				if err != nil {
					break
				}
				_, _ = io.WriteString(connection, greeting)
				held = append(held, connection)
			}
			for _, connection := range held {
				_ = connection.Close()
			}
		}()
	}
}
