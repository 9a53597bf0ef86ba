package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// everyCommand gives the words of each command of the program, hidden ones and the program itself
// included.
func everyCommand() [][]string {
	all := [][]string{nil}
	var add func(before []string, commands []*cli.Command)
	add = func(before []string, commands []*cli.Command) {
		for _, c := range commands {
			words := append(before[:len(before):len(before)], c.Name)
			all = append(all, words)
			add(words, c.Subcommands)
		}
	}
	add(nil, invocation{}.app().Commands)
	return all
}

func TestHelpFitsATerminal(t *testing.T) {
	for _, words := range everyCommand() {
		t.Run(strings.Join(append([]string{"git-push-mirror"}, words...), " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			inv := invocation{stdout: &stdout, stderr: &stderr}
			inv.args = append(append([]string{"git-push-mirror"}, words...), "-h")
			if code := run(context.Background(), inv); code != exitOK || stderr.Len() > 0 {
				t.Fatalf("exit code %d, %s", code, stderr.String())
			}
			lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
			if len(lines) > 24 {
				t.Errorf("it has %d lines:\n%s", len(lines), stdout.String())
			}
			for _, line := range lines {
				if n := utf8.RuneCountInString(line); n > 80 {
					t.Errorf("a line has %d columns: %s", n, line)
				}
			}
			if call := strings.Join(append([]string{"USAGE: git push-mirror"}, words...), " "); !strings.Contains(stdout.String(), call) {
				t.Errorf("it does not say %q:\n%s", call, stdout.String())
			}
		})
	}
}

func TestHelpIsTheSameForTheLongFlag(t *testing.T) {
	shown := map[string]string{}
	for _, flag := range []string{"-h", "--help"} {
		var stdout bytes.Buffer
		inv := invocation{args: []string{"git-push-mirror", flag}, stdout: &stdout, stderr: &stdout}
		if code := run(context.Background(), inv); code != exitOK {
			t.Fatalf("%s: exit code %d", flag, code)
		}
		shown[flag] = stdout.String()
	}
	if shown["-h"] == "" || shown["-h"] != shown["--help"] {
		t.Errorf("they differ: %q", shown)
	}
}
