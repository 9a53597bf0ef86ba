package bench

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"git-push-mirror/pushmirror/queue"
)

// gitConfig keeps git from working in the background, where it would disturb whoever is measured
// next. Who receives a push looks for such work all the same, as servers do.
const gitConfig = `[init]
	defaultBranch = main
[user]
	name = A
	email = a@example.com
[gc]
	auto = 0
`

// A world is a folder with a user of its own, whose commands see nothing of this machine's.
type world struct {
	b     *testing.B
	dir   string
	env   []string
	saved []string // the folders that reset puts back
}

// newWorld makes a world with this configuration of the program.
func newWorld(b *testing.B, config string) *world {
	w := &world{b: b, dir: b.TempDir()}
	w.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
		"PUSH_MIRROR_CONFIG=" + w.path("config.toml"), "PUSH_MIRROR_STATE_DIR=" + w.path("state"),
	}
	w.write(".gitconfig", gitConfig)
	w.write("config.toml", config)
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) check(err error) {
	w.b.Helper()
	if err != nil {
		w.b.Fatal(err)
	}
}

func (w *world) write(name, text string) {
	w.b.Helper()
	w.check(os.MkdirAll(filepath.Dir(w.path(name)), 0o700))
	w.check(os.WriteFile(w.path(name), []byte(text), 0o700))
}

// command makes a command that runs in a folder of the world.
func (w *world) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.b.Context(), name, args...)
	cmd.Dir, cmd.Env = w.path(dir), w.env
	return cmd
}

// run runs a command to its end. With an exit code of 1, which peers and status have when refs
// differ, it only ends.
func (w *world) run(cmd *exec.Cmd) string {
	w.b.Helper()
	var stderr bytes.Buffer
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		w.b.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (w *world) git(dir string, args ...string) string {
	w.b.Helper()
	return w.run(w.command(dir, "git", args...))
}

// program runs git-push-mirror.
func (w *world) program(dir string, args ...string) string {
	w.b.Helper()
	return w.run(w.command(dir, program, args...))
}

// deliver has a worker do all that is to be done.
func (w *world) deliver() { w.program(".", "worker", "--until-idle") }

// mark tells the hook of a push, as git does.
func (w *world) mark(repository, ref string) {
	cmd := w.command(repository, program, "hook")
	zero := strings.Repeat("0", 40)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("%s %s %s\n", zero, w.git(repository, "rev-parse", ref), ref))
	w.run(cmd)
}

// awaitIdle waits for the worker that a hook has started.
func (w *world) awaitIdle() {
	q, err := queue.Open(w.path("state"))
	w.check(err)
	for {
		working, err := q.Working()
		w.check(err)
		work, err := q.HasWork()
		w.check(err)
		if !working && !work {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// save remembers what stands in folders of the world.
func (w *world) save(names ...string) {
	for _, name := range names {
		w.run(w.command(".", "cp", "-a", name, name+".saved"))
		w.saved = append(w.saved, name)
	}
}

// reset puts back what save has remembered.
func (w *world) reset() {
	for _, name := range w.saved {
		w.check(os.RemoveAll(w.path(name)))
		w.run(w.command(".", "cp", "-a", name+".saved", name))
	}
}

// refs are the branches of a repository.
func (w *world) refs(repository string) string {
	return w.git(repository, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads")
}

// same checks that two repositories have the same branches.
func (w *world) same(a, b string) {
	w.b.Helper()
	if w.refs(a) != w.refs(b) {
		w.b.Fatalf("%s and %s differ", a, b)
	}
}

// names are those of n branches, half of them below release/.
func names(n int) []string {
	list := []string{"main"}
	for i := 1; i < n; i++ {
		list = append(list, fmt.Sprintf("%s/%06d", []string{"release", "topic"}[i%2], i))
	}
	return list
}

// upstream makes a repository with n branches of two commits each on main's first, as a server has
// it: after git gc, with packed refs and a bitmap.
func (w *world) upstream(repository string, n int) {
	w.once(fmt.Sprint(n), repository, ".", func() { w.makeUpstream(repository, n) })
}

// advance adds a commit to each of the n branches that upstream has made.
func (w *world) advance(repository, message string, n int) {
	w.once(fmt.Sprint(n, message), repository, "objects packed-refs", func() { w.makeAdvance(repository, message) })
}

// once makes something of a repository the first time, and else copies the parts that were made
// then: with 100,000 refs that takes minutes.
func (w *world) once(name, repository, parts string, produce func()) {
	from, to := filepath.Join(filepath.Dir(program), "made", name), w.path(repository)
	if !exists(from) {
		produce()
		from, to = to, from
	}
	w.check(os.MkdirAll(to, 0o700))
	for part := range strings.FieldsSeq(parts) {
		w.run(w.command(".", "cp", "-af", from+"/"+part, to))
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func (w *world) makeUpstream(repository string, n int) {
	w.git(".", "init", "-q", "--bare", "--template=", repository)
	root := w.commits(repository, "root", []string{""})
	branches := map[string]string{}
	tips := w.commits(repository, "second", w.commits(repository, "first", slices.Repeat(root, n)))
	for i, name := range names(n) {
		branches[name] = tips[i]
	}
	w.setBranches(repository, branches)
	w.collect(repository)
}

// history makes a repository with n commits on main, each with a change in one of many files.
func (w *world) history(repository string, n int) {
	w.git(".", "init", "-q", "--bare", "--template=", repository)
	var stream bytes.Buffer
	for i := range n {
		text := fmt.Sprintf("change %d", i)
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\nM 100644 inline %d/%d\ndata %[2]d\n%[3]s\n",
			1_760_000_000+i, len(text), text, i%20, i%600)
	}
	cmd := w.command(repository, "git", "fast-import", "--quiet")
	cmd.Stdin = &stream
	w.run(cmd)
	w.collect(repository)
}

// collect has git gc leave a repository as servers have it.
func (w *world) collect(repository string) {
	w.git(repository, "gc", "-q")
	if found, _ := filepath.Glob(w.path(repository + "/objects/pack/*.bitmap")); len(found) != 1 {
		w.b.Fatalf("there are %d bitmaps after git gc, not 1", len(found))
	}
}

// commits adds a commit with a file of its own to each parent, "" being none, and returns them.
func (w *world) commits(repository, message string, parents []string) []string {
	marks := w.path("marks")
	var stream bytes.Buffer
	for i, parent := range parents {
		text := fmt.Sprintf("%s %d", message, i)
		fmt.Fprintf(&stream, "commit refs/new\nmark :%d\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", i+1, 1_760_000_000+i, len(text), text)
		if parent != "" {
			fmt.Fprintf(&stream, "from %s\n", parent)
		}
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n\nreset refs/new\n\n", message, len(text), text)
	}
	cmd := w.command(repository, "git", "fast-import", "--quiet", "--force", "--export-marks="+marks)
	cmd.Stdin = &stream
	w.run(cmd)
	text, err := os.ReadFile(marks)
	w.check(err)
	commits := make([]string, len(parents))
	for line := range strings.Lines(string(text)) {
		var mark int
		var oid string
		_, err := fmt.Sscanf(line, ":%d %s", &mark, &oid)
		w.check(err)
		commits[mark-1] = oid
	}
	w.git(repository, "update-ref", "-d", "refs/new")
	return commits
}

// setBranches makes these the branches of a repository, all of them packed: a file for each would
// take minutes.
func (w *world) setBranches(repository string, branches map[string]string) {
	packed := strings.Builder{}
	packed.WriteString("# pack-refs with: sorted \n")
	for _, name := range slices.Sorted(maps.Keys(branches)) {
		fmt.Fprintf(&packed, "%s refs/heads/%s\n", branches[name], name)
	}
	w.write(repository+"/packed-refs", packed.String())
}

// branches are those of a repository, with their values.
func (w *world) branches(repository string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(w.refs(repository)) {
		oid, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " refs/heads/")
		found[name] = oid
	}
	return found
}

func (w *world) makeAdvance(repository, message string) {
	branches := w.branches(repository)
	list := slices.Sorted(maps.Keys(branches))
	var tips []string
	for _, name := range list {
		tips = append(tips, branches[name])
	}
	for i, commit := range w.commits(repository, message, tips) {
		branches[list[i]] = commit
	}
	w.setBranches(repository, branches)
}

// commitToMain adds a commit to main, as a push leaves it: loose.
func (w *world) commitToMain(repository, message string) {
	commit := w.git(repository, "commit-tree", "-m", message, "-p", "main", "main^{tree}")
	w.git(repository, "update-ref", "refs/heads/main", commit)
}

// largeCommit adds a commit with n large files in a folder to main, and the files to where git-lfs
// keeps them.
func (w *world) largeCommit(repository, folder string, n int) {
	var stream strings.Builder
	fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter A <a@example.com> 1760000000 +0000\ndata %d\n%s\nfrom refs/heads/main^0\n", len(folder), folder)
	for i := range n {
		text := fmt.Sprintf("%s %d of %d, a large file", folder, i, n)
		oid := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		w.write(fmt.Sprintf("%s/lfs/objects/%s/%s/%s", repository, oid[:2], oid[2:4], oid), text)
		pointer := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(text))
		fmt.Fprintf(&stream, "M 100644 inline %s/%d/%d\ndata %d\n%s\n", folder, i/100, i, len(pointer), pointer)
	}
	cmd := w.command(repository, "git", "fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(stream.String())
	w.run(cmd)
}
