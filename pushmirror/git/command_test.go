package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeGit makes a shell script the git of a Git. It stands for a git that does what
// no real one can be made to do on demand.
func fakeGit(t *testing.T, script string) *Git {
	t.Helper()
	path := filepath.Join(t.TempDir(), "git")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Git{path: path, env: os.Environ()}
}

func TestGrandchildrenEndWithACommandThatIsCutShort(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	g := fakeGit(t, `trap "" TERM
sh -c 'trap "" TERM; echo $$ >"`+pidFile+`.new"; mv "`+pidFile+`.new" "`+pidFile+`"; while :; do sleep 1; done' &
wait; while :; do sleep 1; done
`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for {
			if _, err := os.Stat(pidFile); err == nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := g.run(ctx, command{args: []string{"push"}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for alive(pid) {
		if t.Context().Err() != nil {
			t.Fatal("the grandchild lives")
		}
		time.Sleep(time.Millisecond)
	}
}

// alive reports whether a process runs; one that waits to be reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestADeadlineIsATimeout(t *testing.T) {
	g := fakeGit(t, "sleep 100")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := g.run(ctx, command{args: []string{"push"}})
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != KindTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheEndsOfAFloodOnStderrAreKept(t *testing.T) {
	g := fakeGit(t, `echo "first words" >&2
i=0; while [ $i -lt 300 ]; do printf '%01000d\n' $i >&2; i=$((i+1)); done
echo "fatal: last words" >&2; exit 128`)
	text, err := g.run(t.Context(), command{args: []string{"push"}})
	if len(text) > 2*maxStderr+100 || !strings.HasPrefix(text, "first words") || !strings.HasSuffix(text, "last words\n") || !strings.Contains(text, "[…]") {
		t.Errorf("%d bytes: %.30q…%.30q", len(text), text, text[max(0, len(text)-30):])
	}
	var failed *Error
	if !errors.As(err, &failed) || failed.ExitCode != 128 || failed.Error() != "git push: last words" {
		t.Errorf("got %v", err)
	}
}

func TestGitSeesOnlyWhatItMay(t *testing.T) {
	g, err := New([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=/home/x", "GIT_DIR=.", "GIT_QUARANTINE_PATH=/q", "GIT_CONFIG_PARAMETERS='a.b=c'",
		"GIT_CONFIG_COUNT=1", "GIT_SSL_NO_VERIFY=1", "GIT_PUSH_OPTION_COUNT=1", "HTTP_PROXY=http://attacker", "LD_PRELOAD=x",
		"LC_ALL=de_DE.UTF-8", "SSH_ASKPASS=/x", "DISPLAY=:0", "GIT_SSH_COMMAND=x", "GIT_TRACE=1", "https_proxy=http://proxy",
	})
	if err != nil {
		t.Fatal(err)
	}
	env := fakeGit(t, "env | sort")
	env.env = g.env
	out, err := env.output(t.Context(), t.TempDir(), nil, "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HOME=/home/x\n", "LC_ALL=C\n", "https_proxy=http://proxy\n", "GIT_TERMINAL_PROMPT=0\n", "GIT_NO_REPLACE_OBJECTS=1\n", "GIT_GRAFT_FILE=/dev/null\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, banned := range []string{"QUARANTINE", "CONFIG_", "SSL_NO", "PUSH_OPTION", "HTTP_PROXY", "PRELOAD", "SSH_ASKPASS", "DISPLAY", "SSH_COMMAND", "GIT_TRACE"} {
		if strings.Contains(out, banned) {
			t.Errorf("%s is passed on:\n%s", banned, out)
		}
	}
}

func TestFailuresAreClassed(t *testing.T) {
	for _, c := range []struct {
		stderr string
		want   Kind
	}{
		{"fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused\n", KindNetwork},
		{"Host key verification failed.\nfatal: Could not read from remote repository.\n", KindHostKey},
		{"git@127.0.0.1: Permission denied (publickey).\nfatal: Could not read from remote repository.\n", KindAuth},
		{"fatal: could not read Username for 'http://127.0.0.1:1': terminal prompts disabled\n", KindAuth},
		{"fatal: '/nowhere.git' does not appear to be a git repository\nfatal: Could not read from remote repository.\n", KindNotFound},
		{"remote: Repository not found.\nfatal: repository 'https://x/' not found\n", KindNotFound},
		{"fatal: remote error: access denied or repository not exported: /x.git\n", KindNotFound},
		{"ssh: connect to host 127.0.0.1 port 1: Connection refused\nfatal: Could not read from remote repository.\n", KindNetwork},
		{"ssh: Could not resolve hostname host.invalid: Name or service not known\nfatal: Could not read from remote repository.\n", KindNetwork},
		{"fatal: unable to access 'http://127.0.0.1:1/m.git/': Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server\n", KindNetwork},
		{"fatal: unable to access 'https://127.0.0.1:1/m.git/': server certificate verification failed. CAfile: none CRLfile: none\n", KindHostKey},
		{"fatal: unable to access 'https://h/m.git/': SSL certificate problem: certificate has expired\n", KindHostKey},
		{"fatal: unable to access 'https://h/m.git/': SSL: no alternative certificate subject name matches target host name 'h'\n", KindHostKey},
		{"fatal: unable to access 'https://h/m.git/': SSL: certificate subject name (other) does not match target host name 'h'\n", KindHostKey},
		{"error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429\nfatal: the remote end hung up unexpectedly\n", KindNetwork},
		{"remote: fatal: write error: No space left on device\nerror: remote unpack failed: unpack-objects abnormal exit\n", KindNetwork},
		{"fatal: bad object 1111111111111111111111111111111111111111\n", KindLocal},
	} {
		if got := classify(c.stderr).kind; got != c.want {
			t.Errorf("%q is classed as %s", c.stderr, got)
		}
	}
}

func TestTheLineThatTellsMostIsShown(t *testing.T) {
	for _, c := range []struct{ stderr, want string }{
		{"", ""},
		{"one\ntwo\n", "two"},
		{"error: first\nerror: second\n", "first"},
		{"error: failed to push\nfatal: the remote end hung up\n", "the remote end hung up"},
		{
			"remote: fatal: write error: No space left on device        \nerror: remote unpack failed: unpack-objects abnormal exit\n",
			"remote: write error: No space left on device",
		},
		{
			"error: RPC failed; HTTP 500 curl 22 The requested URL returned error: 500\nfatal: the remote end hung up unexpectedly\n",
			"HTTP 500 curl 22 The requested URL returned error: 500",
		},
		{"remote: fatal: theirs\nfatal: ours\n", "ours"},
		{"ssh: no route\nfatal: Could not read from remote repository.\n\nPlease make sure\n", "ssh: no route"},
		{
			"fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused\n\n",
			"unable to connect to 127.0.0.1: 127.0.0.1[0: 127.0.0.1]: errno=Connection refused",
		},
	} {
		if got := firstComplaint(c.stderr); got != c.want {
			t.Errorf("%q: %q, not %q", c.stderr, got, c.want)
		}
	}
}

func TestVersionsOfGit(t *testing.T) {
	for out, want := range map[string]Version{
		"git version 2.39.5\n":                       {"2.39.5", 2, 39},
		"git version 2.39.5 (Apple Git-154)\n":       {"2.39.5", 2, 39},
		"git version 2.54.0.rc1\n":                   {"2.54.0.rc1", 2, 54},
		"git version 3.0.GIT\n":                      {"3.0.GIT", 3, 0},
		"git version 2.47.0.windows.1 and more\n":    {"2.47.0.windows.1", 2, 47},
		"git version 10.2.1-1ubuntu1~24.04 beside\n": {"10.2.1-1ubuntu1~24.04", 10, 2},
	} {
		if got, err := parseVersion(out); err != nil || got != want {
			t.Errorf("%q: %+v, %v", out, got, err)
		}
	}
	for _, out := range []string{"", "git version\n", "git version x.y\n", "git version 2\n"} {
		if got, err := parseVersion(out); err == nil {
			t.Errorf("%q: %+v", out, got)
		}
	}
	for _, old := range []Version{{"", 1, 99}, {"", 2, 30}} {
		if old.AtLeast(2, 31) || !(Version{"", 2, 31}).AtLeast(2, 31) || !(Version{"", 3, 0}).AtLeast(2, 31) {
			t.Errorf("%+v", old)
		}
	}
}
