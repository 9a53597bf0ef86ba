package git

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestAHostThatDoesNotAnswerIsATimeout(t *testing.T) {
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
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 3 {
		go func() {
			if connection, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
				<-ctx.Done()
				_ = connection.Close()
			}
		}()
	}
	for len(socketsInSYNSent()) == 0 {
		time.Sleep(time.Millisecond)
	}
	for _, scheme := range []string{"git", "http"} {
		s, err := newTestRepo(t).NewScratch(t.TempDir(), Target{URL: scheme + "://" + address + "/m.git", Connect: 500 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.List(t.Context(), false)
		var failed *Error
		var unconnected *ConnectError
		if !errors.As(err, &failed) || failed.Kind != KindTimeout || !errors.As(err, &unconnected) {
			t.Errorf("over %s: %v", scheme, err)
		}
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}
}
