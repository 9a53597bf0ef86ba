package git

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestALoginAnswersTheMirrorAlone(t *testing.T) {
	login := &Login{Protocol: "https", Host: "h:8443", Username: "ada", Password: "p+q/r= @%"}
	for request, want := range map[string]string{
		"protocol=https\nhost=h:8443\n\n":                        "username=ada\npassword=p+q/r= @%\n",
		"protocol=https\nhost=H:8443\nwwwauth[]=Basic\nquit=1\n": "username=ada\npassword=p+q/r= @%\n",
		"protocol=http\nhost=h:8443\n":                           "",
		"protocol=https\nhost=h\n":                               "",
		"protocol=http\nhost=proxy:3128\n":                       "",
		"":                                                       "",
	} {
		if got := login.reply(request); got != want {
			t.Errorf("%q is answered with %q", request, got)
		}
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	login := &Login{Protocol: "https", Host: "h", Username: "ada", Password: "secret"}
	socket, stop, err := login.serve()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			host, want := "h", "username=ada\npassword=secret\n"
			if i%2 == 1 {
				host, want = "proxy", ""
			}
			got, err := AskLogin(int(socket.Fd()), []byte("protocol=https\nhost="+host+"\npath=w\n"))
			if err != nil || got != want {
				t.Errorf("%s got %q, %v", host, got, err)
			}
		})
	}
	all.Wait()
	stop()
	if got, err := AskLogin(int(socket.Fd()), []byte("protocol=https\nhost=h\n")); got != "" {
		t.Errorf("it answers when its time is over: %q, %v", got, err)
	}
	_ = socket.Close()
}

func TestTheHelperMayBeAnywhere(t *testing.T) {
	// A shell runs the helper, by whatever name.
	dir := filepath.Join(t.TempDir(), "it's $HOME; a \"place\"")
	helper := filepath.Join(dir, "helper")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(helper, []byte("#!/bin/sh\necho username=ada; echo \"password=$*\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newTestRepo(t)
	s, err := r.NewScratch(t.Context(), t.TempDir()+"/scratch-", Target{URL: "https://h/w", Login: &Login{Helper: helper}})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := s.run(t.Context(), command{args: []string{"credential", "fill"}, stdin: strings.NewReader("protocol=https\nhost=h\n\n"), stdout: &out}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "password=credential 3 get") {
		t.Errorf("got %q", out.String())
	}
	if err := s.Remove(); err != nil {
		t.Fatal(err)
	}
}
