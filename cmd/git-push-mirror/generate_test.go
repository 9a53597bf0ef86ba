package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"git-push-mirror/pushmirror/config"
)

// generatedInto runs generate, and returns the directory that it wrote into.
func generatedInto(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	inv := invocation{args: []string{"git-push-mirror", "generate", "made"}, dir: dir, stdout: &out, stderr: &out}
	if code := run(context.Background(), inv); code != exitOK || out.Len() > 0 {
		t.Fatalf("generate ended with %d and printed %q", code, out.String())
	}
	return filepath.Join(dir, "made")
}

// installed finds a program that the tests need.
func installed(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; Debian has it in the package of that name: %v", name, err)
	}
	return program
}

// printed runs a program with an environment of its own and returns what it printed.
func printed(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, installed(t, name), args...)
	cmd.Env, cmd.WaitDelay = env, patience
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// page is a man page as people read it, with its lines joined.
func page(t *testing.T, file string) string {
	t.Helper()
	// In lines as long as mandoc makes them, so that no word is broken in two.
	shown := printed(t, []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}, "mandoc", "-T", "ascii", "-O", "width=1000", file)
	// What is bold or underlined is overstruck.
	for {
		i := strings.IndexByte(shown, '\b')
		if i < 1 {
			break
		}
		shown = shown[:i-1] + shown[i+1:]
	}
	return strings.Join(strings.Fields(shown), " ")
}

func TestManPagesPassLint(t *testing.T) {
	dir := generatedInto(t)
	for _, name := range []string{"git-push-mirror.1", "push-mirror.toml.5"} {
		t.Run(name, func(t *testing.T) {
			// It fails on a warning. What is beneath one is about the pages that this system has.
			printed(t, []string{"LC_ALL=C"}, "mandoc", "-T", "lint", "-W", "warning", filepath.Join(dir, "man", name))
		})
	}
}

func TestManPageHasEveryCommandAndFlag(t *testing.T) {
	text := page(t, filepath.Join(generatedInto(t), "man/git-push-mirror.1"))
	app := invocation{}.app()
	var look func(verbs []verb)
	look = func(verbs []verb) {
		for _, v := range verbs {
			look(v.Verbs)
			if v.Verbs != nil {
				continue
			}
			// Its section ends where the next one begins.
			_, section, found := strings.Cut(text, " git push-mirror "+strings.ReplaceAll(strings.TrimSpace(v.Name+" "+v.Args), "…", "...")+" "+sentence(v.Means))
			if !found {
				t.Errorf("%s is missing in\n%s", v.Name, text)
				continue
			}
			section, _, _ = strings.Cut(section, " git push-mirror ")
			for _, o := range v.Options {
				if !strings.Contains(section, strings.TrimSpace(o.Name+" "+o.Value)+" "+sentence(o.Means)) {
					t.Errorf("%s %s is missing in\n%s", v.Name, o.Name, section)
				}
			}
		}
	}
	look(verbsOf("", app.Commands))
	for _, o := range options(app.Flags) {
		if !strings.Contains(text, strings.TrimSpace(o.Name+" "+o.Value)+" "+sentence(o.Means)) {
			t.Errorf("%s is missing in\n%s", o.Name, text)
		}
	}
}

// TestManPageHasTheRemoteBeforeOverwrite knows that all that follows --overwrite are refs.
func TestManPageHasTheRemoteBeforeOverwrite(t *testing.T) {
	text := page(t, filepath.Join(generatedInto(t), "man/git-push-mirror.1"))
	synopsis, _, _ := strings.Cut(text, " DESCRIPTION ")
	if strings.Contains(synopsis, "[--overwrite") || !strings.Contains(synopsis, " git push-mirror sync REMOTE --overwrite REF ... ") {
		t.Error(synopsis)
	}
}

func TestManPageHasEveryKey(t *testing.T) {
	text := page(t, filepath.Join(generatedInto(t), "man/push-mirror.toml.5"))
	for _, key := range config.Keys() {
		want := key.Name + " = " + strings.ReplaceAll(key.Example, "…", "...") + " " + sentence(key.Means)
		_, rest, found := strings.Cut(text, want)
		if !found {
			t.Errorf("%q is missing in\n%s", want, text)
		}
		rest, _, _ = strings.Cut(rest, " = ")
		if key.Default != "" && !strings.Contains(rest, "The default is "+key.Default) {
			t.Errorf("the default of %s is missing in %q", key.Name, rest)
		}
	}
}

// TestEveryNoteIsOfAKey finds the note of a key that was renamed.
func TestEveryNoteIsOfAKey(t *testing.T) {
	source, err := manual.ReadFile("manual/push-mirror.toml.5")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, key := range config.Keys() {
		keys[key.Name] = true
	}
	notes := 0
	for line := range strings.Lines(string(source)) {
		if _, rest, found := strings.Cut(line, `define "note `); found {
			notes++
			if name, _, _ := strings.Cut(rest, `"`); !keys[name] {
				t.Errorf("there is no key %s", name)
			}
		}
	}
	if notes == 0 {
		t.Error("there are no notes")
	}
}

// TestHelpStandsForItself holds the help to what the cli library does with it.
func TestHelpStandsForItself(t *testing.T) {
	help := topOf(invocation{}.app()).help()
	var b strings.Builder
	if err := template.Must(template.New("").Parse(help)).Execute(&b, nil); err != nil || b.String() != help {
		t.Errorf("%v: %q became %q", err, help, b.String())
	}
}
