package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/config"
)

// examples is the folder of the examples, from here.
const examples = "../../examples"

func TestEveryExampleConfigLoads(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.toml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			repository := t.TempDir()
			if err := os.WriteFile(filepath.Join(repository, "push-mirror.toml"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			loaded, err := config.Load(config.Sources{Repository: repository})
			if err != nil {
				t.Fatal(err)
			}
			if len(loaded.Remotes) == 0 {
				t.Error("it has no remote")
			}
		})
	}
}

// TestTheDemoShowsAPushOnItsWay runs examples/demo.sh with the program as it is built for use.
func TestTheDemoShowsAPushOnItsWay(t *testing.T) {
	dir := t.TempDir()
	binary, temp := filepath.Join(dir, "git-push-mirror"), filepath.Join(dir, "tmp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	demo := exec.CommandContext(ctx, filepath.Join(examples, "demo.sh"), binary)
	demo.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + temp}
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	shown := string(out)
	for _, want := range []string{
		"$ git push origin main experiment\n",
		"remote: push-mirror: github: main created at ", // before or after the lines of backup
		"remote: push-mirror: backup: main diverged, not mirrored: the mirror has work that is not here (",
		"\nbackup\tfailed\t",
		"1 ref has diverged and was not updated: refs/heads/main\n",
		"\nbackup\tfinished\t",
	} {
		_, rest, found := strings.Cut(shown, want)
		if !found {
			t.Fatalf("after what was expected before, %q is missing in\n%s", want, out)
		}
		shown = rest
	}
	if !strings.Contains(string(out), "backup: experiment created") || strings.Contains(string(out), "github: experiment") {
		t.Errorf("the filter is not at work:\n%s", out)
	}
	err = filepath.WalkDir(temp, func(path string, _ fs.DirEntry, err error) error {
		if path != temp {
			t.Errorf("%s is left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTheSampleConfigOfTheSystemLoads: as it stands it says nothing; with its comments taken away
// all it shows is right.
func TestTheSampleConfigOfTheSystemLoads(t *testing.T) {
	text, err := os.ReadFile("../../install/config.toml.sample")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "widgets.git"), 0o700); err != nil {
		t.Fatal(err)
	}
	load := func(text string) *config.Config {
		file := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "/srv/git\"  ", root+"\"  ")), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := config.Load(config.Sources{System: file, Repository: filepath.Join(root, "widgets.git")})
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	if asItIs := load(string(text)); len(asItIs.Remotes) != 0 || asItIs.Root != "" {
		t.Errorf("it does something: %+v", asItIs)
	}
	_, samples, found := strings.Cut(string(text), "\n\n")
	if !found {
		t.Fatal("it has no samples")
	}
	switched := load(strings.ReplaceAll("\n"+samples, "\n# ", "\n"))
	if len(switched.Remotes) != 1 || switched.Root != root || switched.Worker.Start != config.StartNever {
		t.Errorf("it comes to %+v", switched)
	}
}
