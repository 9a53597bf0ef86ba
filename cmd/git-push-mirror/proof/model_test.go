package proof

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

var (
	modelChecks = flag.Int("model", 8, "how many sequences TestModel tries, with each of its seeds")
	modelSeed   = flag.Uint64("modelseed", 0, "the second seed of TestModel; 0: another one each time")
)

// TestModel does at random what happens to an upstream repository and its mirrors, and checks after
// each run of the program that the promises hold, and that each mirror is what specify says. What
// it prints when it fails is the shortest such sequence that it has found.
func TestModel(t *testing.T) {
	random := *modelSeed
	if random == 0 {
		random = rand.Uint64() | 1
	}
	t.Logf("-modelseed=%d", random)
	var mu sync.Mutex
	check := func(name string, seed uint64) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mu.Lock() // rapid takes its seed from a flag, when it begins
			begun := sync.OnceFunc(mu.Unlock)
			for flagName, value := range map[string]string{
				"rapid.seed": strconv.FormatUint(seed, 10), "rapid.checks": strconv.Itoa(*modelChecks), "rapid.nofailfile": "true",
			} {
				if err := flag.Set(flagName, value); err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			rapid.Check(t, func(t *rapid.T) {
				begun()
				n++
				m := newModel(t, filepath.Join(dir, strconv.Itoa(n)))
				t.Cleanup(func() { _ = os.RemoveAll(m.dir) })
				t.Repeat(m.steps())
				m.quiet(t)
			})
		})
	}
	check("with a fixed seed", 1)
	check("with a random seed", random)
}

// The names are few, so that everything meets everything, and some are in each other's way.
var (
	branches = []string{"refs/heads/main", "refs/heads/dev", "refs/heads/rel/1", "refs/heads/rel", "refs/heads/v"}
	tags     = []string{"refs/tags/v", "refs/tags/v/1", "refs/tags/main"}
	names    = slices.Concat(branches, tags)
)

// model is what a test knows of its world.
type model struct {
	*world
	script *scripted
	*objects
	upstream map[string]string
	head     string // the branch that upstream's HEAD names
	atOnce   int    // updates
	mirrors  []*mirror
	remotes  []*remote
	runs     int
}

// remote is one in upstream's configuration.
type remote struct {
	name   string
	mirror *mirror
	config remoteConfig
}

// mirror is a repository that a remote's url names.
type mirror struct {
	dir      string
	away     bool
	head     string
	refuses  map[string]bool
	declines bool            // the whole push, if it has a ref that the mirror refuses
	foreign  map[string]bool // objects that strangers have put there
	ours     map[string]tri  // refs that hold what we last put there
	// touched are refs that may be other than last seen: only a listing shows it.
	touched map[string]bool
}

// A scripted test prints, when it fails, what was done as a script.
type scripted struct {
	*rapid.T
	lines []string
}

// Fatalf ends the test.
func (s *scripted) Fatalf(format string, args ...any) {
	s.Helper()
	s.T.Fatalf("%s\n\nThis was done:\n%s", fmt.Sprintf(format, args...), strings.Join(s.lines, "\n"))
}

// tri is how far something is known.
type tri string

const (
	yes   tri = "yes"
	no    tri = "no"
	maybe tri = "maybe"
)

func newModel(t *rapid.T, dir string) *model {
	script := &scripted{T: t}
	m := &model{
		world: newWorld(script, dir), script: script, objects: newObjects(), upstream: map[string]string{}, head: "refs/heads/main",
		atOnce: rapid.SampledFrom([]int{1, 4}).Draw(t, "updates at once"),
	}
	m.write("config.toml", fmt.Sprintf("[hook]\nwait = \"0s\"\n[worker]\nstart = \"never\"\nmax_concurrent = %d\n[defaults]\nretry_min = \"100ms\"\nretry_max = \"200ms\"\n", m.atOnce))
	for i, name := range []string{"a", "b"} {
		mirror := &mirror{dir: fmt.Sprintf("m%d.git", i+1)}
		m.mirrors = append(m.mirrors, mirror)
		m.remotes = append(m.remotes, &remote{name, mirror, remoteConfig{keep: true, prune: "never", tags: "all"}})
		m.renew(mirror)
	}
	m.configure(t, m.remotes[0])
	m.configure(t, m.remotes[1])
	m.change(map[string]string{"refs/heads/main": m.newCommit()}, true) // the worker knows where a hook was called
	return m
}

// say tells of a step, as people would do it by hand.
func (m *model) say(format string, args ...any) {
	m.script.lines = append(m.script.lines, fmt.Sprintf(format, args...))
}

// steps are what may happen.
func (m *model) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"push":      m.push,
		"push more": m.push,
		"and more":  m.push,
		"head":      m.moveHead,
		"maintain":  m.maintain,
		"fetch":     m.fetch,
		"replace":   m.replace,
		"stranger":  m.stranger,
		"strangers": m.stranger,
		"refuse":    m.refuse,
		"away":      m.goAway,
		"empty":     m.empty,
		"configure": func(t *rapid.T) { m.configure(t, m.anyRemote(t)) },
		"swap":      m.swap,
		"sync":      m.sync,
		"overwrite": m.overwrite,
		"worker":    m.work,
		"works":     m.work,
		"kill":      m.kill,
		"race":      m.race,
	}
}

// drop has rapid draw another step in place of one that does not apply. No test is left out by
// that.
func drop(step *rapid.T, why string) { step.Skip(why) }

func (m *model) anyRemote(t *rapid.T) *remote {
	return m.remotes[rapid.IntRange(0, 1).Draw(t, "remote")]
}

func (m *model) anyMirror(t *rapid.T) *mirror {
	mirror := m.mirrors[rapid.IntRange(0, 1).Draw(t, "mirror")]
	if mirror.away {
		drop(t, "it is away")
	}
	return mirror
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// quiet has all mirrors there again and checks that the worker, and then sync, leaves them as they
// should be.
func (m *model) quiet(t *rapid.T) {
	for _, mirror := range m.mirrors {
		if mirror.away {
			m.toggle(mirror)
		}
	}
	m.work(t)
	m.sync(t)
	m.work(t)
}
