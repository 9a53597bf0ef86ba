package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Scripts push to real servers: git daemon, OpenSSH's sshd, and nginx with git's own http-backend.
// Each listens on loopback only, runs as the user who runs the tests, keeps its files in a folder
// of the script, and ends with the script.

// A server is what one script command starts.
type server struct {
	dir     string   // its own files: configs, logs and a home
	url     string   // what its base folder is called from outside
	ports   []int    // of 127.0.0.1, on which it listens
	daemons []daemon // in the order in which they start
	running []*process

	// variables are what the script gets besides the url, and actions what it can have done besides
	// -stop and -start.
	variables map[string]string
	actions   map[string]func(ts *testscript.TestScript)
}

// A daemon is one program of a server. Its working directory is the server's folder.
type daemon struct {
	argv  []string
	ready func() bool
}

// serverCommand makes a script command out of a server:
//
//	NAME BASE    serve the bare repositories below BASE, at $NAME (in capitals)
//	NAME -stop   end it
//	NAME -start  start it again, on the same port
//	NAME -ACTION do what only this server can
//
// What is peculiar to the server is in prepare, which writes its files, to serve base on that port
// of 127.0.0.1, and sets its url and daemons, and what else it has.
func serverCommand(name string, prepare func(ts *testscript.TestScript, s *server, base string, port int)) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: %s BASE | -stop | -start | -ACTION", name)
		}
		servers := scriptOf(ts).servers
		s := servers[name]
		switch arg := args[0]; {
		case arg == "-stop" && s != nil:
			s.stop()
		case arg == "-start" && s != nil:
			s.start(ts)
		case s != nil && s.actions[arg] != nil:
			s.actions[arg](ts)
			s.export(ts)
		case strings.HasPrefix(arg, "-"):
			ts.Fatalf("no %s to %s: %s BASE comes first", name, arg, name)
		case s != nil:
			ts.Fatalf("there is a %s already", name)
		default:
			s = &server{dir: filepath.Join(ts.Getenv("WORK"), name), variables: map[string]string{}}
			s.write(ts, "home/.gitconfig", gitConfig)
			prepare(ts, s, ts.MkAbs(arg), s.reserve(ts))
			s.variables[strings.ToUpper(name)] = s.url
			servers[name] = s
			ts.Defer(s.stop)
			s.start(ts)
			s.export(ts)
		}
	}
}

// reserve takes a port for the server.
func (s *server) reserve(ts *testscript.TestScript) int {
	port := reservePort(ts)
	s.ports = append(s.ports, port)
	return port
}

// listenOn6 starts the server again, listening on a port of ::1 as well: in the server's config,
// new, which takes the port, is put in place of old.
func (s *server) listenOn6(ts *testscript.TestScript, config, old, new string) int {
	port := reservePort6(ts)
	before := ts.ReadFile(filepath.Join(s.dir, config))
	after := strings.Replace(before, old, fmt.Sprintf(new, port), 1)
	if after == before {
		ts.Fatalf("%s does not have %q", config, old)
	}
	s.stop()
	s.write(ts, config, after)
	s.start(ts)
	return port
}

// export sets the server's variables in the script.
func (s *server) export(ts *testscript.TestScript) {
	for name, value := range s.variables {
		ts.Setenv(name, value)
	}
}

func (s *server) start(ts *testscript.TestScript) {
	if len(s.running) > 0 {
		ts.Fatalf("it is running already")
	}
	for _, port := range s.ports {
		ts.Check(listenOn(ts, port).Close())
	}
	for _, d := range s.daemons {
		log := filepath.Join(s.dir, filepath.Base(d.argv[0])+".log")
		p, err := startProcess(d.argv, s.dir, s.environ(ts), log)
		ts.Check(err)
		s.running = append(s.running, p)
		if !eventually(func() bool { return p.hasEnded() || d.ready() }) || p.hasEnded() {
			ts.Fatalf("%s does not start; its log:\n%s", strings.Join(d.argv, " "), ts.ReadFile(log))
		}
	}
}

// stop ends what runs of the server, the program that started last first.
func (s *server) stop() {
	for len(s.running) > 0 {
		last := len(s.running) - 1
		s.running[last].end()
		s.running = s.running[:last]
	}
}

// environ is another machine's, but for what the test binary needs when a hook of a served
// repository runs it.
func (s *server) environ(ts *testscript.TestScript) []string {
	env := []string{"HOME=" + filepath.Join(s.dir, "home")}
	for _, name := range []string{
		"PATH", "TMPDIR", "LC_ALL", "TZ", "GIT_CONFIG_NOSYSTEM",
		"PUSH_MIRROR_CONFIG", "PUSH_MIRROR_STATE_DIR", "GOCOVERDIR", "GORACE",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// write writes a file below the server's folder and returns its path.
func (s *server) write(ts *testscript.TestScript, name, text string) string {
	file := filepath.Join(s.dir, name)
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o700))
	ts.Check(os.WriteFile(file, []byte(text), 0o600))
	return file
}

// program finds a program that the tests need. Where it is missing they fail, and say what helps.
func program(ts *testscript.TestScript, name, debianPackage string) string {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} { // which an ordinary user's PATH lacks
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		ts.Fatalf("%s is missing: run make test as root, or apt-get install %s", name, debianPackage)
	}
	return path
}

// gitProgram finds a program that comes with git, but is not on the PATH.
func gitProgram(ts *testscript.TestScript, name string) string {
	execPath, err := gitIn(ts, ".", "--exec-path")
	ts.Check(err)
	return program(ts, filepath.Join(execPath, name), "git")
}

// reservePort takes a port of 127.0.0.1 for the rest of the script. A socket that is bound to it,
// but does not listen, keeps the kernel from giving it to anybody else while the server is down,
// and refuses connections then. The server can bind to it all the same, since its socket has
// SO_REUSEADDR too.
func reservePort(ts *testscript.TestScript) int {
	return reserve(ts, syscall.AF_INET, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
}

// reservePort6 takes a port of ::1 in that way.
func reservePort6(ts *testscript.TestScript) int {
	return reserve(ts, syscall.AF_INET6, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}})
}

func reserve(ts *testscript.TestScript, family int, address syscall.Sockaddr) int {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	ts.Check(err)
	ts.Defer(func() { _ = syscall.Close(fd) })

	ts.Check(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	if err := syscall.Bind(fd, address); err != nil {
		ts.Fatalf("this machine has no such address of its own (sysctl net.ipv6.conf.lo.disable_ipv6=0 gives it ::1): %v", err)
	}
	bound, err := syscall.Getsockname(fd)
	ts.Check(err)
	switch bound := bound.(type) {
	case *syscall.SockaddrInet4:
		return bound.Port
	case *syscall.SockaddrInet6:
		return bound.Port
	}
	ts.Fatalf("a port of an address of another kind: %v", bound)
	return 0
}

// listenOn listens on that port of all addresses, as soon as nobody else does: a process that is
// about to end, or was forked just now, may hold the socket of a server that has ended.
func listenOn(ts *testscript.TestScript, port int) net.Listener {
	var listener net.Listener
	var err error
	if !eventually(func() bool {
		listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp4", ":"+strconv.Itoa(port))
		return err == nil
	}) {
		ts.Fatalf("the port stays taken: %v", err)
	}
	return listener
}

// listensOn tells whether somebody takes connections on that port of 127.0.0.1.
func listensOn(port int) func() bool {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return false
		}
		return connection.Close() == nil
	}
}

// guard runs a program, and ends its whole process group when the program ends or the guard's own
// input does. That input is a pipe from us, which is closed whatever we die of, so no server
// outlives the tests.
const guard = `exec 3<&0; trap : TERM; { read -r _ <&3; kill -TERM 0; } & "$@" 3<&- </dev/null; kill -KILL 0`

// A process is a program under its guard.
type process struct {
	guard *exec.Cmd
	input io.Closer     // of the guard
	ended chan struct{} // closed when it has
}

func startProcess(argv []string, dir string, env []string, log string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close()

	//nolint:noctx // It runs until the script ends it.
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, "guard"}, argv...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", argv[0], err)
	}
	p := &process{guard: cmd, input: input, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // always by a signal
		close(p.ended)
	}()
	return p, nil
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// end ends the program and all that it started, and returns when it has ended.
func (p *process) end() {
	descendants := descendantsOf(p.guard.Process.Pid)
	_ = p.input.Close()
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = syscall.Kill(-p.guard.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
	for _, pid := range descendants { // some left the process group: sshd has a session for each connection
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// descendantsOf lists the processes that a process started, those that they started, and so on.
func descendantsOf(pid int) []int {
	var descendants []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(child)
			if err == nil {
				descendants = append(append(descendants, pid), descendantsOf(pid)...)
			}
		}
	}
	return descendants
}
