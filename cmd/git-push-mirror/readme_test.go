package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"git-push-mirror/pushmirror/config"
)

// readmeRuns are the command blocks of the README, by their first lines and in its order, with what
// the reader has done before. The commands run in a shell whose folder is that of the block before,
// or where prepare goes.
var readmeRuns = []struct{ first, prepare string }{
	{"git push-mirror status", `
		mkdir -p $W/usr/local/bin $W/srv/git $W/backup
		go build -o $W/usr/local/bin/git-push-mirror "$ROOT"/cmd/git-push-mirror
		cd $W/srv/git
		git init -q --bare widgets.git
		git init -q --bare $W/backup/widgets.git
		cd widgets.git
		git push-mirror install
		git push-mirror init backup $W/backup/widgets.git`},
	{"$ git push origin main", `
		cd $W/srv/git
		git clone -q widgets.git work
		cd work
		git commit -q --allow-empty -m one
		git push -q origin main
		git commit -q --allow-empty -m two
		git remote set-url origin ../widgets.git
		theirs() {
			git -C $W/backup/widgets.git update-ref refs/heads/main $(git -C $W/backup/widgets.git commit-tree -m theirs -p main main^{tree})
			git commit -q --allow-empty -m three
			git branch topic
		}`},
	{"install/install.sh", `
		rm -r $W/srv/git/* $W/backup/* $W/usr/local/bin/*
		mkdir $W/checkout
		cd "$ROOT"
		cp -R Makefile go.mod go.sum cmd examples hook install pushmirror $W/checkout
		cd $W/checkout`},
	{"cd /srv/git/widgets.git", `
		git init -q --bare $W/srv/git/widgets.git
		git init -q --bare $W/backup/widgets.git
		git clone -q $W/srv/git/widgets.git $W/work
		cd $W/work
		git commit -q --allow-empty -m one
		git push -q origin main`},
	{"git push-mirror install --recursive --dry-run /srv/git", `
		[ "$(git -C $W/backup/widgets.git rev-parse main)" = "$(git -C $W/work rev-parse main)" ]
		git init -q --bare $W/srv/git/another.git`},
	{"git push-mirror remote add second ssh://git@backup.example.com/srv/git/second.git tags=none timeout=1h", `
		git init -q --bare $W/backup/second.git
		cd $W/srv/git/widgets.git`},
}

// TestTheCommandsOfTheReadmeRun runs every command block of the README as it stands there, but with
// /srv and /usr/local in a folder of the test, and the backup on this machine. What a transcript
// shows is what is printed. The other blocks are configs, which load.
func TestTheCommandsOfTheReadmeRun(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	t.Cleanup(func() { killWorker(filepath.Join(work, "state")) })
	writeAll(t, work, map[string]string{"home/.gitconfig": gitConfig, "config.toml": systemConfig})
	env := append(goEnvironment(t),
		"W="+work, "ROOT="+root, "HOME="+filepath.Join(work, "home"), "PATH="+filepath.Join(work, "usr/local/bin")+":"+os.Getenv("PATH"),
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "PUSH_MIRROR_CONFIG="+filepath.Join(work, "config.toml"),
		"PUSH_MIRROR_STATE_DIR="+filepath.Join(work, "state"),
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")

	var script strings.Builder
	script.WriteString("set -eu\nexec 2>&1\n")
	var transcript string
	runs := readmeRuns
	for _, block := range indentedBlocks(string(text)) {
		if isConfig(block) {
			checkConfig(t, block)
			continue
		}
		first, _, _ := strings.Cut(block, "\n")
		first, _, _ = strings.Cut(first, "  ")
		if len(runs) == 0 || runs[0].first != first {
			t.Fatalf("no test runs this block of the README, or not in its turn:\n%s", block)
		}
		script.WriteString(runs[0].prepare + "\n")
		if strings.HasPrefix(first, "$ ") {
			transcript = block
			script.WriteString("echo 'TRANSCRIPT BEGINS'\n" + commandsOf(block) + "echo 'TRANSCRIPT ENDS'\n")
		} else {
			script.WriteString(block)
		}
		runs = runs[1:]
	}
	if len(runs) > 0 {
		t.Fatalf("the README has no block that begins with %q", runs[0].first)
	}
	commands := strings.NewReplacer(
		"ssh://git@backup.example.com/srv/git", "$W/backup", " /srv/git", " $W/srv/git", " /usr/local", " $W/usr/local",
		"\ninstall/install.sh\n", "\ninstall/install.sh --prefix $W/usr/local\n",
	).Replace(script.String())
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	sh := exec.CommandContext(ctx, "sh", "-c", commands)
	sh.Env = env
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nof\n%s", err, out, commands)
	}
	_, shown, _ := strings.Cut(string(out), "TRANSCRIPT BEGINS\n")
	shown, _, _ = strings.Cut(shown, "TRANSCRIPT ENDS\n")
	if got, want := withoutChance(shown), withoutChance(outputOf(transcript)); got != want {
		t.Errorf("the README shows\n%s\nand this was printed:\n%s", want, got)
	}
}

// indentedBlocks gives the blocks of text that stand four blanks to the right, without these.
func indentedBlocks(text string) []string {
	var blocks []string
	var block strings.Builder
	for line := range strings.Lines(text + "\nEND\n") {
		switch code, indented := strings.CutPrefix(line, "    "); {
		case indented:
			block.WriteString(code)
		case strings.TrimSpace(line) == "" && block.Len() > 0:
			block.WriteString("\n")
		case block.Len() > 0:
			blocks = append(blocks, strings.TrimRight(block.String(), "\n")+"\n")
			block.Reset()
		}
	}
	return blocks
}

func isConfig(block string) bool {
	_, err := toml.Decode(block, new(map[string]any))
	return err == nil
}

func checkConfig(t *testing.T, block string) {
	t.Helper()
	dir := t.TempDir()
	writeAll(t, dir, map[string]string{"push-mirror.toml": block})
	sources := config.Sources{Repository: dir}
	if strings.Contains(block, "state_dir") {
		sources = config.Sources{System: filepath.Join(dir, "push-mirror.toml")}
	}
	if _, err := config.Load(sources); err != nil {
		t.Errorf("this config of the README does not load: %v\n%s", err, block)
	}
}

// commandsOf are the commands of a transcript. After the first push the mirror's main is somebody
// else's; a status that is not good is what is shown.
func commandsOf(transcript string) string {
	var commands strings.Builder
	for line := range strings.Lines(transcript) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			if strings.Contains(command, "topic") {
				commands.WriteString("theirs\n")
			}
			commands.WriteString(strings.TrimSpace(command) + " || [ $? = 1 ]\n")
		}
	}
	return commands.String()
}

func outputOf(transcript string) string {
	var output strings.Builder
	for line := range strings.Lines(transcript) {
		if !strings.HasPrefix(line, "$ ") {
			output.WriteString(line)
		}
	}
	return output.String()
}

var (
	timeInOutput = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`)
	oidInOutput  = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
)

// withoutChance leaves out what differs from run to run, and blanks at the ends of lines.
func withoutChance(output string) string {
	output = oidInOutput.ReplaceAllString(timeInOutput.ReplaceAllString(output, "TIME"), "ID")
	var lines []string
	for line := range strings.Lines(output) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// goEnvironment has Go find its caches without the user's home.
func goEnvironment(t *testing.T) []string {
	t.Helper()
	var env []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOPROXY"} {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}

func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
