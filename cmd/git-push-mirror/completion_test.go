package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// completionApp is the program with a command more, which is made of others.
func completionApp() *cli.App {
	app := invocation{}.app()
	app.Commands = append(app.Commands, &cli.Command{
		Name: "group", Usage: "have commands: two of them",
		Subcommands: []*cli.Command{
			{Name: "first-one", Usage: "take [remotes]", ArgsUsage: "[REMOTE…]", Flags: []cli.Flag{&cli.BoolFlag{Name: "first", Usage: "don't be second"}}},
			{Name: "second", Usage: "take a directory", ArgsUsage: "DIR", Flags: []cli.Flag{&cli.StringFlag{Name: "text", Usage: "take a `TEXT`"}}},
		},
	})
	return app
}

// A completion is a command line, and what can be typed at its end.
type completion struct {
	line string
	want []string
}

// completions lists what every shell has to complete, for the repositories that makeRepositories
// makes.
func completions(app *cli.App) []completion {
	var all []completion
	verbs := verbsOf("", app.Commands)
	for _, program := range []string{"git-push-mirror", "git push-mirror"} {
		all = append(
			all,
			completion{program + " ", namesOf(verbs)},
			completion{program + " gr", []string{"group"}},
			completion{program + " group ", []string{"first-one", "second"}},
			completion{program + " group first-one b", []string{"backup"}},
			completion{program + " status ", []string{"backup", "github"}},
			completion{program + " sync --json github b", []string{"backup"}},
			completion{program + " sync --overwrite m", []string{"main", hostileBranch}},
			completion{program + " sync --overwrite topic/", []string{"topic/x"}},
			completion{program + " sync backup --overwrite main t", []string{"topic/x"}},
			completion{program + " sync --overwrite main --json b", []string{"backup"}},
			completion{program + " sync --overwrite main --dry", []string{"--dry-run"}},
			completion{program + " -C ../other.git status ", []string{"elsewhere"}},
			completion{program + " remote ", []string{"add", "set", "remove"}},
			completion{program + " remote remove ", []string{"backup", "github"}},
			completion{program + " remote set ", []string{"backup", "github"}},
			completion{program + " remote set --password-stdin backup pru", []string{"prune=", "prune_limit="}},
			completion{program + " remote set backup tags=all ssh", []string{"ssh_key="}},
			completion{program + " remote add x /srv/x.git user", []string{"username="}},
			completion{program + " remote add x user", []string{}},
			completion{program + " remote add x ssh://git@host:22/x.git user", []string{"username="}},
			completion{program + " remote add x ssh://user", []string{}},
			completion{program + " remote set backup tags=", []string{"tags="}},
			completion{program + " remote set backup tags=t", []string{}},
			completion{program + " remote set backup ssh_key= user", []string{"username="}},
			completion{program + " remote set backup tags=all user", []string{"username="}},
		)
	}
	all = append(
		all,
		completion{"git push-mirr", []string{"push-mirror"}},
		completion{"git -C ../other.git push-mirror status ", []string{"elsewhere"}},
		completion{"git-push-mirror group second ../oth", []string{"other.git"}},
		completion{"git-push-mirror -C ../oth", []string{"other.git"}},
	)
	var flags func(verbs []verb)
	flags = func(verbs []verb) {
		for _, v := range verbs {
			flags(v.Verbs)
			want := []string{}
			for _, o := range v.Options {
				want = append(want, o.Name)
			}
			if len(want) > 0 {
				all = append(all, completion{"git-push-mirror " + v.Name + " --", want})
			}
		}
	}
	flags(verbs)
	return all
}

func namesOf(verbs []verb) []string {
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name)
	}
	return names
}

// makeRepositories makes two repositories with remotes that nobody can reach, and returns the
// first.
func makeRepositories(t *testing.T, dir string, env []string) string {
	t.Helper()
	git := func(args ...string) string {
		t.Helper()
		out, err := output(env, "git", args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, remotes := range map[string][]string{"up.git": {"backup", "github"}, "other.git": {"elsewhere"}} {
		repository := filepath.Join(dir, name)
		git("init", "-q", "--bare", repository)
		text := ""
		for _, remote := range remotes {
			text += fmt.Sprintf("[[remote]]\nname = %q\nurl = \"/nowhere/%s.git\"\n", remote, remote)
		}
		if err := os.WriteFile(filepath.Join(repository, "push-mirror.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	up := filepath.Join(dir, "up.git")
	tree := git("-C", up, "hash-object", "-t", "tree", "-w", os.DevNull)
	commit := git("-C", up, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit-tree", "-m", "c", tree)
	for _, branch := range []string{"main", "topic/x", hostileBranch} {
		git("-C", up, "update-ref", "refs/heads/"+branch, commit)
	}
	return up
}

// hostileBranch has a name that nothing may evaluate.
const hostileBranch = "m$(touch${IFS}evaluated)"

func TestCompletions(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			app := completionApp()
			dir := t.TempDir()
			if err := generate(app, dir); err != nil {
				t.Fatal(err)
			}
			env := completionEnv(t, dir)
			up := makeRepositories(t, dir, env)
			wanted := completions(app)
			offered := completed(t, shell, dir, up, env, wanted)
			for i, c := range wanted {
				if offers := offersOf(offered[i]); !slices.Equal(offers, slices.Sorted(slices.Values(c.want))) {
					t.Errorf("%q offers %q, want %q", c.line, offers, c.want)
				}
			}
			if exists(filepath.Join(up, "evaluated")) {
				t.Error("the name of a branch was evaluated")
			}
		})
	}
}

// completionEnv is the environment of a user whose home is dir.
func completionEnv(t *testing.T, dir string) []string {
	t.Helper()
	zshrc, err := os.ReadFile("testdata/completion/zshrc")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.toml")
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, ".zshrc"), zshrc, 0o600),
		os.WriteFile(config, nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return []string{
		"HOME=" + dir, "ZDOTDIR=" + dir, "PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TERM=dumb", "GIT_CONFIG_NOSYSTEM=1",
		"PUSH_MIRROR_CONFIG=" + config, "PUSH_MIRROR_STATE_DIR=" + filepath.Join(dir, "state"), "GORACE=atexit_sleep_ms=0",
	}
}

// completed has a shell, in a repository, complete lines by what was generated into dir, and
// returns what it offers for each.
func completed(t *testing.T, shell, dir, repository string, env []string, lines []completion) []string {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata/completion", shell+"."+shell))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "completions")
	if shell == "bash" {
		folder = dir // bash-completion looks into completions below it
	}
	var input, said strings.Builder
	for _, c := range lines {
		input.WriteString(c.line + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, installed(t, shell), script, folder)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr, cmd.WaitDelay = repository, env, strings.NewReader(input.String()), &said, patience
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%v: %s", err, &said)
	}
	offered := strings.Split(string(out), "====\n")
	if len(offered) != len(lines)+1 {
		t.Fatalf("there are %d answers to %d lines:\n%s", len(offered)-1, len(lines), out)
	}
	return offered
}

// offersOf sorts what a shell offers. Each has its own way with directories, quotes and spaces, and
// some say things twice.
func offersOf(text string) []string {
	var offers []string
	for line := range strings.Lines(strings.ReplaceAll(text, `\`, "")) {
		if word := strings.TrimSpace(line); word != "" {
			offers = append(offers, strings.TrimSuffix(strings.TrimPrefix(word, "../"), "/"))
		}
	}
	slices.Sort(offers)
	return slices.Compact(offers)
}
