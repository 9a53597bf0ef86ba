package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"git-push-mirror/pushmirror/queue"
)

var update = flag.Bool("update", false, "write what a script's cmp found into the script")

// TestMain makes this test binary the git-push-mirror of all scripts, and the post-receive hook
// that they link to: what they test is always what was just compiled.
func TestMain(m *testing.M) {
	calledAs := os.Args[0] // of which testscript leaves only the last part
	program := func() {
		os.Args[0] = calledAs
		main()
	}
	testscript.Main(m, map[string]func(){
		"git-push-mirror": program,
		"post-receive":    program,
	})
}

// TestScripts runs testdata/script/*.txtar; the README there tells how to write one.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		UpdateScripts:      *update,
		Setup:              setUpScript,
		Cmds: map[string]command{
			"cmpref":     cmdCmpref,
			"commit":     cmdCommit,
			"envsubst":   cmdEnvsubst,
			"exits":      cmdExits,
			"git":        cmdGit,
			"gitd":       serverCommand("gitd", prepareGitd),
			"httpd":      serverCommand("httpd", prepareHTTPD),
			"httpsd":     serverCommand("httpsd", prepareHTTPSD),
			"intercept":  cmdIntercept,
			"killworker": cmdKillworker,
			"lfscheck":   cmdLFSCheck,
			"lfscommit":  cmdLFSCommit,
			"lfsd":       cmdLFSD,
			"oid":        cmdOID,
			"passwords":  cmdPasswords,
			"proxy":      cmdProxy,
			"silent":     silenceCommand("silent", ""),
			"sshd":       serverCommand("sshd", prepareSSHD),
			"sshhang":    silenceCommand("sshhang", "SSH-2.0-OpenSSH_9.2\r\n"),
			"terminal":   cmdTerminal,
			"waitfor":    cmdWaitfor,
			"waitgone":   cmdWaitgone,
			"waitidle":   cmdWaitidle,
			"watch":      cmdWatch,
			"webhook":    cmdWebhook,
		},
	})
}

// A command is one that testscript does not have itself. With neg it was called with a ! before its
// name.
type command = func(ts *testscript.TestScript, neg bool, args []string)

// gitConfig is the config of the script's user and, apart from that, of the servers. What git would
// do in the background could outlive the script.
const gitConfig = `[init]
	defaultBranch = main
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
`

// systemConfig lets a pusher wait for the outcome however slow the machine is.
const systemConfig = "[hook]\nwait = \"1m\"\n"

// setUpScript gives a script a home, an identity and a time of its own, so that nothing of this
// machine's user shows in it and object ids are the same in every run.
func setUpScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	source, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	env.Vars = append(env.Vars,
		"HOME="+home,
		"SOURCE="+source, // this checkout
		"EXAMPLES="+filepath.Join(source, "examples"),
		"XDG_CACHE_HOME="+filepath.Join(home, ".cache"),
		"XDG_CONFIG_HOME="+filepath.Join(home, ".config"),
		"XDG_DATA_HOME="+filepath.Join(home, ".local/share"),
		"XDG_STATE_HOME="+filepath.Join(home, ".local/state"),
		"LC_ALL=C",
		"TERM=dumb",
		"TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada Author",
		"GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_AUTHOR_DATE="+date(0),
		"GIT_COMMITTER_NAME=Carl Committer",
		"GIT_COMMITTER_EMAIL=carl@example.com",
		"GIT_COMMITTER_DATE="+date(0),
		// Not the machine's config, and not the state of the user whom the password database tells
		// of.
		"PUSH_MIRROR_CONFIG="+filepath.Join(env.WorkDir, "config.toml"),
		"PUSH_MIRROR_STATE_DIR="+filepath.Join(env.WorkDir, "state"),
	)
	if env.Getenv("GORACE") == "" {
		// The race detector makes every process sleep for a second at its end.
		env.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	env.Values[scriptKey{}] = &script{environment: env.Vars, servers: map[string]*server{}}

	env.Defer(func() {
		// A hook's worker may be about to begin.
		killProcesses(queue.DirVariable + "=" + env.Getenv("PUSH_MIRROR_STATE_DIR"))
		killWorker(env.Getenv("PUSH_MIRROR_STATE_DIR"))
		if t := env.T().(interface{ Failed() bool }); t.Failed() {
			killProcesses("WORK=" + env.WorkDir)
		}
	})
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	return errors.Join(
		writeUnlessThere(filepath.Join(home, ".gitconfig"), gitConfig),
		writeUnlessThere(env.Getenv("PUSH_MIRROR_CONFIG"), systemConfig),
	)
}

// killProcesses ends all processes that have a variable in their environment, as those of a script
// have. Before it says what failed, testscript interrupts each process in the background and waits
// for those that write to the same pipe, which a shell's children do, who were not interrupted.
func killProcesses(variable string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, environ := range environs {
		variables, err := os.ReadFile(environ)
		if err != nil || !bytes.Contains(variables, []byte(variable+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(environ))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// writeUnlessThere writes a file that the script may bring itself.
func writeUnlessThere(file, text string) error {
	if exists(file) {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// A script is what our commands remember of the script that they run in.
type script struct {
	environment []string           // as it was at the start
	commits     int                // made by the command commit
	servers     map[string]*server // by the name of their command
	silence     func()             // ends the listener that says nothing
	proxy       *proxy
	lfsd        *lfsd
	watcher     *watcher
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script {
	return ts.Value(scriptKey{}).(*script)
}

// environ is the script's environment as it is now: its variables of the start with the values that
// the script gave them since.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, variable := range scriptOf(ts).environment {
		name, _, _ := strings.Cut(variable, "=")
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}
