package proof

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var (
	faultCount = flag.Int("faults", 12, "how many faults TestFaults tries, chosen at random; 0: all")
	faultSeed  = flag.Uint64("faultseed", 0, "chooses them; 0: others each time")
)

var allFaults = []fault{
	{kill: true}, {short: true}, {errno: syscall.ENOSPC}, {errno: syscall.EIO}, {errno: syscall.EACCES}, {errno: syscall.EINTR}, {errno: syscall.EAGAIN},
}

// A faulty is a run of the program that is to meet a fault.
type faulty struct {
	name string
	argv []string
	hook bool // it is the hook
}

// TestFaults lets one system call of the hook, or of the worker, fail, or ends it there. Once the
// cause is mended all must be delivered without another push, what was overwritten be in the log,
// and what went wrong have been told.
func TestFaults(t *testing.T) {
	seed := *faultSeed
	if seed == 0 {
		seed = rand.Uint64() | 1
	}
	t.Logf("-faultseed=%d", seed)
	type trial struct {
		faulty
		at    int
		fault fault
	}
	var trials []trial
	for _, f := range []faulty{{"hook", []string{"hook"}, true}, {"worker", []string{"worker", "--until-idle"}, false}} {
		s := newFaultSite(t)
		calls := s.meet(f, 0, fault{}).calls
		s.settle(false)
		if len(calls) < 10 {
			t.Fatalf("%s makes only %d calls: %v", f.name, len(calls), calls)
		}
		t.Logf("%s makes %d calls", f.name, len(calls))
		for at, c := range calls {
			for _, fault := range allFaults {
				if fault.fits(c) {
					trials = append(trials, trial{f, at + 1, fault})
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(seed, 0))
	if n := *faultCount; n > 0 {
		random.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		trials = trials[:min(n, len(trials))]
	}
	for _, trial := range trials {
		t.Run(fmt.Sprintf("%s %d %s", trial.name, trial.at, trial.fault), func(t *testing.T) {
			t.Parallel()
			s := newFaultSite(t)
			met := s.meet(trial.faulty, trial.at, trial.fault)
			if len(met.calls) < trial.at {
				return // it makes a call less or more now and then
			}
			t.Logf("at call %d, %s\n%s", trial.at, met.calls[trial.at-1], met.output)
			s.told(trial.faulty, met, trial.fault)
			s.settle(trial.fault.kill)
		})
	}
}

// faultSite is a world in which a push waits for delivery, of which one ref is forced and one
// deleted.
type faultSite struct {
	*world
	t       *testing.T
	dropped map[string]string
	pushed  string
}

func newFaultSite(t *testing.T) *faultSite {
	s := &faultSite{world: newWorld(t, t.TempDir()), t: t}
	s.write("config.toml", "[hook]\nwait = \"0s\"\n[worker]\nstart = \"never\"\n[defaults]\nretry_min = \"100ms\"\nretry_max = \"200ms\"\n")
	s.copyTemplate("m.git", "m.git")
	s.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\nkeep_divergent_refs = false\nprune = \"all\"\n", s.path("m.git")))
	o := newObjects()
	first, old, other := o.newCommit(), o.newCommit(), o.newCommit()
	set := func(refs map[string]string) (pushed string) {
		var commands strings.Builder
		for name, oid := range refs {
			if oid != "" {
				s.check(o.store(s.path("up.git"), oid))
			}
			commands.WriteString(updateRef(name, oid))
			pushed += fmt.Sprintf("%s %s %s\n", full(""), full(oid), name)
		}
		s.gitInput(commands.String(), "up.git", "update-ref", "--stdin")
		return pushed
	}
	s.hook(set(map[string]string{"refs/heads/main": first, "refs/heads/forced": old, "refs/heads/gone": other}))
	if r := s.program("worker", "--until-idle"); r.code != 0 {
		t.Fatalf("the first worker ended with %d\n%s", r.code, r.stderr)
	}
	s.same()
	s.dropped = map[string]string{"refs/heads/forced": old, "refs/heads/gone": other}
	s.pushed = set(map[string]string{"refs/heads/main": o.newCommit(first), "refs/heads/forced": o.newCommit(), "refs/heads/gone": "", "refs/heads/new": o.newCommit(first)})
	return s
}

func (s *faultSite) hook(pushed string) {
	s.t.Helper()
	if r := s.run(pushed, []string{"GIT_DIR=" + s.path("up.git")}, program, "hook"); r.code != 0 || r.stderr != "" {
		s.t.Fatalf("the hook ended with %d\n%s", r.code, r.stderr)
	}
}

func (s *faultSite) same() {
	s.t.Helper()
	if up, m := s.git("up.git", "for-each-ref"), s.git("m.git", "for-each-ref"); up != m {
		s.t.Fatalf("up.git has\n%s\nm.git has\n%s", up, m)
	}
}

// meet runs the program, with a fault at a call.
func (s *faultSite) meet(f faulty, at int, fault fault) traced {
	s.t.Helper()
	stdin, env := "", []string(nil)
	if f.hook {
		stdin, env = s.pushed, []string{"GIT_DIR=" + s.path("up.git")}
	} else {
		s.hook(s.pushed)
	}
	t := &tracer{below: s.dir, at: at, fault: fault}
	met, err := t.run(s.world, stdin, env, append([]string{program}, f.argv...)...)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, met.output)
	}
	return met
}

// told checks that whoever looks finds the cause of what was not done. A fault of which nothing
// comes need not be told.
func (s *faultSite) told(f faulty, met traced, fault fault) {
	s.t.Helper()
	if fault.kill {
		if met.code != -1 {
			s.t.Fatalf("it was not killed, but ended with %d", met.code)
		}
		return
	}
	if f.hook && met.code != 0 {
		s.t.Errorf("the hook ended with %d", met.code)
	}
	if fault.short || fault.errno == syscall.EINTR {
		return // that is none, or must be none
	}
	marked := exists(s.path("up.git/push-mirror/m/.due"))
	done := met.code == 0 && (f.hook && marked || !f.hook && s.git("up.git", "for-each-ref") == s.git("m.git", "for-each-ref"))
	if done {
		return
	}
	status := s.program("-C", s.path("up.git"), "status", "--json")
	if text := fault.errno.Error(); !strings.Contains(met.output, text) && !strings.Contains(status.stdout, text) {
		s.t.Errorf("nobody is told of %q\n%s%s", text, met.output, status.stdout)
	}
}

// settle has a worker, without faults, do what is left, and checks what it leaves.
func (s *faultSite) settle(killed bool) {
	s.t.Helper()
	if r := s.program("worker", "--until-idle"); r.code != 0 {
		s.t.Fatalf("the worker ended with %d\n%s", r.code, r.stderr)
	}
	s.same()
	if r := s.program("-C", s.path("up.git"), "status"); r.code != 0 || !strings.HasPrefix(r.stdout, "m\tfinished\t") {
		s.t.Errorf("status ended with %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	logged := s.program("-C", s.path("up.git"), "log", "--json").stdout
	for name, oid := range s.dropped {
		if !slices.ContainsFunc(strings.Split(logged, "\n"), func(line string) bool {
			return strings.Contains(line, fmt.Sprintf("%q", name)) && strings.Contains(line, fmt.Sprintf(`"old":%q`, oid))
		}) {
			s.t.Errorf("the log has lost that %s was %s\n%s", name, oid, logged)
		}
	}
	s.check(filepath.WalkDir(s.path("."), func(path string, _ os.DirEntry, err error) error {
		name := filepath.Base(path)
		half := strings.HasPrefix(name, ".new-") && !killed // of one that was killed they go when they are old
		if half || strings.HasPrefix(name, "scratch-") || strings.HasPrefix(name, ".due") || strings.HasSuffix(name, ".damaged") {
			s.t.Errorf("%s is left", path)
		}
		return err
	}))
}
