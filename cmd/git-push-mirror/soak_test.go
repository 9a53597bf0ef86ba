package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"git-push-mirror/pushmirror/queue"
)

var (
	soakTime         = flag.Duration("soak", 5*time.Second, "how long TestSoak pushes")
	soakRepositories = flag.Int("soakrepositories", 4, "how many repositories it has")
	soakSeed         = flag.Uint64("soakseed", 0, "decides what it does; 0: something else each time")
)

// TestSoak is a site for some time: `make soak` for minutes, with many repositories.
func TestSoak(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/soak",
		Setup: setUpScript,
		Cmds: map[string]command{
			"envsubst": cmdEnvsubst,
			"gitd":     serverCommand("gitd", prepareGitd),
			"httpd":    serverCommand("httpd", prepareHTTPD),
			"sshd":     serverCommand("sshd", prepareSSHD),
			"soak":     cmdSoak,
		},
	})
}

// A soak is a site with a worker that stays, of which people push to all repositories.
type soak struct {
	ts     *testscript.TestScript
	env    []string
	random *rand.Rand
	names  []string // of the repositories
	worker *exec.Cmd

	pushes, outages, kills int
	refused                atomic.Int64 // pushes that met another one's lock
	samples                []soakSample
}

// A soakSample is what the worker holds of the machine at a moment.
type soakSample struct {
	kilobytes   int // of memory that is its own
	descriptors int
}

// cmdSoak: soak makes the repositories of the site, has people push to them, stops servers and
// kills workers meanwhile, and checks what is left at the end.
func cmdSoak(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: soak")
	}
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64() | 1
	}
	ts.Logf("-soakseed=%d", seed)
	s := &soak{ts: ts, env: environ(ts), random: rand.New(rand.NewPCG(seed, 0))}
	ts.Defer(func() { s.endWorker(syscall.SIGKILL) })
	for i := range *soakRepositories {
		s.makeRepository(fmt.Sprintf("group%d/r%02d", i%3, i))
	}
	s.startWorker()
	s.live(time.Now().Add(*soakTime))
	s.rest()
	s.endWorker(syscall.SIGTERM)
	s.checkEnd()
	ts.Logf("%d pushes (%d met another one), %d outages, %d workers killed; the worker had %s",
		s.pushes, s.refused.Load(), s.outages, s.kills, s.figures())
}

func (s *soak) git(args ...string) string {
	out, err := output(s.env, "git", args...)
	s.ts.Check(err)
	return out
}

func (s *soak) makeRepository(name string) {
	s.names = append(s.names, name)
	for _, base := range []string{"up", "srv/git", "srv/ssh", "srv/http"} {
		s.git("init", "-q", "--bare", s.ts.MkAbs(filepath.Join(base, name+".git")))
	}
	hook, err := lookPath("post-receive", s.ts.Getenv("PATH"))
	s.ts.Check(err)
	hooks := s.ts.MkAbs(filepath.Join("up", name+".git", "hooks"))
	s.ts.Check(os.MkdirAll(hooks, 0o700))
	_ = os.Remove(filepath.Join(hooks, "post-receive"))
	s.ts.Check(os.Symlink(hook, filepath.Join(hooks, "post-receive")))
	s.git("init", "-q", s.ts.MkAbs(filepath.Join("work", name)))
}

// startWorker starts a worker that stays.
func (s *soak) startWorker() {
	program, err := lookPath("git-push-mirror", s.ts.Getenv("PATH"))
	s.ts.Check(err)
	log, err := os.OpenFile(s.ts.MkAbs("service.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.ts.Check(err)
	defer log.Close()
	s.worker = exec.Command(program, "worker") //nolint:noctx // endWorker ends it
	s.worker.Dir, s.worker.Env, s.worker.Stdout, s.worker.Stderr = s.ts.MkAbs("."), s.env, log, log
	s.ts.Check(s.worker.Start())
}

func (s *soak) endWorker(signal syscall.Signal) {
	if s.worker == nil {
		return
	}
	_ = s.worker.Process.Signal(signal)
	_ = s.worker.Wait() // by the signal
	s.worker = nil
}

// live lets time pass until the end.
func (s *soak) live(end time.Time) {
	var pushers sync.WaitGroup
	places := make(chan struct{}, 4)
	sampled := time.Now()
	every := 2 * len(s.names) // pushes
	for n := 1; time.Now().Before(end) || n <= 2*every; n++ {
		switch n % every {
		case 0:
			s.outages++
			server := scriptOf(s.ts).servers[[]string{"gitd", "sshd", "httpd"}[s.random.IntN(3)]]
			if len(server.running) > 0 {
				server.stop()
			} else {
				server.start(s.ts)
			}
		case every / 2:
			s.kills++
			s.endWorker(syscall.SIGKILL)
			s.startWorker()
			sampled = time.Now() // it has to get warm
		default:
			name, what, n := s.names[s.random.IntN(len(s.names))], s.random.IntN(10), s.pushes
			s.pushes++
			places <- struct{}{}
			pushers.Go(func() {
				defer func() { <-places }()
				if err := s.push(name, what, n); err != nil {
					s.refused.Add(1)
				}
			})
		}
		if time.Since(sampled) > 5*time.Second {
			s.samples, sampled = append(s.samples, s.sample()), time.Now()
		}
	}
	pushers.Wait()
}

// push does something to a repository, by a real git push: from a work tree that several may push
// from at once.
func (s *soak) push(name string, what, n int) error {
	work := s.ts.MkAbs(filepath.Join("work", name))
	commit := func(parents ...string) (string, error) {
		args := []string{"-C", work, "commit-tree", "-m", strconv.Itoa(n)}
		for _, parent := range parents {
			args = append(args, "-p", parent)
		}
		tree, err := output(s.env, "git", "-C", work, "mktree")
		if err != nil {
			return "", err
		}
		return output(s.env, "git", append(args, tree)...)
	}
	up := s.ts.MkAbs(filepath.Join("up", name+".git"))
	branch := "refs/heads/main"
	if what > 4 {
		branch = fmt.Sprintf("refs/heads/topic/%d", n%5)
	}
	var parents []string
	if tip, err := output(s.env, "git", "-C", up, "rev-parse", "-q", "--verify", branch); err == nil {
		parents = append(parents, tip)
	}
	refspecs := []string{":" + branch}
	if what != 9 || parents == nil {
		oid, err := commit(parents...)
		if err != nil {
			return err
		}
		refspecs = []string{oid + ":" + branch}
		if what == 5 {
			refspecs = append(refspecs, fmt.Sprintf("%s:refs/tags/v%d", oid, n))
		}
	}
	_, err := output(s.env, "git", append([]string{"-C", work, "push", "-q", up}, refspecs...)...)
	return err
}

// rest has all servers there again, mended, and waits until everything is delivered without another
// push.
func (s *soak) rest() {
	servers := scriptOf(s.ts).servers
	for _, server := range servers {
		server.stop()
	}
	s.unlock()
	for _, server := range servers {
		server.start(s.ts)
	}
	var left string
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(time.Second) {
		if left = s.left(); left == "" {
			break
		}
		if time.Now().After(deadline) {
			s.ts.Fatalf("%s\n%s", left, s.ts.ReadFile("service.log"))
		}
	}
	s.samples = append(s.samples, s.sample())
}

// unlock removes the locks that killed servers left in the mirrors.
func (s *soak) unlock() {
	s.ts.Check(filepath.WalkDir(s.ts.MkAbs("srv"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".lock") {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}))
}

// left tells of a mirror that is not as upstream is; "" when there is none. git and ssh keep what
// upstream lacks.
func (s *soak) left() string {
	refs := func(base, name string) map[string]string {
		values := map[string]string{}
		for line := range strings.Lines(s.git("-C", s.ts.MkAbs(filepath.Join(base, name+".git")), "for-each-ref", "--format=%(refname) %(objectname)")) {
			ref, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			values[ref] = value
		}
		return values
	}
	for _, name := range s.names {
		up := refs("up", name)
		for _, base := range []string{"srv/git", "srv/ssh", "srv/http"} {
			there := refs(base, name)
			for ref, value := range up {
				if there[ref] != value && !s.diverged(base, name, ref) {
					return fmt.Sprintf("%s of %s is %s in %s and should be %s", ref, name, there[ref], base, value)
				}
			}
			for ref := range there {
				if base == "srv/http" && up[ref] == "" && ref != "refs/heads/main" {
					return fmt.Sprintf("%s of %s is still in %s", ref, name, base)
				}
			}
		}
	}
	return ""
}

// diverged reports whether the status tells that a ref was not updated, since it was deleted and
// made anew: a mirror that keeps what it has keeps the former one.
func (s *soak) diverged(base, name, ref string) bool {
	if base == "srv/http" {
		return false
	}
	env := append(slices.Clone(s.env), "GIT_DIR="+s.ts.MkAbs(filepath.Join("up", name+".git")))
	program, err := lookPath("git-push-mirror", s.ts.Getenv("PATH"))
	s.ts.Check(err)
	cmd := exec.Command(program, "status", "--json", filepath.Base(base)) //nolint:noctx // it asks nobody
	cmd.Env = env
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.ts.Fatalf("status: %v", err)
	}
	_, divergent, _ := strings.Cut(string(out), `"divergent_refs"`)
	divergent, _, _ = strings.Cut(divergent, "]")
	return strings.Contains(divergent, strconv.Quote(ref))
}

// sample looks at the worker in /proc.
func (s *soak) sample() (now soakSample) {
	dir := fmt.Sprintf("/proc/%d/", s.worker.Process.Pid)
	text, err := os.ReadFile(dir + "status")
	s.ts.Check(err)
	_, anonymous, _ := strings.Cut(string(text), "RssAnon:")
	if _, err := fmt.Sscan(anonymous, &now.kilobytes); err != nil {
		s.ts.Fatalf("%v in %s", err, text)
	}
	descriptors, err := os.ReadDir(dir + "fd")
	s.ts.Check(err)
	now.descriptors = len(descriptors)
	return now
}

// figures are what the samples show.
func (s *soak) figures() string {
	var kilobytes, descriptors []int
	for _, one := range s.samples {
		kilobytes, descriptors = append(kilobytes, one.kilobytes), append(descriptors, one.descriptors)
	}
	return fmt.Sprintf("%d to %d KiB and %d to %d descriptors, %v at rest, in %d samples",
		slices.Min(kilobytes), slices.Max(kilobytes), slices.Min(descriptors), slices.Max(descriptors), s.samples[len(s.samples)-1], len(s.samples))
}

// What a worker may hold, however long it runs: more would be a leak. At rest it has a handful of
// descriptors, and each of the four updates at once a few more.
const (
	maxKilobytes   = 64 << 10
	maxDescriptors = 100
	atRest         = 16 // descriptors
)

// checkEnd checks that nothing is left, and that the worker has not grown.
func (s *soak) checkEnd() {
	for _, one := range s.samples {
		if one.kilobytes > maxKilobytes || one.descriptors > maxDescriptors {
			s.ts.Fatalf("the worker had %d KiB and %d descriptors", one.kilobytes, one.descriptors)
		}
	}
	if last := s.samples[len(s.samples)-1]; last.descriptors > atRest {
		s.ts.Fatalf("the worker has %d descriptors at rest", last.descriptors)
	}
	q, err := queue.Open(s.ts.Getenv("PUSH_MIRROR_STATE_DIR"))
	s.ts.Check(err)
	if working, err := q.Working(); working || err != nil {
		s.ts.Fatalf("a worker works: %v", err)
	}
	for _, base := range []string{"up", "state"} {
		s.ts.Check(filepath.WalkDir(s.ts.MkAbs(base), func(path string, entry fs.DirEntry, err error) error {
			name := entry.Name()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			half := strings.HasPrefix(name, ".new-") && s.kills == 0 // of one that was killed they go when they are old
			if half || strings.HasPrefix(name, "scratch-") || strings.HasPrefix(name, ".due") || strings.HasSuffix(name, ".damaged") {
				s.ts.Fatalf("%s is left", path)
			}
			return err
		}))
	}
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, environ := range environs {
		text, err := os.ReadFile(environ)
		if err == nil && strings.Contains(string(text), "PUSH_MIRROR_SCRATCH="+s.ts.MkAbs(".")) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(environ), "cmdline"))
			s.ts.Fatalf("a process is left: %q", command)
		}
	}
}
