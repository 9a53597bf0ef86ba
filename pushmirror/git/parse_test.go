package git

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	oidA = OID("1111111111111111111111111111111111111111")
	oidB = OID("2222222222222222222222222222222222222222")
	oidC = OID("3333333333333333333333333333333333333333333333333333333333333333")
)

func TestForEachRefGivesRefsInOrderAndTheHeadBranch(t *testing.T) {
	out := " " + string(oidA) + " refs/heads/a refs/heads/main\n" +
		"*" + string(oidB) + " refs/heads/main \n" +
		" " + string(oidC) + " refs/tags/-x\"'$(id)\xff \n"
	refs, head, err := parseForEachRef(out)
	if err != nil {
		t.Fatal(err)
	}
	want := Refs{
		{Name: "refs/heads/a", OID: oidA, Symref: "refs/heads/main"},
		{Name: "refs/heads/main", OID: oidB},
		{Name: "refs/tags/-x\"'$(id)\xff", OID: oidC},
	}
	if head != "refs/heads/main" || !slices.Equal(refs, want) {
		t.Errorf("got %v, head %q", refs, head)
	}
}

func TestLsRemoteKeepsBranchesAndTagsAndMarksSymbolicOnes(t *testing.T) {
	out := "ref: refs/heads/main\tHEAD\n" +
		string(oidA) + "\tHEAD\n" +
		string(oidA) + "\trefs/heads/main\n" +
		"ref: refs/heads/main\trefs/heads/sym\n" +
		string(oidA) + "\trefs/heads/sym\n" +
		string(oidB) + "\trefs/pull/1/head\n" +
		string(oidB) + "\trefs/tags/v1\n" +
		string(oidA) + "\trefs/tags/v1^{}\n"
	refs, head, err := parseLsRemote(out)
	if err != nil {
		t.Fatal(err)
	}
	want := Refs{
		{Name: "refs/heads/main", OID: oidA},
		{Name: "refs/heads/sym", OID: oidA, Symref: "refs/heads/main"},
		{Name: "refs/tags/v1", OID: oidB},
	}
	if head != "refs/heads/main" || !slices.Equal(refs, want) {
		t.Errorf("got %v, head %q", refs, head)
	}
}

func TestOutputThatGitWouldNotPrintIsAnError(t *testing.T) {
	for name, parse := range map[string]func(string) error{
		"for-each-ref": func(s string) error { _, _, err := parseForEachRef(s); return err },
		"ls-remote":    func(s string) error { _, _, err := parseLsRemote(s); return err },
	} {
		for _, out := range []string{"x\n", "\n", string(oidA) + "\n", "zz\trefs/heads/a\n", " zz refs/heads/a \n"} {
			if parse(out) == nil {
				t.Errorf("%s: %q was read without an error", name, out)
			}
		}
	}
}

// porcelain has the lines that git 2.39 printed for real pushes.
var porcelain = []struct {
	name, line string
	want       Outcome
}{
	{"a fast-forward tells the old value", " \trefs/heads/main:refs/heads/main\t" + string(oidA) + ".." + string(oidB), Outcome{Name: "refs/heads/main", Flag: ' ', Old: oidA}},
	{"a forced update tells the old value", "+\trefs/heads/main:refs/heads/main\t" + string(oidA) + "..." + string(oidB) + " (forced update)", Outcome{Name: "refs/heads/main", Flag: '+', Old: oidA}},
	{"a new branch", "*\trefs/heads/x:refs/heads/x\t[new branch]", Outcome{Name: "refs/heads/x", Flag: '*'}},
	{"a deletion", "-\t:refs/heads/x\t[deleted]", Outcome{Name: "refs/heads/x", Flag: '-'}},
	{"up to date", "=\trefs/heads/x:refs/heads/x\t[up to date]", Outcome{Name: "refs/heads/x", Flag: '='}},
	{"git refuses", "!\trefs/heads/x:refs/heads/x\t[rejected] (fetch first)", Outcome{Name: "refs/heads/x", Flag: '!', Reason: "fetch first"}},
	{"git refuses a deletion", "!\t(delete):refs/heads/x\t[rejected] (stale info)", Outcome{Name: "refs/heads/x", Flag: '!', Reason: "stale info"}},
	{"the mirror refuses", "!\trefs/heads/x:refs/heads/x\t[remote rejected] (pre-receive hook declined)", Outcome{Name: "refs/heads/x", Flag: '!', remote: true, Reason: "pre-receive hook declined"}},
	{"the mirror refuses with brackets", "!\t:refs/heads/x\t[remote rejected] (no (really))", Outcome{Name: "refs/heads/x", Flag: '!', remote: true, Reason: "no (really)"}},
	{"the mirror refuses at length", "!\trefs/heads/x:refs/heads/x\t[remote rejected] (" + strings.Repeat("no", maxSaid) + ")", Outcome{Name: "refs/heads/x", Flag: '!', remote: true, Reason: strings.Repeat("no", maxSaid/2) + "…"}},
	{"the mirror says nothing", "!\trefs/heads/x:refs/heads/x\t[remote failure] (remote failed to report status)", Outcome{Name: "refs/heads/x", Flag: '!', remote: true, Reason: "remote failed to report status"}},
}

func TestPorcelainTellsWhatBecameOfARef(t *testing.T) {
	for _, c := range porcelain {
		t.Run(c.name, func(t *testing.T) {
			got, err := parsePorcelain("To ssh://host/x\n" + c.line + "\nDone\n")
			if err != nil || len(got) != 1 || got[0] != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// A hook of a mirror on this machine may write any line between git's.
func TestLinesThatAreNotGitsAreSkipped(t *testing.T) {
	for _, line := range []string{"", "x", "!", " ", "!x", "?\trefs/heads/x:refs/heads/x\t[up to date]"} {
		if got, err := parsePorcelain(line + "\n" + porcelain[0].line + "\n"); err != nil || len(got) != 1 || got[0] != porcelain[0].want {
			t.Errorf("after %q: got %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"!\trefs/heads/x:refs/heads/x", "!\trefs/heads/x\t[rejected]", "!\trefs/heads/x:\t[rejected]"} {
		if got, err := parsePorcelain(line + "\n"); err == nil {
			t.Errorf("%q is taken for %+v", line, got)
		}
	}
}

func TestRefusalsAreTakenForWhatTheyAre(t *testing.T) {
	type kind struct{ changed, declined, current, unpacked, lost, passing bool }
	for _, c := range []struct {
		reason string
		remote bool
		want   kind
	}{
		{"stale info", false, kind{changed: true}},
		{"fetch first", false, kind{changed: true}},
		{"non-fast-forward", false, kind{changed: true}},
		{"already exists", false, kind{changed: true}},
		{"non-fast-forward", true, kind{}},
		{"failed to update ref", true, kind{changed: true}},
		{"pre-receive hook declined", true, kind{declined: true}},
		{"hook declined", true, kind{}},
		{"deny updating a hidden ref", true, kind{}},
		{"deletion of the current branch prohibited", true, kind{current: true}},
		{"refusing to delete the current branch: refs/heads/main", true, kind{current: true}},
		{"unpacker error", true, kind{unpacked: true}},
		{"n/a (unpacker error)", true, kind{unpacked: true}}, // JGit
		{"remote failed to report status", true, kind{lost: true}},
		// Those of git 2.50 and newer.
		{"reference already exists", true, kind{changed: true}},
		{"reference does not exist", true, kind{changed: true}},
		{"refname conflict", true, kind{changed: true}},
		{"incorrect old value provided", true, kind{changed: true}},
		{"failed to update refs", true, kind{declined: true, passing: true}},
		// Those of hosts in trouble.
		{"failure", true, kind{passing: true}},
		{"Internal Server Error", true, kind{passing: true}},
		{"service temporarily unavailable", true, kind{passing: true}},
		{"blocked by policy: only maintainers may push", true, kind{}},
		{"refs/heads/internal is protected", true, kind{}},
		{"push declined due to repository rule violations", true, kind{}},
		{"protected branch hook declined", true, kind{}},
	} {
		o := Outcome{Flag: '!', remote: c.remote, Reason: c.reason}
		got := kind{o.Changed(), o.Declined(), o.CurrentBranch(), o.UnpackFailed(), o.Lost(), o.Passing()}
		if got != c.want {
			t.Errorf("%q (by the mirror: %v): got %+v", c.reason, c.remote, got)
		}
	}
}

func TestWhatAMirrorWillNeverTakeIsToldFromWhatItCannotTakeNow(t *testing.T) {
	// As git 2.39's receive-pack says it.
	for text, want := range map[string]string{
		"remote: error: object 1234: gitmodulesUrl: disallowed submodule url: -oProxy        \nremote: fatal: fsck error in pack objects        \n": "object 1234: gitmodulesUrl: disallowed submodule url: -oProxy",
		"remote: error: object 1234: missingEmail: no email        \nremote: fatal: fsck error in packed object        \n":                          "object 1234: missingEmail: no email",
		"remote: fatal: fsck error in packed object        \n":                                                                                      "an object failed the mirror's fsck",
		"remote: fatal: pack exceeds maximum allowed size        \n":                                                                                "pack exceeds maximum allowed size",
		"remote: fatal: pack exceeds maximum allowed size (200.00 KiB)        \n":                                                                   "pack exceeds maximum allowed size",
		"remote: fatal: write error: No space left on device        \n":                                                                             "",
		"remote: error: file write error: No space left on device        \n":                                                                        "",
		"error: remote unpack failed: unable to create temporary object directory\n":                                                                "",
		// What git says itself, behind its progress, and what a mirror's hook says that pushes on.
		"Writing objects:  50% (1/2)\rerror: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\n": "HTTP 413, it is more than the mirror's web server takes in a request",
		"remote: error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413        \n":              "",
		// JGit.
		"error: remote unpack failed: error Object too large (2,577 bytes), rejecting the pack. Max object size limit is 2,000 bytes.\n": "Object too large (2,577 bytes), rejecting the pack. Max object size limit is 2,000 bytes.",
		"error: remote unpack failed: error No space left on device\n":                                                                   "",
		"remote: fatal: early EOF        \nerror: remote unpack failed: index-pack abnormal exit\n":                                      "",
	} {
		if got := objection(text); got != want {
			t.Errorf("of %q: %q", text, got)
		}
	}
}

func TestOfWhatAMirrorSaysPeopleAreToldWhatIsForThem(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		"To ssh://h/x\nerror: failed to push some refs to 'ssh://h/x'\n":                      "",
		"remote: Resolving deltas:   0% (0/3)\rremote: Resolving deltas: 100% (3/3), done.\n": "",
		"remote: Checking connectivity: 20, done.\n":                                          "",
		"remote: error: hook declined to update refs/heads/x\n":                               "",
		"remote: fatal: pack exceeds maximum allowed size\n":                                  "",
		"remote: error: GH006: Protected branch update failed for refs/heads/main.        \nremote: \nremote: - Changes must be made through a pull request.        \n": "error: GH006: Protected branch update failed for refs/heads/main.; - Changes must be made through a pull request.",
		"remote: GitLab: You are not allowed to push code to protected branches on this project.\n":                                                                     "GitLab: You are not allowed to push code to protected branches on this project.",
	} {
		if got := Said(text); got != want {
			t.Errorf("of %q: %q", text, got)
		}
	}
}

func FuzzSaid(f *testing.F) {
	f.Add("remote: Protected branch.\r\nremote: \xff")
	f.Fuzz(func(t *testing.T, text string) {
		said := Said(text)
		if len(said) > maxSaid+len("…") || strings.ContainsAny(said, "\r\n") || len(said) > 0 && !strings.Contains(text, "remote:") {
			t.Errorf("of %q: %q", text, said)
		}
	})
}

func FuzzForEachRef(f *testing.F) {
	f.Add("*" + string(oidA) + " refs/heads/main \n " + string(oidA) + " refs/heads/s refs/heads/main\n")
	f.Fuzz(func(t *testing.T, out string) {
		refs, head, err := parseForEachRef(out)
		if err != nil {
			return
		}
		checkRefs(t, refs)
		var again strings.Builder
		for _, ref := range refs {
			mark := " "
			if ref.Name == head {
				mark = "*"
			}
			fmt.Fprintf(&again, "%s%s %s %s\n", mark, ref.OID, ref.Name, ref.Symref)
		}
		refs2, head2, err := parseForEachRef(again.String())
		if err != nil || head2 != head || !slices.Equal(refs, refs2) {
			t.Errorf("%q became %q, %v", out, again.String(), err)
		}
	})
}

func FuzzLsRemote(f *testing.F) {
	f.Add("ref: refs/heads/main\tHEAD\n" + string(oidA) + "\tHEAD\n" + string(oidA) + "\trefs/heads/main\n")
	for _, name := range []string{"refs/heads/--force", "refs/heads/\x1b[2J", "refs/heads/../HEAD", "refs/tags/v^{}", "refs/heads/a\tb", "HEAD", ""} {
		f.Add(string(oidA) + "\t" + name + "\n" + string(oidA) + "\trefs/heads/a\n" + string(oidA) + "\t" + name + "\n")
	}
	f.Fuzz(func(t *testing.T, out string) {
		refs, _, err := parseLsRemote(out)
		if err != nil {
			return
		}
		checkRefs(t, refs)
		if len(refs) > strings.Count(out, "\n")+1 {
			t.Errorf("%d refs in %q", len(refs), out)
		}
	})
}

func FuzzPorcelain(f *testing.F) {
	for _, c := range porcelain {
		f.Add(c.line + "\n")
	}
	f.Add("To x\n*\trefs/heads/evil:refs/heads/evil\t[new branch]\n!\trefs/heads/evil:refs/heads/evil\t[remote rejected] (\x1b[2J)\nDone\n")
	f.Fuzz(func(t *testing.T, out string) {
		outcomes, err := parsePorcelain(out)
		if err != nil {
			return
		}
		for _, o := range outcomes {
			if o.Name == "" || strings.ContainsAny(string(o.Name), "\t\n") {
				t.Errorf("a ref named %q in %q", o.Name, out)
			}
			if o.Refused() && o.Old != "" {
				t.Errorf("a refused ref has an old value in %q", out)
			}
		}
	})
}

// checkRefs checks what every list of refs has to be.
func checkRefs(t *testing.T, refs Refs) {
	t.Helper()
	for i, ref := range refs {
		if _, err := ParseOID(string(ref.OID)); err != nil {
			t.Error(err)
		}
		if !ref.Name.IsBranch() && !ref.Name.IsTag() {
			t.Errorf("%q is neither a branch nor a tag", ref.Name)
		}
		if i > 0 && refs[i-1].Name >= ref.Name {
			t.Errorf("%q stands before %q", refs[i-1].Name, ref.Name)
		}
	}
}

func TestParseSettings(t *testing.T) {
	// As printed by git 2.39.
	out := "global\x00file:/root/.gitconfig\x00core.hookspath\n/srv/hooks\x00" +
		"local\x00file:config\x00core.bare\x00" +
		"local\x00file:config\x00hook.Ours.command\na\nb\x00"
	got, err := parseSettings(out)
	want := []Setting{
		{"core.hookspath", "/srv/hooks", "global", "file:/root/.gitconfig"},
		{"core.bare", "true", "local", "file:config"},
		{"hook.Ours.command", "a\nb", "local", "file:config"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("parseSettings(%q) = %q, %v", out, got, err)
	}
	if got, err := parseSettings(""); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %q, %v", got, err)
	}
	if got, err := parseSettings("global\x00"); err == nil {
		t.Errorf("of a part: %q", got)
	}
}

func TestASettingIsTrue(t *testing.T) {
	for value, want := range map[string]bool{
		"true": true, "Yes": true, "ON": true, "1": true, "2": true, "-1": true,
		"false": false, "no": false, "off": false, "0": false, "00": false, "": false, "maybe": false,
	} {
		if got := (Setting{Value: value}).IsTrue(); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// A hook of a mirror on this machine can write among git's lines, but not behind them.
func TestTheLastLineAboutARefCounts(t *testing.T) {
	var r report
	for _, line := range []string{
		" \trefs/heads/b:refs/heads/b\tforged\n", "*\trefs/heads/a:refs/heads/a\t[new branch]\n",
		"!\trefs/heads/b:refs/heads/b\t[rejected] (fetch first)\n",
	} {
		if err := r.line(line); err != nil {
			t.Fatal(err)
		}
	}
	outcomes := r.sorted()
	a, okA := outcomes.Get("refs/heads/a")
	b, okB := outcomes.Get("refs/heads/b")
	if len(outcomes) != 2 || !okA || a.Refused() || !okB || !b.Refused() {
		t.Errorf("got %+v", outcomes)
	}
}
