package install

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"git-push-mirror/hook"
	"git-push-mirror/pushmirror/config"
)

// TestMain makes this test binary the program that the hook runs.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "hook" {
		code, err := hook.Hook{Dir: ".", Env: os.Environ(), Stdin: os.Stdin, Stderr: os.Stderr}.Run(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 99
		}
		fmt.Fprintln(os.Stderr, "mirrored")
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// formerHooks are ways in which a hook of somebody else's can be there; each says "former" when it
// is run.
var formerHooks = map[string]func(t *testing.T, repository string){
	"none": func(*testing.T, string) {},
	"a file": func(t *testing.T, repository string) {
		writeFile(t, filepath.Join(repository, plainHook), formerText, 0o751)
	},
	"a link": func(t *testing.T, repository string) {
		writeFile(t, filepath.Join(repository, "elsewhere", "mine.sh"), formerText, 0o755)
		if err := os.Mkdir(filepath.Join(repository, hooksFolder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../elsewhere/mine.sh", filepath.Join(repository, plainHook)); err != nil {
			t.Fatal(err)
		}
	},
}

const formerText = "#!/bin/sh\necho former >&2\nexit 3\n"

// TestKilledAtAnyStep ends a run before each of its steps. Whatever it leaves, a push runs the hook
// that was there before once, and both another install and an uninstall end as they should.
func TestKilledAtAnyStep(t *testing.T) {
	for name, prepare := range formerHooks {
		t.Run("install over "+name, func(t *testing.T) {
			testKilled(t, Installer.Install, func(t *testing.T, repository string) { prepare(t, repository) })
		})
		t.Run("install of another version over "+name, func(t *testing.T) {
			testKilled(t, Installer.Install, func(t *testing.T, repository string) {
				prepare(t, repository)
				other := newInstaller(t)
				other.Program = filepath.Join(t.TempDir(), "git-push-mirror")
				if err := os.Symlink(newInstaller(t).Program, other.Program); err != nil {
					t.Fatal(err)
				}
				do(t, other.Install, repository)
			})
		})
		t.Run("uninstall down to "+name, func(t *testing.T) {
			testKilled(t, Installer.Uninstall, func(t *testing.T, repository string) {
				prepare(t, repository)
				do(t, newInstaller(t).Install, repository)
			})
		})
	}
}

type operation = func(Installer, context.Context, string) (Result, error)

func testKilled(t *testing.T, op operation, prepare func(t *testing.T, repository string)) {
	for step := 1; ; step++ {
		repository := newRepository(t)
		prepare(t, repository)
		formerWas := strings.Contains(push(t, repository), "former")
		i := newInstaller(t)
		if !killedBefore(t, step, i, op, repository) {
			if step < 3 {
				t.Fatalf("it has only %d steps", step-1)
			}
			return
		}
		told := push(t, repository)
		if got := strings.Count(told, "former"); formerWas && got != 1 || !formerWas && got != 0 {
			t.Errorf("killed before step %d, a push runs the former hook %d times: %s", step, got, told)
		}

		again := filepath.Join(t.TempDir(), "again")
		if out, err := exec.CommandContext(t.Context(), "cp", "-a", repository, again).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		do(t, i.Install, repository)
		checkInstalled(t, repository, formerWas, fmt.Sprintf("killed before step %d, then installed", step))
		do(t, i.Uninstall, repository)
		checkUninstalled(t, repository, formerWas, fmt.Sprintf("killed before step %d, then installed and uninstalled", step))

		do(t, i.Uninstall, again)
		checkUninstalled(t, again, formerWas, fmt.Sprintf("killed before step %d, then uninstalled", step))
	}
}

// killedBefore runs op, and has it die before that step; false if it does not have as many.
func killedBefore(t *testing.T, step int, i Installer, op operation, repository string) bool {
	t.Helper()
	return diesBefore(step, &i.step, func() {
		if _, err := op(i, t.Context(), repository); err != nil {
			t.Fatal(err)
		}
	})
}

// diesBefore has do die before that step; false if it does not have as many.
func diesBefore(step int, hook *func(), do func()) (killed bool) {
	type death struct{}
	defer func() {
		switch dead := recover().(type) {
		case nil:
		case death:
			killed = true
		default:
			panic(dead)
		}
	}()
	*hook = func() {
		if step--; step == 0 {
			panic(death{})
		}
	}
	do()
	return false
}

func checkInstalled(t *testing.T, repository string, formerWas bool, when string) {
	t.Helper()
	got := hooksIn(t, repository)
	want := map[string]string{"post-receive": "-rwxr-xr-x " + string(script(newInstaller(t).Program))}
	if formerWas {
		want[hook.ChainedName] = theFormer(repository)
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s, there is %q, want %q", when, got, want)
	}
	told := push(t, repository)
	if strings.Count(told, "mirrored") != 1 || strings.Count(told, "former") != len(want)-1 {
		t.Errorf("%s, a push says %q", when, told)
	}
}

func checkUninstalled(t *testing.T, repository string, formerWas bool, when string) {
	t.Helper()
	want := map[string]string{}
	if formerWas {
		want["post-receive"] = theFormer(repository)
	}
	if got := hooksIn(t, repository); !maps.Equal(got, want) {
		t.Errorf("%s, there is %q, want %q", when, got, want)
	}
}

// theFormer is what hooksIn says of the hook that was there before.
func theFormer(repository string) string {
	if _, err := os.Stat(filepath.Join(repository, "elsewhere")); err == nil {
		return "Lrwxrwxrwx ../elsewhere/mine.sh"
	}
	return "-rwxr-x--x " + formerText
}

// hooksIn tells of each hook its mode and what it says or leads to.
func hooksIn(t *testing.T, repository string) map[string]string {
	t.Helper()
	hooks := map[string]string{}
	entries, err := os.ReadDir(filepath.Join(repository, hooksFolder))
	if err != nil {
		return hooks // it went with the last of them
	}
	for _, entry := range entries {
		path := filepath.Join(repository, hooksFolder, entry.Name())
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if info.Mode().Type() == fs.ModeSymlink {
			var target string
			target, err = os.Readlink(path)
			content = []byte(target)
		}
		if err != nil {
			t.Fatal(err)
		}
		hooks[entry.Name()] = info.Mode().String() + " " + string(content)
	}
	return hooks
}

// push does what git does with a push, and returns what the pusher is told.
func push(t *testing.T, repository string) string {
	t.Helper()
	var told bytes.Buffer
	cmd := exec.CommandContext(t.Context(), plainHook)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "GIT_DIR=.")
	cmd.Stdin = strings.NewReader(strings.Repeat("0", 40) + " " + strings.Repeat("1", 40) + " refs/heads/main\n")
	cmd.Stderr = &told
	if _, err := os.Stat(filepath.Join(repository, plainHook)); err != nil {
		return "" // git runs none
	}
	_ = cmd.Run() // the former hook fails
	return told.String()
}

// TestAnotherInstallInBetween runs a second install before each step of the first, without the lock
// that would keep it out.
func TestAnotherInstallInBetween(t *testing.T) {
	for name, prepare := range formerHooks {
		t.Run("over "+name, func(t *testing.T) {
			for step, last := 1, false; !last; step++ {
				repository := newRepository(t)
				prepare(t, repository)
				formerWas := push(t, repository) != ""
				tree, err := openTree(t.Context(), repository, lockPatience, func() {})
				if err != nil {
					t.Fatal(err)
				}
				if err := tree.held.Close(); err != nil {
					t.Fatal(err)
				}
				tree.held = nil
				left := step
				i := newInstaller(t)
				tree.step = func() {
					if left--; left == 0 {
						do(t, i.Install, repository)
					}
				}
				_, err = i.installPlain(tree)
				if err != nil && err.Error() != errChanged.Error() {
					t.Errorf("another one before step %d: %v", step, err)
				}
				last = left > 0
				tree.close()
				do(t, i.Install, repository)
				checkInstalled(t, repository, formerWas, fmt.Sprintf("with another one before step %d", step))
			}
		})
	}
}

// TestManyAtOnce has installs and uninstalls meet.
func TestManyAtOnce(t *testing.T) {
	repository := newRepository(t)
	formerHooks["a file"](t, repository)
	i := newInstaller(t)
	var all sync.WaitGroup
	for n := range 24 {
		all.Go(func() {
			op := i.Install
			if n%2 == 1 {
				op = i.Uninstall
			}
			if _, err := op(t.Context(), repository); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	do(t, i.Install, repository)
	checkInstalled(t, repository, true, "after many at once")
	do(t, i.Uninstall, repository)
	checkUninstalled(t, repository, true, "after many at once")
}

// TestHookThatCanHaveNoSecondName keeps a hook that, since it is not the user's, can have no second
// name, by a copy.
func TestHookThatCanHaveNoSecondName(t *testing.T) {
	repository := newRepository(t)
	formerHooks["a file"](t, repository)
	tree, err := openTree(t.Context(), repository, lockPatience, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.close()
	there, err := tree.look(plainHook)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.copy(there, formerHook); err != nil {
		t.Fatal(err)
	}
	if got := hooksIn(t, repository)[hook.ChainedName]; got != theFormer(repository) {
		t.Errorf("the copy is %q", got)
	}
	former, err := tree.look(formerHook)
	if err != nil || !same(there, former) || os.SameFile(there.info, former.info) {
		t.Errorf("the copy is not like its original: %v", err)
	}
}

// TestTheExampleConfigHoldsUpUncommented has every setting of the first configuration in effect.
func TestTheExampleConfigHoldsUpUncommented(t *testing.T) {
	for _, remote := range []struct{ name, url string }{{}, {"m", "/srv/m.git"}} {
		var text strings.Builder
		for line := range strings.Lines(configText(remote.name, remote.url)) {
			if strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") {
				line = line[1:]
			}
			text.WriteString(line)
		}
		if _, err := config.Load(config.Sources{Repository: t.TempDir(), Text: text.String()}); err != nil {
			t.Errorf("%v\n%s", err, text.String())
		}
		if strings.Count(text.String(), "\n[[remote]]") != 1 {
			t.Errorf("it has no remote:\n%s", text.String())
		}
	}
}

func do(t *testing.T, op func(context.Context, string) (Result, error), repository string) {
	t.Helper()
	if _, err := op(t.Context(), repository); err != nil {
		t.Errorf("%s: %v", repository, err)
	}
}

func newInstaller(t *testing.T) Installer {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Installer{Program: program, Env: os.Environ()}
}

// newRepository makes a bare repository without hooks and settles who the user is: nobody.
func newRepository(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector makes every process sleep for a second at its end
	t.Setenv("PUSH_MIRROR_STATE_DIR", filepath.Join(home, "state"))
	config := filepath.Join(home, "config.toml")
	writeFile(t, config, "", 0o600)
	t.Setenv("PUSH_MIRROR_CONFIG", config)
	repository := filepath.Join(home, "up.git")
	cmd := exec.CommandContext(t.Context(), "git", "init", "-q", "--bare", "--template=", repository)
	cmd.Stderr = io.Discard
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return repository
}

func writeFile(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func TestExpandUser(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for path, want := range map[string]string{
		"~/hooks": "/home/me/hooks", "~": "/home/me", "~root/hooks": "/root/hooks", "~nobody-has-this-name/x": "~nobody-has-this-name/x",
		"hooks": "hooks", "/srv/~/hooks": "/srv/~/hooks",
	} {
		if got := expandUser(path); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
}

func TestAScriptRunsUsWhereItHasOurNameAsAWord(t *testing.T) {
	for line, want := range map[string]bool{
		"git-push-mirror hook":                            true,
		`exec "/opt/push mirror/git-push-mirror" hook`:    true,
		"program=/usr/bin/git-push-mirror":                true,
		"input=$(git-push-mirror hook 2>&1)":              true,
		"[ $# = 0 ] && git-push-mirror hook;":             true,
		`subprocess.run(["git-push-mirror","hook"])`:      true,
		"git push-mirror hook":                            true,
		`/usr/bin/git -C "$dir" push-mirror hook || true`: true,
		`exec /usr/local/bin/push-mirror.sh "$@"`:         false,
		`exec /usr/local/bin/git-push-mirror-all "$@"`:    false,
		`echo "see docs/push-mirror.md"`:                  false,
		"/opt/git-push-mirror/bin/other":                  false,
		"git push mirror":                                 false,
		"echo git push-mirror status tells more":          false,
		"\t# git-push-mirror hook":                        false,
		"exec other # and not git-push-mirror hook":       false,
		"\x7fELF\x00\ngit-push-mirror hook":               false,
	} {
		for _, text := range []string{"#!/bin/sh\n" + line + "\n", line} {
			if got := runsUs([]byte(text)); got != want {
				t.Errorf("%q: %t", text, got)
			}
		}
	}
}
