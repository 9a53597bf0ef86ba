package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkPushWithHook measures what the hook adds to a local push that does not wait for
// the outcome: pushes to a repository with it and to one with an empty shell hook, in turn.
// It reports the median of the ratios.
func BenchmarkPushWithHook(b *testing.B) {
	dir := b.TempDir()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GORACE=atexit_sleep_ms=0",
		"PUSH_MIRROR_CONFIG=" + filepath.Join(dir, "config.toml"), "PUSH_MIRROR_STATE_DIR=" + filepath.Join(dir, "state"),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
	}
	git := func(args ...string) string {
		b.Helper()
		cmd := exec.CommandContext(b.Context(), "git", args...)
		cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader("")
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write := func(name, text string) {
		b.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range []string{"work.git", "mirror.git", "with.git", "without.git"} {
		git("init", "--quiet", "--bare", name)
	}
	write("config.toml", "[hook]\nwait = \"0s\"\n")
	write("with.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\nurl = %q\n", filepath.Join(dir, "mirror.git")))
	write("without.git/hooks/post-receive", "#!/bin/sh\n")
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "with.git/hooks/post-receive")); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { killWorker(filepath.Join(dir, "state")) })

	tree, parent := git("-C", "work.git", "mktree"), ""
	var ratios []float64
	for b.Loop() {
		args := []string{"-C", "work.git", "commit-tree", "-m", "x", tree}
		if parent != "" {
			args = append(args, "-p", parent)
		}
		parent = git(args...)
		var took [2]time.Duration
		for i, to := range []string{"with.git", "without.git"} {
			start := time.Now()
			git("-C", "work.git", "push", "-q", filepath.Join(dir, to), parent+":refs/heads/main")
			took[i] = time.Since(start)
		}
		ratios = append(ratios, float64(took[0])/float64(took[1]))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-empty-hook")
}
