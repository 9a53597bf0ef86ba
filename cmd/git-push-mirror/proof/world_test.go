// Package proof tries to break the promises of git-push-mirror: by random sequences of what happens
// to upstream and mirrors, compared with a plain specification, and by faults at every call of the
// system. It runs the program as a whole, with the real git, and knows nothing of how the program
// decides.
package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds each wait for something that is to happen. It is long, since a wait that succeeds
// ends at once.
const patience = time.Minute

// program is the git-push-mirror that is put to the proof, built by build.
var program string

// templates are what a world begins with: a copy costs less than git init.
var templates string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "proof-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(dir string) error {
	program, templates = filepath.Join(dir, "git-push-mirror"), filepath.Join(dir, "templates")
	for _, argv := range [][]string{
		{"go", "build", "-o", program, "git-push-mirror/cmd/git-push-mirror"},
		{"git", "init", "-q", "--bare", "--template=", "--initial-branch=main", filepath.Join(templates, "up.git")},
		{"git", "init", "-q", "--bare", "--template=", "--initial-branch=main", filepath.Join(templates, "m.git")},
	} {
		//nolint:noctx // go test has a limit of its own.
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
		}
	}
	return nil
}

// gitConfig keeps git from working in the background, where it could outlive the test.
const gitConfig = `[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
[user]
	name = A
	email = a@example.com
`

// A tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A world is a folder with a user of its own, an upstream repository up.git and mirrors beside it.
type world struct {
	t   tester
	dir string
	env []string
}

// newWorld makes a world in the folder dir.
func newWorld(t tester, dir string) *world {
	w := &world{t: t, dir: dir}
	w.env = []string{
		"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1",
		"PUSH_MIRROR_CONFIG=" + w.path("config.toml"), "PUSH_MIRROR_STATE_DIR=" + w.path("state"),
	}
	w.write(".gitconfig", gitConfig)
	w.copyTemplate("up.git", "up.git")
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v", err)
	}
}

func (w *world) write(name, text string) {
	w.t.Helper()
	w.check(os.MkdirAll(filepath.Dir(w.path(name)), 0o700))
	w.check(os.WriteFile(w.path(name), []byte(text), 0o700))
}

func (w *world) copyTemplate(from, to string) {
	w.t.Helper()
	w.check(os.CopyFS(w.path(to), os.DirFS(filepath.Join(templates, from))))
}

// result is how a command ended.
type result struct {
	code           int // -1: by a signal
	stdout, stderr string
}

// run runs a command to its end, whatever that is.
func (w *world) run(stdin string, env []string, argv ...string) result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = w.dir, append(slices.Clip(w.env), env...), strings.NewReader(stdin), &stdout, &stderr
	err := launch(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("%s: %v: %v\n%s%s", strings.Join(argv, " "), err, ctx.Err(), &stdout, &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// launch starts a command, on the thread that starts all but those that are traced: who traces
// waits for whatever their own thread has ever started, and would take the end of another test's
// command from it.
func launch(cmd *exec.Cmd) error {
	failed := make(chan error)
	launcher() <- func() { failed <- cmd.Start() }
	return <-failed
}

var launcher = sync.OnceValue(func() chan<- func() {
	launches := make(chan func())
	go func() {
		runtime.LockOSThread()
		for launch := range launches {
			launch()
		}
	}()
	return launches
})

// git runs git in a repository and returns what it printed.
func (w *world) git(repository string, args ...string) string {
	w.t.Helper()
	return w.gitInput("", repository, args...)
}

func (w *world) gitInput(stdin, repository string, args ...string) string {
	w.t.Helper()
	r := w.run(stdin, nil, append([]string{"git", "--git-dir=" + w.path(repository)}, args...)...)
	if r.code != 0 {
		w.t.Fatalf("git %s in %s ended with %d\n%s", strings.Join(args, " "), repository, r.code, r.stderr)
	}
	return strings.TrimSuffix(r.stdout, "\n")
}

// program runs git-push-mirror.
func (w *world) program(args ...string) result {
	w.t.Helper()
	return w.run("", nil, append([]string{program}, args...)...)
}

// refs are the branches and tags of a repository, with their values.
func (w *world) refs(repository string) map[string]string {
	w.t.Helper()
	refs := map[string]string{}
	for line := range strings.Lines(w.git(repository, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")) {
		oid, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		refs[name] = oid
	}
	return refs
}

// status is a remote in what status --json and sync --json print.
type status struct {
	Name      string   `json:"name"`
	Status    string   `json:"update_status"`
	Kind      string   `json:"error_kind"`
	Error     string   `json:"last_error"`
	Divergent []string `json:"divergent_refs"`
	Pending   []string `json:"pending_refs"`
	Rejected  []struct {
		Ref string `json:"ref"`
	} `json:"rejected_refs"`
}

func (s status) rejected() (names []string) {
	for _, r := range s.Rejected {
		names = append(names, r.Ref)
	}
	return names
}

// statuses reads what status --json or sync --json printed.
func (w *world) statuses(r result) map[string]status {
	w.t.Helper()
	var list []status
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
		w.t.Fatalf("status, which ended with %d: %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	byName := map[string]status{}
	for _, s := range list {
		byName[s.Name] = s
	}
	return byName
}

// background is a command that runs while the test goes on.
type background struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	output syncBuffer
}

// syncBuffer is a buffer that may be read while a command writes to it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is what was written so far.
func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (w *world) start(env []string, argv ...string) *background {
	w.t.Helper()
	b := &background{ended: make(chan struct{})}
	b.cmd = exec.Command(argv[0], argv[1:]...) //nolint:noctx // The caller ends it.
	b.cmd.Dir, b.cmd.Env, b.cmd.Stdout, b.cmd.Stderr = w.dir, append(slices.Clip(w.env), env...), &b.output, &b.output
	w.check(launch(b.cmd))
	go func() {
		_ = b.cmd.Wait() // its caller looks at how it ended
		close(b.ended)
	}()
	return b
}

func (b *background) hasEnded() bool {
	select {
	case <-b.ended:
		return true
	default:
		return false
	}
}

// end ends the command with a signal and waits for that.
func (b *background) end(signal os.Signal) {
	_ = b.cmd.Process.Signal(signal)
	select {
	case <-b.ended:
	case <-time.After(patience):
		_ = b.cmd.Process.Kill()
		<-b.ended
	}
}

// eventually returns true as soon as the condition holds, or false when patience ends.
func eventually(condition func() bool) bool {
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// sorted are the keys of a map that are set.
func sorted(set map[string]bool) []string {
	names := slices.Sorted(maps.Keys(set))
	return slices.DeleteFunc(names, func(name string) bool { return !set[name] })
}
