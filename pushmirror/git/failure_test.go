package git

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kindOf lists a mirror that cannot be listed and gives the class of the failure.
func kindOf(t *testing.T, to Target) (Kind, string) {
	t.Helper()
	s, err := newTestRepo(t).NewScratch(t.Context(), t.TempDir()+"/scratch-", to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}()
	_, _, err = s.List(t.Context(), false)
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("%s: %v", to.URL, err)
	}
	return failed.Kind, failed.Stderr
}

func TestRealFailuresOfHTTPAreClassed(t *testing.T) {
	for code, want := range map[int]Kind{
		401: KindAuth, 403: KindAuth, 404: KindNotFound, 408: KindNetwork, 410: KindNotFound, 429: KindNetwork,
		500: KindNetwork, 502: KindNetwork, 503: KindNetwork, 504: KindNetwork, 507: KindNetwork,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="mirror"`)
			w.WriteHeader(code)
		}))
		defer server.Close()
		if got, said := kindOf(t, Target{URL: server.URL + "/m.git"}); got != want {
			t.Errorf("%d is classed as %s: %s", code, got, said)
		}
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	if got, said := kindOf(t, Target{URL: tls.URL + "/m.git"}); got != KindHostKey {
		t.Errorf("an unknown certificate is classed as %s: %s", got, said)
	}
}

func TestWhatHostsSayToThoseWhoMayOnlyRead(t *testing.T) {
	const end = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n"
	for _, said := range []string{
		"ERROR: Permission to acme/widgets.git denied to ada.\n",
		"ERROR: Permission to acme/widgets.git denied to deploy key\n",
		"ERROR: The key you are authenticating with has been marked as read only.\n",
		"remote: \nremote: ERROR: This deploy key does not have write access to this project.\nremote: \n",
		"remote: You are not allowed to push code to this project.\n",
		"repository access denied. access via a deployment key is read-only.\n",
	} {
		if got := classify(said + end); got.kind != KindAuth || got.hint != mayNotWrite || got.host {
			t.Errorf("%q is classed as %+v", said, got)
		}
	}
	missing := "ERROR: The project you were looking for could not be found or you don't have permission to view it.\n"
	if got := classify(missing + end); got.kind == KindAuth {
		t.Errorf("%q is classed as %+v", missing, got)
	}
}

func TestWhatAMirrorSaysIsNotTakenForAFailureOfItsHost(t *testing.T) {
	const end = "fatal: the remote end hung up unexpectedly\n"
	for _, said := range []string{
		"remote: dial tcp 10.0.0.3:8075: connect: connection refused\n" +
			"fatal: unable to access 'http://h/m.git/': The requested URL returned error: 502\n",
		"remote: Counting objects: 1%\rremote: Authentication failed for the backend\n" + end,
		"remote: Host key verification failed.        \n" + end,
		"remote: fatal: bad object HEAD        \n" + end,
		"fatal: remote error: Could not resolve host: shard3\n",
		"fatal: remote error: \n  access to shard3:\nconnection refused\n",
	} {
		if got := classify(said); got.host || got.kind != KindNetwork {
			t.Errorf("%q is classed as %+v", said, got)
		}
	}
	long := &capture{}
	for _, said := range []string{"remote: ", strings.Repeat("connection refused ", maxStderr/6), "\n" + end} {
		_, _ = long.Write([]byte(said))
	}
	if got := classify(long.String()); got.host {
		t.Errorf("a long line is classed as %+v", got)
	}
}

// The cause of what fails for all who are on a host stands before git's advice.
func TestAHostThatCannotBeReachedFailsForAll(t *testing.T) {
	for _, cause := range []string{
		"Connection timed out", "No route to host", "Network is unreachable", "Connection refused",
	} {
		said := "ssh: connect to host h port 22: " + cause + "\r\n" + lostRemote + "\n\nPlease make sure you have the correct access rights\n"
		if got := classify(said); !got.host || got.kind != KindNetwork {
			t.Errorf("%q is classed as %+v", cause, got)
		}
		if got := firstComplaint(said); !strings.Contains(got, cause) {
			t.Errorf("of %q, %q is shown", cause, got)
		}
	}
}

func TestRealFailuresToConnectAreClassed(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	host := closed.Listener.Addr().String()
	for _, url := range []string{"http://" + host + "/m.git", "git://" + host + "/m.git", "git://host.invalid/m.git", "http://host.invalid/m.git"} {
		if got, said := kindOf(t, Target{URL: url}); got != KindNetwork {
			t.Errorf("%s is classed as %s: %s", url, got, said)
		}
	}
	if got, said := kindOf(t, Target{URL: filepath.Join(t.TempDir(), "nowhere.git")}); got != KindNotFound {
		t.Errorf("a path that does not exist is classed as %s: %s", got, said)
	}
}

func TestASilentMirrorIsATimeout(t *testing.T) {
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, scheme := range []string{"git", "http"} {
		if got, said := kindOf(t, Target{URL: scheme + "://" + listener.Addr().String() + "/m.git", Stall: time.Second}); got != KindTimeout {
			t.Errorf("over %s it is classed as %s: %s", scheme, got, said)
		}
	}
}

func TestAMirrorThatMayThinkIsNotCut(t *testing.T) {
	t.Parallel()
	const stall = 8 * time.Second // time enough for a push on a busy machine
	r, mirror := newTestRepo(t), newTestRepo(t)
	// The mirror's hook takes longer than git may be silent.
	hook := filepath.Join(mirror.dir, "hooks/pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nsleep 10\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := r.NewScratch(t.Context(), t.TempDir()+"/scratch-", Target{URL: mirror.dir, Stall: stall})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}()
	outcomes, text, err := s.Push(t.Context(), Push{Update: Refs{{Name: "refs/heads/main", OID: r.commit("a")}}})
	if err != nil || len(outcomes) != 1 || outcomes[0].Refused() {
		t.Errorf("got %v, %v\n%s", outcomes, err, text)
	}
}
