package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// listFrom lists a mirror at that address, over one of the transports by TCP.
func listFrom(t *testing.T, scheme, address string, to Target) error {
	t.Helper()
	to.URL = scheme + "://" + address + "/m.git"
	s, err := newTestRepo(t).NewScratch(t.Context(), t.TempDir()+"/scratch-", to)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.List(t.Context(), false)
	return errors.Join(err, s.Remove())
}

func mustBeUnanswered(t *testing.T, scheme string, err error) {
	t.Helper()
	var failed *Error
	var unanswered *answerError
	if !errors.As(err, &failed) || failed.Kind != KindTimeout || !failed.Host || !errors.As(err, &unanswered) {
		t.Errorf("over %s: %v", scheme, err)
	}
}

func TestAHostThatDoesNotTakeTheConnectionIsATimeout(t *testing.T) {
	// A listener whose queue is full drops the first packet of any more connections, as a
	// firewall does.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for full := false; !full; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if full = err != nil; !full {
			defer connection.Close()
		}
		cancel()
	}
	for _, scheme := range []string{"git", "http"} {
		mustBeUnanswered(t, scheme, listFrom(t, scheme, address, Target{Answer: 500 * time.Millisecond}))
	}
}

// listener listens on a port of this machine, and hands over what connects.
func listener(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			connection, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = connection.Close() })
			serve(connection)
		}
	}()
	return l.Addr().String()
}

func TestAHostThatTakesTheConnectionAndStaysSilentIsATimeout(t *testing.T) {
	address := listener(t, func(net.Conn) {})
	for _, scheme := range []string{"git", "http", "ssh"} {
		mustBeUnanswered(t, scheme, listFrom(t, scheme, address, Target{Answer: 500 * time.Millisecond}))
	}
}

func TestAHostThatHasAnsweredIsGivenTime(t *testing.T) {
	address := listener(t, func(connection net.Conn) {
		_, _ = connection.Write([]byte("0"))
		time.Sleep(3 * time.Second)
		_, _ = connection.Write([]byte("00cERR away"))
		_ = connection.Close()
	})
	err := listFrom(t, "git", address, Target{Answer: 500 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "remote error: away") {
		t.Errorf("got %v", err)
	}
}

// Without keep-alive, each request has a connection of its own, and that of the pack stays silent
// until all of it is there.
func TestAHostThatHasAnsweredIsGivenTimeToTakeAPack(t *testing.T) {
	r, mirror := newTestRepo(t), newTestRepo(t)
	mirror.run("config", "http.receivepack", "true")
	backend := &cgi.Handler{
		Path: filepath.Join(r.run("--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + mirror.dir, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if len(request.TransferEncoding) > 0 {
			time.Sleep(3 * time.Second)
			body, err := io.ReadAll(request.Body)
			if err != nil {
				t.Error(err)
			}
			request.Body, request.ContentLength, request.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		}
		backend.ServeHTTP(w, request)
	}))
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	defer server.Close()
	s, err := r.NewScratch(t.Context(), t.TempDir()+"/scratch-", Target{URL: server.URL, Answer: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 2<<20) // more than git sends in one piece
	for i := range large {
		large[i] = byte(rand.Uint32())
	}
	blob := OID(r.input(string(large), "hash-object", "-w", "--stdin"))
	outcomes, text, err := s.Push(t.Context(), Push{Update: Refs{{Name: "refs/tags/large", OID: blob}}})
	if err != nil || len(outcomes) != 1 || outcomes[0].Refused() {
		t.Errorf("got %v, %v\n%s", outcomes, err, text)
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}
