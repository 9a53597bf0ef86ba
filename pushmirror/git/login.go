package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// Login is who logs in at a mirror over http, and with what. Git asks a credential helper for
// it, which is this program again, and that asks us, over a socket that only the processes
// of the command have: so the password stands in no argument, environment or file.
type Login struct {
	// Helper is the program to be run as the helper: HELPER credential FD get.
	Helper string
	// Protocol and Host are where the password may go, as git writes them: "https", and
	// HOST or HOST:PORT. Whoever else asks, a proxy for one, gets no answer.
	Protocol, Host     string
	Username, Password string
}

// loginFD is the descriptor of the socket in git and in what it starts: the first that
// exec.Cmd hands on.
const loginFD = 3

// helper is git's setting for the helper; git has a shell run it.
func (l *Login) helper() string {
	return fmt.Sprintf("!%s credential %d", ShellQuote(l.Helper), loginFD)
}

// serve answers those who have theirs, the other end of a socket, until stop is called.
func (l *Login) serve() (theirs *os.File, stop func(), err error) {
	fds, err := socketpair(syscall.SOCK_DGRAM)
	if err != nil {
		return nil, nil, err
	}
	ours := os.NewFile(uintptr(fds[0]), "credentials")
	theirs = os.NewFile(uintptr(fds[1]), "credentials")
	conn, err := net.FileConn(ours)
	_ = ours.Close()
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.Join(errors.New("a socket is none"), conn.Close(), theirs.Close())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for l.answer(socket) {
		}
	}()
	return theirs, func() {
		_ = socket.Close()
		<-done
	}, nil
}

// answer answers one request and reports whether there may be another. A request comes with
// a socket for the answer, so that two who ask at once do not read each other's.
func (l *Login) answer(socket *net.UnixConn) bool {
	request, rights := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	n, m, _, _, err := socket.ReadMsgUnix(request, rights)
	if err != nil {
		return false
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:m])
	if err != nil {
		return true
	}
	for _, message := range messages {
		fds, err := syscall.ParseUnixRights(&message)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			reply := os.NewFile(uintptr(fd), "reply")
			_, _ = io.WriteString(reply, l.reply(string(request[:n])))
			_ = reply.Close()
		}
	}
	return true
}

// reply is the user and password, as git-credential(1) has it, if git's request is for the mirror;
// else "".
func (l *Login) reply(request string) string {
	asked := map[string]string{}
	for line := range strings.Lines(request) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		asked[key] = value
	}
	if asked["protocol"] != l.Protocol || !strings.EqualFold(asked["host"], l.Host) {
		return ""
	}
	return "username=" + l.Username + "\npassword=" + l.Password + "\n"
}

// AskLogin is what the credential helper does: it hands git's request to the process that
// runs git, which listens on fd, and returns the answer; "" if that has none.
func AskLogin(fd int, request []byte) (string, error) {
	fds, err := socketpair(syscall.SOCK_STREAM)
	if err != nil {
		return "", err
	}
	reply := os.NewFile(uintptr(fds[0]), "reply")
	defer reply.Close()
	var needed []byte
	for line := range bytes.Lines(request) {
		if bytes.HasPrefix(line, []byte("protocol=")) || bytes.HasPrefix(line, []byte("host=")) {
			needed = append(needed, line...)
		}
	}
	err = syscall.Sendmsg(fd, needed, syscall.UnixRights(fds[1]), nil, 0)
	err = errors.Join(err, syscall.Close(fds[1]))
	if err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(io.LimitReader(reply, 1<<20)); err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	return answer.String(), nil
}

// socketpair returns the two ends of a socket, which no program that is started meanwhile inherits.
func socketpair(kind int) (fds [2]int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err = syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	if err != nil {
		return fds, fmt.Errorf("making a socket: %w", err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return fds, nil
}
