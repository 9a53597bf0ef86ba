package hook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
)

// ChainedName is the name, in the folder of hooks, of the post-receive that was there
// before us. It runs on the same input.
const ChainedName = "post-receive.before-push-mirror"

// chainedVariable tells a hook that the former hook runs, by way of other programs perhaps, that
// it was run before on the same input.
const chainedVariable = "PUSH_MIRROR_CHAINED"

// chained is the value of that variable for what was pushed to a repository.
func chained(repository string, input []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(append([]byte(repository+"\n"), input...)))
}

// mayRun is what access(2) calls X_OK.
const mayRun = 1

// chainedHook is its path in the repository.
const chainedHook = "hooks/" + ChainedName

// chains reports whether there is one that can be run: git, too, leaves alone what cannot.
func chains(repository string) bool {
	return syscall.Access(filepath.Join(repository, chainedHook), mayRun) == nil
}

// chain runs the hook that was there before us, if any, and returns its exit code. It may
// do with its input what it likes.
func (h Hook) chain(ctx context.Context, repository string, input []byte) (int, error) {
	if !chains(repository) {
		return 0, nil
	}
	path := filepath.Join(repository, chainedHook)
	h.Env = append(slices.Clone(h.Env), chainedVariable+"="+chained(repository, input))
	err := h.run(ctx, input, path)
	if errors.Is(err, syscall.ENOEXEC) {
		err = h.run(ctx, input, "/bin/sh", path) // as git does with a script that has no #! line
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("running %s: %w", path, err)
	}
	return 0, nil
}

// run runs a program in the place of this hook.
func (h Hook) run(ctx context.Context, input []byte, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = h.Dir, h.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), h.Stderr, h.Stderr
	return cmd.Run()
}
