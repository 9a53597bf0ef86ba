package worker

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func task(repository, host string) Task {
	return Task{Key: Key{Repository: repository, Remote: "m"}, Host: host, Since: noon}
}

func repositories(tasks []Task) []string {
	names := []string{}
	for _, t := range tasks {
		names = append(names, t.Repository)
	}
	return names
}

// prove has a host reached once.
func prove(s *Schedule, host string) {
	s.Add(task("/prove", host))
	for _, t := range s.Start(noon) {
		s.Finish(t, End{Done: true}, noon)
	}
}

func TestTheLongestWaitingStartFirstAndNoMoreThanMay(t *testing.T) {
	s := New(Limits{Concurrent: 2, PerHost: 4})
	for i := range 4 {
		task := task(fmt.Sprintf("/%d", i), "")
		task.Since = noon.Add(-time.Duration(i) * time.Minute)
		s.Add(task)
	}
	started := s.Start(noon)
	if got := repositories(started); !slices.Equal(got, []string{"/3", "/2"}) {
		t.Errorf("started %q", got)
	}
	if got := s.Start(noon); len(got) != 0 {
		t.Errorf("over the limit: %v", got)
	}
	s.Finish(started[0], End{Done: true}, noon)
	if got := repositories(s.Start(noon)); !slices.Equal(got, []string{"/1"}) {
		t.Errorf("after one has ended: %q", got)
	}
}

func TestHostsThatMayBeSilentLeaveAPlaceToOthers(t *testing.T) {
	s := New(Limits{Concurrent: 3, PerHost: 4})
	prove(s, "git://good")
	for i := range 5 {
		s.Add(task(fmt.Sprintf("/%d", i), fmt.Sprintf("git://host%d", i)))
	}
	if got := repositories(s.Start(noon)); !slices.Equal(got, []string{"/0", "/1"}) {
		t.Errorf("started %q", got)
	}
	for _, host := range []string{"git://good", ""} {
		s.Add(task("/good", host))
		good := s.Start(noon)
		if got := repositories(good); !slices.Equal(got, []string{"/good"}) {
			t.Fatalf("started %q", got)
		}
		s.Finish(good[0], End{Done: true}, noon)
	}
}

// Who pushes again and again is neither put back nor held up by that.
func TestWhatIsAddedOnceMoreKeepsItsPlaceAndTheEarlierTime(t *testing.T) {
	for _, times := range [][2]time.Time{{{}, noon.Add(time.Hour)}, {noon.Add(time.Hour), {}}} {
		s := New(Limits{Concurrent: 1, PerHost: 4})
		again := task("/again", "")
		other := task("/other", "")
		again.NotBefore, other.Since = times[0], noon.Add(time.Minute)
		s.Add(again)
		s.Add(other)
		again.NotBefore, again.Since = times[1], noon.Add(2*time.Minute)
		s.Add(again)
		if got := repositories(s.Start(noon.Add(3 * time.Minute))); !slices.Equal(got, []string{"/again"}) {
			t.Errorf("with the times %v: started %q", times, got)
		}
	}
}

func TestOneRemoteIsNeverUpdatedTwiceAtOnce(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(task("/a", ""))
	started := s.Start(noon)
	s.Add(task("/a", ""))
	s.Add(task("/a", ""))
	if got := s.Start(noon); len(got) != 0 {
		t.Errorf("started twice: %v", got)
	}
	if s.Idle() {
		t.Error("idle while an update runs")
	}
	s.Finish(started[0], End{Done: true}, noon)
	again := s.Start(noon)
	if len(again) != 1 {
		t.Fatalf("what came in meanwhile is lost: %v", again)
	}
	s.Finish(again[0], End{Done: true}, noon)
	if !s.Idle() {
		t.Error("not idle in the end")
	}
}

func TestAHostGetsAsManyAsItMay(t *testing.T) {
	s := New(Limits{Concurrent: 10, PerHost: 2})
	for i := range 5 {
		s.Add(task(fmt.Sprintf("/%d", i), "h"))
	}
	s.Add(task("/local", ""))
	first := repositories(s.Start(noon))
	s.Reached("h", noon)
	if got := append(first, repositories(s.Start(noon))...); !slices.Equal(got, []string{"/0", "/local", "/1"}) {
		t.Errorf("started %q", got)
	}
}

func TestALoginThatIsTakenGetsAsManyAsItsHost(t *testing.T) {
	s := New(Limits{Concurrent: 10, PerHost: 10})
	prove(s, "h")
	for i := range 3 {
		task := task(fmt.Sprintf("/%d", i), "h")
		task.Login = "h as a"
		s.Add(task)
	}
	if got := s.Start(noon); len(got) != 3 {
		t.Errorf("started %q", repositories(got))
	}
}

func TestFailingRemotesLeaveRoomForOthers(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	for i := range 20 {
		hanging := task(fmt.Sprintf("/hangs%02d", i), fmt.Sprintf("h%d", i))
		hanging.Failing, hanging.Since = true, noon.Add(-time.Hour)
		s.Add(hanging)
		s.Add(task(fmt.Sprintf("/works%02d", i), ""))
	}
	served := 0
	for range 100 {
		for _, started := range s.Start(noon) {
			if !started.Failing {
				served++
				s.Finish(started, End{Done: true}, noon)
			}
		}
	}
	if served != 20 {
		t.Errorf("%d of 20 were served while others hang", served)
	}
	if len(s.running) != 2 {
		t.Errorf("%d of those that hang have a place, out of 4", len(s.running))
	}
}

// Each may hold its place for long, for a reason of its own.
func TestWhatFailedAndWhatMayBeSilentLeaveAPlaceToOthers(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(task("/failed0", ""))
	s.Add(task("/failed1", ""))
	for _, task := range s.Start(noon) {
		s.Finish(task, End{Failed: true, Retry: noon}, noon)
	}
	for i := range 3 {
		s.Add(task(fmt.Sprintf("/silent%d", i), fmt.Sprintf("git://host%d", i)))
	}
	if got := repositories(s.Start(noon)); !slices.Equal(got, []string{"/failed0", "/failed1", "/silent0"}) {
		t.Errorf("started %q", got)
	}
}

func TestADeadHostIsProbedByOne(t *testing.T) {
	s := New(Limits{Concurrent: 10, PerHost: 10})
	for i := range 1000 {
		s.Add(task(fmt.Sprintf("/%04d", i), "dead"))
	}
	probes := 0
	// An hour, in which each attempt fails at once and may be made again after a minute.
	for now := noon; now.Before(noon.Add(time.Hour)); now = now.Add(time.Second) {
		for _, started := range s.Start(now) {
			probes++
			s.Finish(started, End{Failed: true, Shared: started.Host, SharedRetry: now.Add(time.Minute), Retry: now.Add(time.Hour)}, noon)
		}
	}
	if probes != 60 {
		t.Errorf("%d probes in an hour, one a minute are due", probes)
	}
	later := noon.Add(2 * time.Hour)
	probe := s.Start(later)
	if len(probe) != 1 {
		t.Fatalf("%d probes at once", len(probe))
	}
	s.Reached("dead", noon)
	if others := s.Start(later); len(others) != 9 {
		t.Errorf("%d others start when the host has answered", len(others))
	} else {
		probe = append(probe, others...)
	}
	for _, task := range probe {
		s.Finish(task, End{Done: true}, later)
	}
	served := 10
	for range 1000 {
		started := s.Start(later)
		served += len(started)
		for _, task := range started {
			s.Finish(task, End{Done: true}, noon)
		}
	}
	if served != 1000 || !s.Idle() {
		t.Errorf("%d were served when the host was back", served)
	}
}

// A remote waits for its host no longer than others on it do, and one goes first although the host
// has answered before it failed.
func TestAHostThatWentDownIsProbedByOneInTime(t *testing.T) {
	s := New(Limits{Concurrent: 10, PerHost: 10})
	prove(s, "h")
	fail := func(task Task, at time.Time) {
		s.Finish(task, End{Failed: true, Shared: "h", SharedRetry: at.Add(5 * time.Minute), Retry: at.Add(time.Hour)}, at)
	}
	s.Add(task("/0", "h"))
	fail(s.Start(noon)[0], noon)
	probe := s.Start(noon.Add(5 * time.Minute))
	if len(probe) != 1 {
		t.Fatalf("%d probes in time", len(probe))
	}
	fail(probe[0], noon.Add(5*time.Minute))
	s.Add(task("/1", "h"))
	s.Add(task("/2", "h"))
	if got := s.Start(noon.Add(10 * time.Minute)); len(got) != 1 {
		t.Errorf("%d probes at once", len(got))
	}
}

// TestALoginThatIsRefusedHoldsUpNoOther has a hundred remotes wait for one login, and as many on
// the host that have others.
func TestALoginThatIsRefusedHoldsUpNoOther(t *testing.T) {
	s := New(Limits{Concurrent: 10, PerHost: 10})
	prove(s, "h")
	for i := range 100 {
		bad, good := task(fmt.Sprintf("/bad%02d", i), "h"), task(fmt.Sprintf("/good%02d", i), "h")
		bad.Login, good.Login = "h as a", "h as b"
		s.Add(bad)
		s.Add(good)
	}
	refused := func(at time.Time) End {
		return End{Failed: true, Shared: "h as a", SharedRetry: at.Add(5 * time.Minute), Retry: at.Add(time.Hour)}
	}
	probes, served := 0, 0
	for now := noon; now.Before(noon.Add(4 * time.Minute)); now = now.Add(time.Second) {
		for _, started := range s.Start(now) {
			if started.Login == "h as a" {
				probes++
				s.Finish(started, refused(now), now)
				continue
			}
			served++
			s.Finish(started, End{Done: true}, now)
		}
	}
	if served != 100 {
		t.Errorf("%d of 100 with the other login were served", served)
	}
	if probes > 10 {
		t.Errorf("%d probes of the login that is refused", probes)
	}
	later := noon.Add(10 * time.Minute)
	probe := s.Start(later)
	if len(probe) != 1 {
		t.Fatalf("%d probes of the login at once", len(probe))
	}
	// That the host answers says nothing of the login, and that the host is down neither.
	s.Reached("h", noon)
	if more := s.Start(later); len(more) != 0 {
		t.Errorf("%d others start before the login was taken", len(more))
	}
	s.Finish(probe[0], End{Failed: true, Shared: "h", SharedRetry: later.Add(time.Minute), Retry: later.Add(time.Hour)}, later)
	later = later.Add(time.Minute)
	if probe = s.Start(later); len(probe) != 1 {
		t.Fatalf("%d probes of the host at once", len(probe))
	}
	s.Finish(probe[0], End{Done: true}, later)
	for range 200 {
		for _, task := range s.Start(later) {
			s.Finish(task, End{Done: true}, later)
		}
	}
	if len(s.waiting) != 0 {
		t.Errorf("%d still wait although the login is taken", len(s.waiting))
	}
}

func TestAHostThatFailsTellsNothingOfALogin(t *testing.T) {
	s := New(Limits{Concurrent: 1, PerHost: 1})
	for _, shared := range []string{"login", "host"} {
		task := task("/a", "host")
		task.Login = "login"
		s.Add(task)
		started := s.Start(noon)
		if len(started) != 1 {
			t.Fatalf("started %v", started)
		}
		s.Finish(started[0], End{Shared: shared, SharedRetry: noon, Retry: noon, Failed: true}, noon)
	}
	if !s.Fails("host") || !s.Fails("login") {
		t.Errorf("the host fails: %t, the login: %t", s.Fails("host"), s.Fails("login"))
	}
}

// A login was refused, and then the host failed for somebody who has another one.
func TestWhoNeedsAHostAndALoginThatFailWaitsForBoth(t *testing.T) {
	s := New(Limits{Concurrent: 1, PerHost: 1})
	fail := func(login, shared string, retry time.Duration) {
		task := task("/"+login, "host")
		task.Login = login
		s.Add(task)
		s.Finish(s.Start(noon)[0], End{Shared: shared, SharedRetry: noon.Add(retry), Retry: noon.Add(time.Hour), Failed: true}, noon)
		s.Remove(task.Repository)
	}
	fail("login", "login", time.Minute)
	fail("other login", "host", 10*time.Minute)
	both := task("/both", "host")
	both.Login = "login"
	s.Add(both)
	if got := s.Start(noon.Add(9 * time.Minute)); len(got) != 0 {
		t.Error("it is started when only the login may be tried")
	}
	if got := s.Start(noon.Add(10 * time.Minute)); len(got) != 1 {
		t.Error("it is not started when both may be tried")
	}
}

// A sync is no task of the schedule's, and what it has found out holds all the same.
func TestAHostThatASyncHasReachedIsBack(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(task("/a", "ssh://down"))
	s.Finish(s.Start(noon)[0], End{Failed: true, Retry: noon.Add(time.Hour), Shared: "ssh://down", SharedRetry: noon.Add(5 * time.Minute)}, noon)
	s.Add(task("/b", "ssh://down"))
	synced := task("/c", "ssh://down")
	synced.Succeeded = noon.Add(-time.Second)
	s.NoteSuccess(synced, noon.Add(time.Minute))
	if got := s.Start(noon.Add(time.Minute)); len(got) != 0 {
		t.Errorf("a success before the failure proves nothing: started %q", repositories(got))
	}
	synced.Succeeded = noon.Add(30 * time.Second)
	s.NoteSuccess(synced, noon.Add(time.Minute))
	later := task("/later", "ssh://down") // which failed after that success, as another worker found
	later.Failing, later.Blamed, later.Failed, later.NotBefore = true, "ssh://down", noon.Add(45*time.Second), noon.Add(time.Hour)
	s.Add(later)
	if got := repositories(s.Start(noon.Add(time.Minute))); !slices.Contains(got, "/b") || slices.Contains(got, "/later") {
		t.Errorf("started %q", got)
	}
}

func TestAHostThatIsBackReleasesWhatFailedForItUnderAnotherWorker(t *testing.T) {
	failed := func(repository, blamed string) Task {
		task := task(repository, "git://h")
		task.Failing, task.Blamed, task.NotBefore = true, blamed, noon.Add(time.Hour)
		return task
	}
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(failed("/before", "git://h"))
	s.Add(failed("/alone", "")) // there is no such repository
	if got := s.Start(noon); len(got) != 0 {
		t.Errorf("before the host has answered: %v", got)
	}
	prove(s, "git://h")
	s.Add(failed("/after", "git://h"))
	started := s.Start(noon)
	if got := repositories(started); !slices.Equal(got, []string{"/after", "/before"}) {
		t.Errorf("after it has: %q", got)
	}
	for _, t := range started { // which has nothing to do with the host any more
		s.Finish(t, End{Failed: true, Retry: noon.Add(time.Hour)}, noon)
	}
	prove(s, "git://h")
	if got := s.Start(noon); len(got) != 0 {
		t.Errorf("after they have failed by themselves: %v", got)
	}
}

func TestWhatFailedAfterItsLoginHadAnsweredWaits(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	prove(s, "git://h")
	failed := task("/a", "git://h") // whose password could not be used, so nobody was asked
	failed.Failing, failed.Blamed, failed.Failed, failed.NotBefore = true, "git://h", noon.Add(time.Minute), noon.Add(time.Hour)
	s.Add(failed)
	if got := s.Start(noon.Add(2 * time.Minute)); len(got) != 0 {
		t.Errorf("started %q", repositories(got))
	}
	s.Reached("git://h", noon.Add(3*time.Minute))
	if got := s.Start(noon.Add(3 * time.Minute)); len(got) != 1 {
		t.Errorf("once it has answered again: %q", repositories(got))
	}
}

func TestAHostThatASyncHasReachedReleasesWhatFailedForItUnderAnotherWorker(t *testing.T) {
	failed := func(repository string) Task {
		task := task(repository, "git://h")
		task.Failing, task.Blamed, task.Failed, task.NotBefore = true, "git://h", noon.Add(-time.Minute), noon.Add(time.Hour)
		return task
	}
	synced := task("/synced", "git://h")
	for at, want := range map[time.Time][]string{
		noon.Add(-2 * time.Minute):  {}, // before they failed
		noon.Add(-30 * time.Second): {"/a", "/b"},
		noon.Add(time.Hour):         {}, // by a clock that was wrong
	} {
		s := New(Limits{Concurrent: 4, PerHost: 4})
		s.Add(failed("/a"))
		synced.Succeeded = at
		s.NoteSuccess(synced, noon)
		s.Add(failed("/b"))
		got := []string{}
		for started := s.Start(noon); len(started) > 0; started = s.Start(noon) { // the first is to find out
			got = append(got, repositories(started)...)
			s.Finish(started[0], End{Done: true}, noon)
		}
		if !slices.Equal(got, want) {
			t.Errorf("after a success at %v: %q", at, got)
		}
	}
}

func TestTheProbeIsAnotherOneEachTime(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(task("/bad", "h"))
	now := noon
	bad := s.Start(now)[0]
	s.Finish(bad, End{Failed: true, Shared: "h", SharedRetry: now.Add(time.Minute), Retry: now.Add(time.Hour)}, noon)
	s.Add(task("/good", "h"))
	now = now.Add(time.Minute)
	if got := repositories(s.Start(now)); !slices.Equal(got, []string{"/good"}) {
		t.Errorf("the next probe is %q", got)
	}
}

func TestWhatComesInDuringAnUpdateKeepsItsTimes(t *testing.T) {
	s := New(Limits{Concurrent: 1, PerHost: 1})
	s.Add(task("/busy", ""))
	other := task("/other", "")
	other.Since = noon.Add(time.Second)
	running := s.Start(noon)[0]
	s.Add(other)
	again := task("/busy", "")
	again.Since, again.Earliest = noon.Add(2*time.Second), noon.Add(time.Minute)
	s.Add(again)
	s.Finish(running, End{Done: true}, noon)
	if got := repositories(s.Start(noon.Add(3 * time.Second))); !slices.Equal(got, []string{"/other"}) {
		t.Fatalf("%q is next", got)
	}
	s.Finish(other, End{Done: true}, noon)
	if got := s.Start(noon.Add(59 * time.Second)); len(got) != 0 {
		t.Errorf("started too soon: %v", got)
	}
	if got := s.Start(noon.Add(time.Minute)); len(got) != 1 {
		t.Error("not started in time")
	}
}

// What comes in meanwhile is no reason to try at once what has just failed. Where only refs are to
// be tried again, it does not wait for those.
func TestWhatComesInDuringAnUpdateWaitsIfThatFails(t *testing.T) {
	for failed, want := range map[bool]int{true: 0, false: 1} {
		s := New(Limits{Concurrent: 1, PerHost: 1})
		s.Add(task("/a", ""))
		started := s.Start(noon)
		s.Add(task("/a", ""))
		s.Finish(started[0], End{Failed: failed, Retry: noon.Add(time.Minute)}, noon)
		if got := s.Start(noon.Add(59 * time.Second)); len(got) != want {
			t.Errorf("if it failed (%t), started %d", failed, len(got))
		}
		if got := s.Start(noon.Add(time.Minute)); len(got) != 1-want {
			t.Errorf("if it failed (%t), started %d after its time", failed, len(got))
		}
	}
}

// An update and the next one keep their distance, be it another push that calls for it or a
// failure.
func TestTheIntervalHoldsForWhatCameInAndForRetries(t *testing.T) {
	for name, push := range map[string]bool{"another push": true, "a failure": false} {
		s := New(Limits{Concurrent: 1, PerHost: 1})
		s.Add(task("/a", ""))
		started := s.Start(noon)
		if push {
			s.Add(task("/a", ""))
		}
		s.Finish(started[0], End{Retry: noon.Add(time.Second), Failed: !push, Earliest: noon.Add(time.Minute)}, noon)
		if got := s.Start(noon.Add(59 * time.Second)); len(got) != 0 {
			t.Errorf("%s: started early", name)
		}
		if got := s.Start(noon.Add(time.Minute)); len(got) != 1 {
			t.Errorf("%s: not started", name)
		}
	}
}

func TestWhatWaitsForItsTimeWaits(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	waiting := task("/a", "")
	waiting.NotBefore = noon.Add(time.Minute)
	s.Add(waiting)
	if got := s.Start(noon.Add(59 * time.Second)); len(got) != 0 {
		t.Error("started too soon")
	}
	if s.Idle() {
		t.Error("idle while something waits")
	}
	if got := s.Start(noon.Add(time.Minute)); len(got) != 1 {
		t.Error("not started in time")
	}
}

func TestAnUpdateThatDidNotAskProvesNothing(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	for i := range 6 {
		s.Add(task(fmt.Sprintf("/%d", i), "h"))
	}
	later := noon.Add(time.Minute)
	s.Finish(s.Start(noon)[0], End{Failed: true, Shared: "h", SharedRetry: later, Retry: later}, noon)
	s.Finish(s.Start(later)[0], End{Done: true, Unasked: true}, later)
	if got := s.Start(later); len(got) != 1 {
		t.Errorf("%d go to a host that failed, instead of one to probe it", len(got))
	}
}

func TestAMendedConfigurationIsTriedAtOnce(t *testing.T) {
	for _, host := range []string{"h", ""} {
		s := New(Limits{Concurrent: 4, PerHost: 4})
		s.Add(task("/a", host))
		s.Finish(s.Start(noon)[0], End{Failed: true, Shared: host, SharedRetry: noon.Add(time.Hour), Retry: noon.Add(time.Hour)}, noon)
		s.Hurry("/other", noon.Add(time.Second))
		if got := s.Start(noon.Add(time.Second)); len(got) != 0 {
			t.Fatalf("on the host %q: started too soon", host)
		}
		s.Hurry("/a", noon.Add(time.Second))
		if got := s.Start(noon.Add(time.Second)); len(got) != 1 {
			t.Errorf("on the host %q: not started at once", host)
		}
	}
}

// TestAConfigurationThatIsMendedDuringAFailingUpdateIsTriedAtItsEnd has a change come in, and then
// a push.
func TestAConfigurationThatIsMendedDuringAFailingUpdateIsTriedAtItsEnd(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	fail := func(task Task, at time.Time) {
		s.Finish(task, End{Failed: true, Shared: "h", SharedRetry: at.Add(5 * time.Minute), Retry: at.Add(time.Hour)}, at)
	}
	s.Add(task("/a", "h"))
	started := s.Start(noon)
	s.Add(task("/a", "h"))
	s.Hurry("/a", noon)
	s.Add(task("/a", "h"))
	fail(started[0], noon.Add(time.Second))
	// But once, whether or not there is another push, or a change of somebody else's.
	for _, push := range []bool{false, true} {
		now := noon.Add(time.Second)
		if push {
			now = noon.Add(6 * time.Minute)
		}
		if started = s.Start(now); len(started) != 1 {
			t.Fatal("not started at once")
		}
		if push {
			s.Add(task("/a", "h"))
			s.Hurry("/other", now)
		}
		fail(started[0], now.Add(time.Second))
		if got := s.Start(now.Add(time.Minute)); len(got) != 0 {
			t.Error("started again without another change")
		}
	}
}

func TestAThousandPushesDuringAnOutageAreNotAThousandAttempts(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	attempts := 0
	for second := range 1000 {
		now := noon.Add(time.Duration(second) * time.Second)
		again := task("/a", "h")
		again.NotBefore = s.retryOf("h")
		s.Add(again)
		for _, started := range s.Start(now) {
			attempts++
			s.Finish(started, End{Failed: true, Shared: started.Host, SharedRetry: now.Add(5 * time.Minute), Retry: now.Add(5 * time.Minute)}, noon)
		}
	}
	if attempts != 4 {
		t.Errorf("%d attempts in 1000 seconds", attempts)
	}
}

func (s *Schedule) retryOf(name string) time.Time { return s.host(name).retry }

func TestARepositoryThatIsGoneIsDropped(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(task("/a", ""))
	s.Add(task("/b", ""))
	s.Remove("/a")
	if got := repositories(s.Waiting()); !slices.Equal(got, []string{"/b"}) {
		t.Errorf("%q wait", got)
	}
}

func TestAMirrorThatIsKeptBusyRests(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	var starts []time.Duration
	// For a minute there is always more to do, and each update takes a second.
	var running []Task
	for now := noon; now.Before(noon.Add(time.Minute)); now = now.Add(100 * time.Millisecond) {
		s.Add(task("/a", ""))
		for _, task := range running {
			if now.Sub(noon) >= starts[len(starts)-1]+time.Second {
				s.Finish(task, End{Done: true}, now)
				running = nil
			}
		}
		for _, task := range s.Start(now) {
			starts = append(starts, now.Sub(noon))
			running = append(running, task)
		}
	}
	if len(starts) > 14 {
		t.Errorf("%d updates in a minute", len(starts))
	}
	if starts[1] != time.Second {
		t.Errorf("the first that came in meanwhile waited until %v", starts[1])
	}
	for i := range starts[1:] {
		if starts[i+1]-starts[i] > 5*time.Second {
			t.Errorf("nothing between %v and %v", starts[i], starts[i+1])
		}
	}
	for _, task := range running {
		s.Finish(task, End{Done: true}, noon.Add(time.Minute))
	}
	rested := s.Start(noon.Add(65 * time.Second))
	s.Finish(rested[0], End{Done: true}, noon.Add(66*time.Second))
	s.Add(task("/a", ""))
	if len(s.Start(noon.Add(66*time.Second))) != 1 {
		t.Error("one that was up to date has to wait")
	}
}

// Promise 5 holds however long the updates of a mirror take.
func TestAMirrorThatIsKeptBusyRestsNoLongerThanMay(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	now := noon
	s.Add(task("/a", ""))
	for range 3 {
		started := s.Start(now)
		if len(started) != 1 {
			t.Fatalf("nothing is started %v after the beginning", now.Sub(noon))
		}
		s.Add(task("/a", ""))
		now = now.Add(time.Minute)
		s.Finish(started[0], End{Done: true}, now)
		now = now.Add(5 * time.Second)
	}
}

// A mirror that takes a push and says nothing more may hold an update for hours.
func TestUpdatesThatTakeLongMakeRoomForOthers(t *testing.T) {
	s := New(Limits{Concurrent: 2, PerHost: 4})
	add := func(n int) {
		for i := range n {
			s.Add(task(fmt.Sprintf("/%d-%d", n, i), ""))
		}
	}
	add(2)
	s.Start(noon)
	add(3)
	if got := s.Start(noon.Add(long - time.Second)); len(got) != 0 {
		t.Errorf("over the limit: %q", repositories(got))
	}
	if got := s.Start(noon.Add(long)); len(got) != 2 {
		t.Errorf("started %q", repositories(got))
	}
	add(9)
	for i := range 10 {
		s.Start(noon.Add(time.Duration(2+i) * long))
	}
	if n := len(s.running); n != crowd*2 {
		t.Errorf("%d run at once", n)
	}
}

func TestAHostIsTriedAlthoughTheClockWasSetBack(t *testing.T) {
	s := New(Limits{Concurrent: 4, PerHost: 4})
	s.Add(task("/a", "ssh://down"))
	s.Finish(s.Start(noon)[0], End{Failed: true, Retry: noon.Add(time.Hour), Shared: "ssh://down", SharedRetry: noon.Add(5 * time.Minute)}, noon)
	s.Add(task("/b", "ssh://down"))
	if got := s.Start(noon.Add(-skew)); len(got) != 0 {
		t.Errorf("a little is no reason: started %q", repositories(got))
	}
	before := noon.Add(-24 * time.Hour)
	synced := task("/c", "ssh://down")
	synced.Succeeded = before
	if got := repositories(s.Start(before)); !slices.Equal(got, []string{"/b"}) {
		t.Errorf("started %q", got)
	}
	if s.NoteSuccess(task("/d", "ssh://down"), before); !s.Fails("ssh://down") {
		t.Error("one that has never succeeded has not reached it")
	}
	if s.NoteSuccess(synced, before); s.Fails("ssh://down") {
		t.Error("a sync has reached it, and it still fails")
	}
}
